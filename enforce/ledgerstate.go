package enforce

import (
	"encoding/json"
	"fmt"
	"time"
)

// A Kept is a finding as it is to be kept: taken up again, it goes on.
type Kept struct {
	ID   string
	Open bool // it is not over
	Last time.Time
	Data []byte // JSON of the alert, and more

	entry *entry
}

// keptDoc is an alert with what the ledger knows beside it.
type keptDoc struct {
	Alert
	Heard time.Duration `json:"heard_ns"`
}

// mostForgotten bounds what waits to be kept: where nothing can be written for
// days, what is over and was told is forgotten.
const mostForgotten = 4 * MaxFindings

// Changed returns what is to be kept since it was last called: all whose status has
// changed, and up to most of those that were counted on. The others are returned
// the next time.
func (l *Ledger) Changed(most int) (list []Kept, err error) {
	for e, must := range l.dirty {
		if !must {
			if most == 0 {
				continue
			}
			most--
		}
		data, err := json.Marshal(keptDoc{e.Alert, e.heard})
		if err != nil {
			return nil, fmt.Errorf("keep alert %s: %w", e.ID, err)
		}
		list = append(list, Kept{ID: e.ID, Open: e.Status != StatusResolved, Last: e.Last, Data: data, entry: e})
	}
	for i := range list {
		delete(l.dirty, list[i].entry)
	}
	return list, nil
}

// Unkept says that what Changed returned could not be kept: it is returned again.
func (l *Ledger) Unkept(list []Kept) {
	for _, k := range list {
		if k.Open || len(l.dirty) < mostForgotten {
			l.dirty[k.entry] = true
		}
	}
}

// ledgerDoc is what there is beside findings.
type ledgerDoc struct {
	Age    time.Duration `json:"age_ns"`
	Crowds []crowdDoc    `json:"crowds,omitempty"`
}

type crowdDoc struct {
	Kind    Kind          `json:"kind"`
	Agent   string        `json:"agent"`
	Verdict Verdict       `json:"verdict"`
	Start   time.Time     `json:"start"`
	N       int           `json:"n"`
	Open    bool          `json:"open,omitempty"`
	Heard   time.Duration `json:"heard_ns"`
}

// State returns what is to be kept beside what [Ledger.Changed] returns.
func (l *Ledger) State() ([]byte, error) {
	doc := ledgerDoc{Age: l.age}
	for k, c := range l.crowds {
		doc.Crowds = append(doc.Crowds, crowdDoc{k.kind, k.agent, k.verdict, c.start, c.n, c.open, c.heard})
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("keep alerts: %w", err)
	}
	return text, nil
}

// Restore takes up what was kept into an empty ledger: the state, and of the
// findings those that are open. Nothing of it is told again.
func (l *Ledger) Restore(state []byte, open [][]byte) error {
	var doc ledgerDoc
	if err := json.Unmarshal(state, &doc); err != nil {
		return fmt.Errorf("kept alerts: %w", err)
	}
	l.age = doc.Age
	for _, c := range doc.Crowds {
		l.crowds[crowdKey{c.Kind, c.Agent, c.Verdict}] = &crowd{c.Start, c.N, c.Open, c.Heard}
	}
	for _, data := range open {
		var k keptDoc
		if err := json.Unmarshal(data, &k); err != nil {
			return fmt.Errorf("kept alert: %w", err)
		}
		l.restore(&entry{Alert: k.Alert, key: keyOf(&k.Alert), heard: k.Heard, known: true})
	}
	return nil
}

// restore takes up one finding. Two that watched at once may both have found it: it is
// one from now on, the older.
func (l *Ledger) restore(e *entry) {
	other := l.open[e.key]
	switch {
	case other == nil && !e.Group:
		l.apart[classOf(e.key)]++
	case other != nil && other.Time.Before(e.Time):
		e, other = other, e
	}
	if other != nil {
		e.Count += other.Count
		if other.Last.After(e.Last) {
			e.Last = other.Last
		}
		other.Status = StatusResolved
		l.touch(other, true)
		l.touch(e, true)
	}
	l.open[e.key] = e
}
