package enforce

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"tripline/learn"
)

// MaxFindings is how many findings of each kind and verdict a [Ledger] tells
// apart: a scan must not fill the memory, nor hide what is worse than itself.
const MaxFindings = 10_000

// A Ledger knows what was found and says once what changes: each event it returns
// is a copy of the alert with an ID of its own, [Alert.Event]. What only repeats
// is counted. Of what is in it nothing depends on a clock: beginnings are the
// times of flows, and what passes while nothing is seen is told by [Ledger.Watched].
// Not safe for concurrent use.
type Ledger struct {
	terms  Terms
	open   map[finding]*entry
	apart  map[class]int // of them, those that are told one by one
	crowds map[crowdKey]*crowd
	age    time.Duration   // for how long somebody watched
	dirty  map[*entry]bool // to be kept; true: not later
	opened map[Kind]uint64
}

// A finding is what makes two alerts the same.
type finding struct {
	kind    Kind
	agent   string
	verdict Verdict
	target  learn.Target
	subject string
	crowd   bool // all beyond what is told one by one
}

// An entry is a finding that is not over.
type entry struct {
	Alert
	key   finding
	heard time.Duration // the age of the ledger when it was last seen
	seen  bool          // since the ledger was made or taken up again
	known bool          // it was taken up again
}

// NewLedger returns an empty ledger.
func NewLedger(terms Terms) *Ledger {
	return &Ledger{
		terms: terms, open: map[finding]*entry{}, apart: map[class]int{}, crowds: map[crowdKey]*crowd{}, dirty: map[*entry]bool{}, opened: map[Kind]uint64{},
	}
}

// keyOf returns what makes an alert the same as another one.
func keyOf(a *Alert) finding {
	key := finding{kind: a.Kind, agent: a.Agent, verdict: a.Verdict, subject: a.Subject}
	if proto, err := learn.ParseProto(a.Proto); err == nil {
		key.target.Service = learn.Service{Proto: proto, Port: a.Port}
	}
	if addr, err := netip.ParseAddr(a.Dst); err == nil {
		key.target.Addr = addr
	}
	key.target.Name = a.Name
	if a.Group {
		return key.together()
	}
	return key
}

// together is the key of all findings beyond what is told one by one.
func (k finding) together() finding {
	return finding{kind: k.kind, agent: k.agent, verdict: k.verdict, crowd: true}
}

// Note takes up what was found. It returns the event to tell, nil where it only
// repeats, without an ID where it tells of no change, see [Terms]. The alert is not kept, and its status and ID are the ledger's to give.
func (l *Ledger) Note(a *Alert) *Alert {
	key := keyOf(a)
	e, joins := l.find(key, a.Time)
	if e != nil {
		if !joins && a.Severity.Above(e.Severity) {
			e.Why = a.Why // what is worse is told in its own words
		}
		return l.again(e, a.Time, a.Action, a.Severity)
	}
	return l.begin(key, *a, joins)
}

// find returns the finding, or the one alert for many that it joins. Where there is
// none yet, it says which of them is to begin.
func (l *Ledger) find(key finding, at time.Time) (e *entry, joins bool) {
	if e := l.open[key]; e != nil {
		return e, false
	}
	if !l.joins(key, at) {
		return nil, false
	}
	return l.open[key.together()], true
}

// begin opens a finding, or the one alert for many.
func (l *Ledger) begin(key finding, a Alert, joins bool) *Alert {
	if a.Status = StatusNew; joins {
		key = key.together()
		a.together()
	} else {
		l.apart[classOf(key)]++
	}
	a.identify()
	e := &entry{Alert: a, key: key, heard: l.age, seen: true}
	l.open[key] = e
	l.opened[a.Kind]++
	l.touch(e, true)
	return e.event("")
}

// together makes of the alert for one finding that for all beyond the bound.
func (a *Alert) together() {
	a.Status, a.Group = StatusMore, true
	a.Why = "this and all that follow at once, counted together: is it a scan?"
	if a.Subject != "" {
		a.Why = "this and all that follow at once, counted together"
	}
	a.Owner, a.Nearest, a.Admit, a.Wider = Owner{}, nil, nil, nil
}

