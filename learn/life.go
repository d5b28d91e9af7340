package learn

import (
	"slices"
	"time"
)

// DefaultExpire is after how many days of observation a rule that was not hit
// is worth a word.
const DefaultExpire = 30

// A Life says what becomes of approved rules that are not hit any more, and of
// what was hardly ever seen. The zero value keeps all rules and proposes all.
type Life struct {
	Expire     int                  // observed days after which a rule that was not hit goes; 0 is never
	Hits       map[string]time.Time // by [To.String] of an approved rule: its last hit
	Since      map[string]time.Time // when it was first approved: what counts where it was never hit
	Days       []Day                // when flows of the agent were checked, beside those that were learned
	Quarantine Quarantine
}

// A Quarantine is what a destination must have been seen in to be proposed. A
// name counts as one destination, whatever its addresses.
type Quarantine struct {
	Hours int // different ones; 0 and 1 ask for nothing
	Runs  int
}

// A Day is the days since 1970-01-01, in UTC.
type Day uint32

// DayOf returns the day t falls on.
func DayOf(t time.Time) Day { return Day(max(0, t.Unix()) / 86400) }

// Time returns when the day begins.
func (d Day) Time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// An Idle is an approved rule that was not hit for long, while its agent was
// observed.
type Idle struct {
	Rule *Rule
	Last time.Time // the last hit; the zero time if there was none
	Days int       // of them the agent was observed since
}

// An Expired is a rule that a person let go because it was not hit any more.
// What it admitted is proposed again once it is seen after Last.
type Expired struct {
	Rule Rule
	Last time.Time // a day, in UTC
}

// A living is one proposal on top of what is approved.
type living struct {
	*field

	life     Life
	approved *Baseline
	rules    [][]int32 // what each approved rule admits
}

func newLiving(approved *Baseline, f *field, life Life) *living {
	l := &living{field: f, life: life, approved: approved}
	for i := range approved.Rules {
		l.rules = append(l.rules, f.admitted(&approved.Rules[i]))
	}
	return l
}

// idle returns the approved rules that were not hit for that many observed days.
func (l *living) idle(days int) []Idle {
	var out []Idle
	observed := l.observed()
	for i := range l.approved.Rules {
		r := &l.approved.Rules[i]
		last := l.lastHit(i)
		from := last
		if from.IsZero() {
			from = l.life.Since[r.To.String()]
		}
		if from.IsZero() {
			continue // it is not known for how long it was there
		}
		at, _ := slices.BinarySearch(observed, DayOf(from)+1)
		if n := len(observed) - at; n >= days {
			out = append(out, Idle{Rule: r, Last: last, Days: n})
		}
	}
	return out
}

// lastHit returns when an approved rule last admitted a flow, learned or
// checked.
func (l *living) lastHit(i int) time.Time {
	last := l.life.Hits[l.approved.Rules[i].To.String()]
	for _, d := range l.rules[i] {
		if t := l.ds[d].Last; t.After(last) {
			last = t
		}
	}
	return last
}

// observed returns the days on which any flow of the agent was seen, ascending.
func (l *living) observed() []Day {
	out := slices.Clone(l.life.Days)
	for i := range l.ds {
		for _, b := range l.ds[i].Blocks {
			if d := Day(b / 24); len(out) == 0 || out[len(out)-1] != d {
				out = append(out, d)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// expire takes the idle rules out of what is approved, and notes what went.
func (l *living) expire(idle []Idle) (gone []Expired) {
	rest := &Baseline{Digest: l.approved.Digest}
	var admitted [][]int32
	for i := range l.approved.Rules {
		r := &l.approved.Rules[i]
		at := slices.IndexFunc(idle, func(x Idle) bool { return x.Rule == r })
		if at < 0 {
			rest.Rules = append(rest.Rules, *r)
			admitted = append(admitted, l.rules[i])
			continue
		}
		gone = append(gone, Expired{Rule: *r, Last: dayOf(idle[at].Last)})
	}
	l.approved, l.rules = rest, admitted
	return gone
}

// leave takes out what is to wait: what went with a rule and was not seen
// since, and what is in quarantine. What an approved rule admits never waits.
// It returns the entries that hold something back: of those of before, and of
// those that go now.
func (l *living) leave(expired, gone []Expired, left *Left) (still []Expired) {
	out := make([]bool, len(l.ds))
	known := l.known()
	for _, e := range expired {
		held := l.hold(&e, known, out)
		for _, d := range held {
			left.Expired = append(left.Expired, l.ds[d])
		}
		if len(held) > 0 {
			still = append(still, e)
		}
	}
	for _, e := range gone {
		if len(l.hold(&e, known, out)) > 0 {
			still = append(still, e)
		}
	}
	l.quarantine(known, out, left)
	l.keep(out)
	return still
}

// known says of each destination whether an approved rule admits it.
func (l *living) known() []bool {
	out := make([]bool, len(l.ds))
	for _, members := range l.rules {
		for _, d := range members {
			out[d] = true
		}
	}
	return out
}

// hold takes out what went with a rule and was not seen since.
func (l *living) hold(e *Expired, known, out []bool) (held []int32) {
	for _, d := range l.admitted(&e.Rule) {
		if known[d] || out[d] || dayOf(l.ds[d].Last).After(e.Last) {
			continue
		}
		out[d] = true
		held = append(held, d)
	}
	return held
}

func (l *living) quarantine(known, out []bool, left *Left) {
	q := l.life.Quarantine
	if q.Hours <= 1 && q.Runs <= 1 {
		return
	}
	names := l.evidence()
	for i := range l.ds {
		d := &l.ds[i]
		if known[i] || out[i] {
			continue
		}
		if d.Name != "" {
			d = names[Target{Service: d.Service, Name: d.Name}]
		}
		if len(d.Blocks) < q.Hours || len(d.Runs) < q.Runs {
			out[i] = true
			left.Quarantined = append(left.Quarantined, l.ds[i])
		}
	}
}

// evidence returns what was seen of each name, whatever its addresses.
func (l *living) evidence() map[Target]*Destination {
	out := map[Target]*Destination{}
	for i := range l.ds {
		d := &l.ds[i]
		if d.Name == "" {
			continue
		}
		t := Target{Service: d.Service, Name: d.Name}
		if out[t] == nil {
			out[t] = &Destination{Target: t}
		}
		out[t].Merge(d)
	}
	return out
}
