package enforce

import (
	"maps"
	"slices"
	"time"

	"tripline/learn"
)

// The kinds of what a [Meter] finds.
const (
	VolumeBudget    Kind = "volume_budget"    // more bytes up in an hour than was learned
	VolumeCap       Kind = "volume_cap"       // more bytes up in a day than a person allowed
	DirectionChange Kind = "direction_change" // from getting to sending
	SlowLeak        Kind = "slow_leak"        // a little more every day
	ConnectionCount Kind = "connection_count" // more connections in an hour than was learned
	BeaconFound     Kind = "beacon"           // a machine that calls home, at a place that is not known well
)

// Place returns where a flow goes, as budgets are counted: the rule that admits
// it, otherwise whose it is: the registered domain, the published set, the
// autonomous system, or else the address.
func (p *Policy) Place(f *learn.Flow) string {
	if v, r := p.judge(f); v == Allowed && r != nil {
		return r.To.String()
	}
	if name, ok := learn.HostName(f.Name); ok {
		if domain, ok := learn.Registrable(name); ok {
			return domain
		}
		return name
	}
	if label, ok := p.Space.Table.Home(f.Dst); ok {
		return label.String()
	}
	if as, ok := p.Space.AS(f.Dst); ok {
		return learn.To{ASN: as.Number}.String()
	}
	return f.Dst.String()
}

// A place is where a budget holds.
type place struct{ agent, to string }

// A Meter holds flows against budgets: what one agent sends to one place in an
// hour and in a day, how often it connects, and how regularly. What it keeps is
// bounded, and is the same after [Meter.Restore]. Not safe for concurrent use.
type Meter struct {
	policy  *Policy
	how     learn.Budgeting
	budgets map[place]*learn.Budget
	places  map[place]*metered
	beacons map[beaconKey]*beacon
	kept    time.Duration // how long an hour stays open for flows that come late
	now     time.Time     // on the clock
	latest  time.Time     // of a flow: what closes days, so that an old log can be followed too
	closed  learn.Day     // days before it are
	tidied  learn.Day     // when places were last forgotten
	changed map[place]bool
	beats   map[string]keptBeacon  // that changed
	over    map[string]learn.Block // of each agent, the hour in which a place of it was over its budget

	Late  uint64 // flows of days that were closed before they came
	Early uint64 // flows of days to come: a clock is wrong
	Sized uint64 // flows with bytes
	Seen  uint64
}

// NewMeter returns a meter that holds agents to budgets. Flows may come as late as
// kept says; now is the time on the clock.
func NewMeter(p *Policy, how learn.Budgeting, budgets []learn.Budget, kept time.Duration, now time.Time) *Meter {
	m := &Meter{
		how: how, kept: max(kept, minKept), now: now,
		places: map[place]*metered{}, beacons: map[beaconKey]*beacon{}, changed: map[place]bool{}, beats: map[string]keptBeacon{}, over: map[string]learn.Block{},
	}
	m.Replace(p, budgets)
	return m
}

// minKept is how late a flow may be at least: exporters tell of long connections
// when they end.
const minKept = 26 * time.Hour

// Replace puts a new policy and its budgets in place. What was counted stays.
func (m *Meter) Replace(p *Policy, budgets []learn.Budget) {
	m.policy, m.budgets = p, map[place]*learn.Budget{}
	for i := range budgets {
		m.budgets[place{budgets[i].Agent, budgets[i].To}] = &budgets[i]
	}
}

// Use puts a policy in place whose budgets are the same.
func (m *Meter) Use(p *Policy) { m.policy = p }

// Budget returns what was learned of a place, nil if nothing was.
func (m *Meter) Budget(agent, to string) *learn.Budget { return m.budgets[place{agent, to}] }

// Observe counts a flow and returns what is found by it.
func (m *Meter) Observe(f *learn.Flow, v Verdict) (found []*Alert) {
	if f.Time.After(m.now.Add(24 * time.Hour)) {
		m.Early++ // or it would close every day before
		return nil
	}
	m.Seen++
	if f.Time.After(m.latest) {
		m.latest = f.Time
	}
	if f.Up+f.Down > 0 {
		m.Sized++
	}
	to := m.policy.Place(f)
	found = m.rhythm(f, v, place{f.Agent, to})
	if f.Action == learn.Refused {
		return found
	}
	for _, to := range [...]string{to, learn.Everywhere} {
		found = append(found, m.count(f, place{f.Agent, to})...)
	}
	return append(found, m.capped(f, to)...)
}

// count adds a flow to a place.
func (m *Meter) count(f *learn.Flow, at place) []*Alert {
	p, at := m.at(at, f.Time)
	found := m.close(at, p, f.Time)
	hour, ok := p.add(f, m.kept)
	if !ok {
		if at.to == learn.Everywhere {
			m.Late++
		}
		return found
	}
	m.changed[at] = true
	b := m.budgets[at]
	if b == nil {
		return found
	}
	return append(found, m.hour(f, at, b, hour)...)
}

// at returns what is kept of a place; beyond the bound all places are one.
func (m *Meter) at(at place, first time.Time) (*metered, place) {
	p := m.places[at]
	if p == nil && len(m.places) >= learn.MaxPlaces {
		m.forgetPlaces()
	}
	if p == nil && len(m.places) >= learn.MaxPlaces && at.to != learn.Everywhere && at.to != learn.Elsewhere {
		return m.at(place{at.agent, learn.Elsewhere}, first)
	}
	if p == nil {
		p = &metered{First: first, Hours: map[learn.Block]*metering{}, Days: map[learn.Day]learn.Use{}}
		if b := m.budgets[at]; b != nil && b.First.Before(first) {
			p.First = b.First
		}
		m.places[at] = p
	}
	return p, at
}

// Tick notes the time on the clock, closes the days that no flow can be late for,
// and returns what is found by that.
func (m *Meter) Tick(now time.Time) (found []*Alert) {
	m.now = now
	day := learn.DayOf(m.latest.Add(-m.kept))
	if m.latest.IsZero() || day == m.closed {
		return nil
	}
	m.closed = day
	for _, at := range m.list() {
		found = append(found, m.closeBefore(at, m.places[at], day)...)
	}
	return found
}

// season is after how long a place that is not used is forgotten, where there are
// too many.
const season = 90 * 24 * time.Hour

// forgetPlaces makes room at most once a day.
func (m *Meter) forgetPlaces() {
	if learn.DayOf(m.latest) == m.tidied {
		return
	}
	m.tidied = learn.DayOf(m.latest)
	for at, p := range m.places {
		if m.latest.Sub(p.Last) > season {
			delete(m.places, at)
			m.changed[at] = true
		}
	}
}

// Finish closes the days before the last one of a log, when it was read.
func (m *Meter) Finish() (found []*Alert) {
	for _, at := range m.list() {
		p := m.places[at]
		found = append(found, m.closeBefore(at, p, learn.DayOf(p.Last))...)
	}
	return found
}

// list returns the places in order, so that findings are.
func (m *Meter) list() []place {
	return slices.SortedFunc(maps.Keys(m.places), comparePlaces)
}

// wants says whether findings of a kind are asked for.
func (m *Meter) wants(k Kind) bool { return !slices.Contains(m.how.Off, string(k)) }
