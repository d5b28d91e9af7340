package enforce

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// What the status of an alert may be. A finding is new, then active when it is
// seen again, persistent when it still is after an hour, and resolved when it was
// not seen for a day; [Terms] say how long each takes. Many at once are one
// alert, whose status is [StatusMore].
const (
	StatusNew        = "new"
	StatusActive     = "active"
	StatusPersistent = "persistent"
	StatusResolved   = "resolved"
	StatusMore       = "more"
)

// Terms say when a finding changes its status, and how many are told one by one.
type Terms struct {
	Again      time.Duration // seen again sooner than that after its beginning, it is the same attempt
	Persistent time.Duration // seen again later than that after its beginning, it persists
	Resolved   time.Duration // not seen for that long, while somebody watched, it is over
	// Burst is how many findings of one agent, kind and verdict may begin within
	// Calm; those beyond are one alert until no more than a tenth as many do. 0 is
	// no limit.
	Burst int
	Calm  time.Duration
	Most  int // findings of each kind and verdict that are told apart
	// Remind tells once more of what was taken up again, when it is first seen since.
	Remind bool
}

// Report are the terms of a report on what was recorded: it says everything.
func Report() Terms {
	return Terms{Again: time.Minute, Persistent: time.Hour, Resolved: 24 * time.Hour, Calm: 5 * time.Minute, Most: MaxFindings}
}

// Service are the terms of watching what happens now: nobody reads a thousand
// messages.
func Service() Terms {
	t := Report()
	t.Burst = 100
	return t
}

// Command are the terms of watching a command: who runs it is told each time what it
// may not.
func Command() Terms {
	t := Service()
	t.Remind = true
	return t
}

// identify gives the alert its ID: that of the same finding with the same
// beginning, whoever makes it and how often.
func (a *Alert) identify() {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q %q %d %q %q %d", a.Kind, a.Agent, a.Verdict, a.Proto, a.Dst, a.Port, a.Name, a.Subject, a.Time.UnixNano())
	a.ID = hex.EncodeToString(h.Sum(nil)[:8])
}

// event returns a copy of the alert that tells of a change: of its status, or of
// what made it worse.
func (a *Alert) event(worse string) *Alert {
	e := *a
	e.Event = a.ID + "-" + a.Status
	if worse != "" {
		e.Event += "-" + worse
		e.Worse = worse
	}
	return &e
}
