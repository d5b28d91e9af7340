package enforce

import (
	"slices"
	"time"
)

// An Ack says that a person knows of a finding. It stays quiet while it only
// repeats.
type Ack struct {
	ID     string    `json:"id"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
	// As it was then: what is worse is told.
	Severity Severity `json:"severity"`
	Action   string   `json:"action,omitempty"`
}

// A Mute says that alerts are not to be told for a while.
type Mute struct {
	Selector string    `json:"selector"`
	Until    time.Time `json:"until"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
	Reason   string    `json:"reason"`

	match Match
}

// A Quiet is what people said of alerts: which of them are known, and which nobody
// wants to hear of for a while. The zero value keeps nothing quiet.
type Quiet struct {
	acks  map[string]Ack
	mutes []Mute
}

// The reasons for which an alert is not told.
const (
	Acknowledged = "acknowledged"
	Muted        = "muted"
)

// NewQuiet returns what follows from acknowledgements and mutes. A mute whose
// selector cannot be read is an error.
func NewQuiet(acks []Ack, mutes []Mute) (*Quiet, error) {
	q := &Quiet{acks: map[string]Ack{}, mutes: slices.Clone(mutes)}
	for _, a := range acks {
		q.acks[a.ID] = a
	}
	for i := range q.mutes {
		var err error
		if q.mutes[i].match, err = ParseMatch(q.mutes[i].Selector); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// Of says why an alert is not told at a time, "" if it is. That a finding is over is
// told where its beginning was.
func (q *Quiet) Of(a *Alert, now time.Time) string {
	over := a.Status == StatusResolved
	if ack, ok := q.acks[a.ID]; ok && !over && !ack.surpassed(a) {
		return Acknowledged
	}
	for i := range q.mutes {
		m := &q.mutes[i]
		if now.Before(m.Until) && m.match.Selects(a) && (!over || !a.Time.Before(m.At)) {
			return Muted
		}
	}
	return ""
}

// surpassed says whether a is worse than what was acknowledged.
func (k *Ack) surpassed(a *Alert) bool {
	return a.Severity.Above(k.Severity) || k.Action != "" && k.Action != a.Action
}

// Ack returns who acknowledged the finding with an ID.
func (q *Quiet) Ack(id string) (Ack, bool) {
	a, ok := q.acks[id]
	return a, ok
}

// Mutes returns the mutes that hold at a time.
func (q *Quiet) Mutes(now time.Time) []Mute {
	return slices.DeleteFunc(slices.Clone(q.mutes), func(m Mute) bool { return !now.Before(m.Until) })
}