// again counts a finding that is known. It is worse when it matters more, or when
// what was refused is let through.
func (l *Ledger) again(e *entry, at time.Time, action string, severity Severity) *Alert {
	e.Count++
	if at.After(e.Last) {
		e.Last = at
	}
	reminds := l.terms.Remind && !e.seen
	e.heard, e.seen = l.age, true
	worse := e.worsens(action, severity)
	status := l.status(e, at)
	if status == e.Status && worse == "" {
		l.touch(e, false)
		return e.reminder(reminds)
	}
	l.touch(e, true)
	if status != e.Status {
		worse = ""
	}
	e.Status = status
	return e.event(worse)
}

// reminder is the alert again, if it is due: it tells of no change.
func (e *entry) reminder(due bool) *Alert {
	if !due {
		return nil
	}
	again := e.Alert
	return &again
}

// worsens says in what way a finding is worse than it was, "" if it is not.
func (e *entry) worsens(action string, severity Severity) string {
	switch {
	case severity.Above(e.Severity):
		e.Severity = severity
		return string(severity)
	case e.Action == learn.Refused.String() && action == learn.Pass.String():
		e.Action = action
		return action
	}
	return ""
}

// status is what the status of a finding becomes that is seen again.
func (l *Ledger) status(e *entry, at time.Time) string {
	lasts := at.Sub(e.Time)
	switch {
	case e.Group:
		return StatusMore
	case e.Status == StatusPersistent || lasts >= l.terms.Persistent:
		return StatusPersistent
	case e.Status == StatusActive || lasts >= l.terms.Again:
		return StatusActive
	}
	return e.Status
}

// Watched says for how long somebody has watched since it was last called. Only
// such time makes a finding resolved: of what nobody looked at nothing is known.
// It returns what is, in the order of beginnings.
func (l *Ledger) Watched(d time.Duration) []*Alert {
	l.age += max(0, d)
	events := l.close(func(e *entry) bool {
		silent := l.terms.Resolved
		if e.Group {
			silent = min(silent, l.terms.Calm)
		}
		return l.age-e.heard >= silent
	})
	l.disperse()
	return events
}

// Resolve ends findings before their time: what they were about is in order. It
// returns the events.
func (l *Ledger) Resolve(over func(*Alert) bool) []*Alert {
	return l.close(func(e *entry) bool { return over(&e.Alert) })
}

func (l *Ledger) close(over func(*entry) bool) (events []*Alert) {
	for key, e := range l.open {
		if !over(e) {
			continue
		}
		delete(l.open, key)
		if e.Group {
			delete(l.crowds, crowdOf(key))
		} else {
			l.apart[classOf(key)]--
		}
		e.Status = StatusResolved
		l.touch(e, true)
		events = append(events, e.event(""))
	}
	sortAlerts(events)
	return events
}

// touch notes that a finding is to be kept again, at once if it was told.
func (l *Ledger) touch(e *entry, told bool) {
	if told || !l.dirty[e] {
		l.dirty[e] = told
	}
}

// Open returns what was found and is not over, in the order of beginnings.
func (l *Ledger) Open() []*Alert { return l.list(func(*entry) bool { return true }) }

// Seen returns what of it was seen since the ledger was made or taken up again.
func (l *Ledger) Seen() []*Alert { return l.list(func(e *entry) bool { return e.seen }) }

// Known returns how many of those seen were told before the ledger was taken up
// again.
func (l *Ledger) Known() (n uint64) {
	for _, e := range l.open {
		if e.seen && e.known {
			n++
		}
	}
	return n
}

func (l *Ledger) list(want func(*entry) bool) []*Alert {
	out := make([]*Alert, 0, len(l.open))
	for _, e := range l.open {
		if want(e) {
			out = append(out, e.event(""))
		}
	}
	sortAlerts(out)
	return out
}

// Opened returns how many findings of a kind there were, or of all for "".
func (l *Ledger) Opened(kind Kind) (n uint64) {
	for k, opened := range l.opened {
		if k == kind || kind == "" {
			n += opened
		}
	}
	return n
}

func sortAlerts(list []*Alert) {
	slices.SortFunc(list, func(a, b *Alert) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID))
	})
}
