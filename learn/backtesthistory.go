package learn

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"
	"time"
)

const hoursPerDay = 24

// A History is what one agent talked to, hour by hour: what a back-test replays.
// It knows hours and no counts of flows, as everything statistical does, so it
// can be had from flows or, faster, from destinations. The zero value is not
// usable, see [NewHistory]. Not safe for concurrent use.
type History struct {
	agent string
	since Block
	index map[Target]int32
	pasts []past
	last  int32   // where the flow before was counted
	dates []Block // see days; nil when it is not known
}

// A past is one destination's history.
type past struct {
	Target
	days  []pastDay // ascending, no repeats
	runs  []pastRun
	mixed bool // which hours had a flow that passed is not known
}

// A pastRun is when a run first saw a destination.
type pastRun struct {
	name string
	day  uint32
}

// A pastDay is one day of it, in UTC; bit n of its sets is hour n.
type pastDay struct {
	day          uint32 // since 1970
	seen, passed uint32
	evidence     Evidence
}

// NewHistory returns an empty history. What was seen before the hour since is
// left out: where old flows were dropped, those that are left of that time would
// make the past look known.
func NewHistory(agent string, since Block) *History {
	return &History{agent: agent, since: since, index: map[Target]int32{}, last: -1}
}

// HistoryOf returns the history of destinations. It is that of their flows, but
// for what [History.Doubtful] says; which run saw what on which day it does not
// know, and takes the evidence for a name to be the same on all days.
func HistoryOf(agent string, since Block, ds []Destination) *History {
	h := &History{agent: agent, since: since, pasts: make([]past, 0, len(ds))}
	for i := range ds {
		d := &ds[i]
		p := past{Target: d.Target, mixed: d.Blocked > 0 && d.Blocked < d.Flows}
		for _, b := range d.Blocks {
			if b >= since {
				p.at(b).count(b, d.Admissible(), d.Evidence)
			}
		}
		if len(p.days) > 0 {
			h.pasts = append(h.pasts, p)
		}
	}
	return h
}

// Add counts a flow of the agent, seen in run. The order of flows does not matter.
func (h *History) Add(f *Flow, run string) {
	b := BlockOf(f.Time)
	if b < h.since {
		return
	}
	h.dates = nil
	p := h.past(Target{f.Service(), f.Dst, f.Name})
	p.at(b).count(b, f.Action != Refused, f.Evidence)
	p.run(run, uint32(b/hoursPerDay))
}

// run notes that a run saw the destination on a day.
func (p *past) run(name string, day uint32) {
	for i := len(p.runs) - 1; i >= 0; i-- { // the last one, mostly
		if r := &p.runs[i]; r.name == name {
			r.day = min(r.day, day)
			return
		}
	}
	p.runs = append(p.runs, pastRun{name, day})
}

// past returns the history of a target. Neighbours are often equal, and
// comparing is cheaper than hashing.
func (h *History) past(t Target) *past {
	if h.last >= 0 && h.pasts[h.last].Target == t {
		return &h.pasts[h.last]
	}
	i, ok := h.index[t]
	if !ok {
		i = int32(len(h.pasts))
		h.pasts = append(h.pasts, past{Target: t})
		h.index[t] = i
	}
	h.last = i
	return &h.pasts[i]
}

// at returns the day of an hour.
func (p *past) at(b Block) *pastDay {
	day, n := uint32(b/hoursPerDay), len(p.days)
	if n > 0 && p.days[n-1].day == day {
		return &p.days[n-1]
	}
	i, found := slices.BinarySearchFunc(p.days, day, func(d pastDay, day uint32) int { return cmp.Compare(d.day, day) })
	if !found {
		p.days = slices.Insert(p.days, i, pastDay{day: day})
	}
	return &p.days[i]
}

func (d *pastDay) count(b Block, passed bool, e Evidence) {
	hour := uint32(1) << (b % hoursPerDay)
	d.seen |= hour
	if passed {
		d.passed |= hour
	}
	d.evidence = max(d.evidence, e)
}

func (d *pastDay) begin() Block { return Block(d.day) * hoursPerDay }

// Doubtful says whether destinations alone cannot tell what was learned before a
// border: where one was seen on both sides of it and the firewall refused some
// of its flows, only the flows know which. It is never so for a history that was
// made from flows.
func (h *History) Doubtful(border Block) bool {
	return slices.ContainsFunc(h.pasts, func(p past) bool {
		return p.mixed && p.days[0].begin() < border && p.days[len(p.days)-1].begin() >= border
	})
}

// Before returns what was seen before the beginning of a day, as destinations by
// protocol, port, address and name. Their times and counts are of hours: First
// and Last are when an hour began, and a flow is an hour.
func (h *History) Before(border Block) []Destination {
	var out []Destination
	for i := range h.pasts {
		if d := h.pasts[i].before(border); d.Flows > 0 {
			d.Agent = h.agent
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b Destination) int { return compareTargets(a.Target, b.Target) })
	return out
}

func (p *past) before(border Block) Destination {
	d := Destination{Target: p.Target}
	admissible := false
	for i := range p.days {
		day := &p.days[i]
		if day.begin() >= border {
			break
		}
		for set := day.seen; set != 0; set &= set - 1 {
			d.Blocks = append(d.Blocks, day.begin()+Block(bits.TrailingZeros32(set)))
		}
		admissible = admissible || day.passed != 0
		d.Evidence = max(d.Evidence, day.evidence)
	}
	if d.Flows = uint64(len(d.Blocks)); d.Flows == 0 {
		return d
	}
	if !admissible {
		d.Blocked = d.Flows
	}
	for _, r := range p.runs {
		if Block(r.day)*hoursPerDay < border {
			d.Runs = insert(d.Runs, r.name)
		}
	}
	d.First, d.Last = d.Blocks[0].Time(), d.Blocks[len(d.Blocks)-1].Time()
	return d
}

func compareTargets(a, b Target) int {
	return cmp.Or(compareServices(a.Service, b.Service), a.Addr.Compare(b.Addr), strings.Compare(a.Name, b.Name))
}

// Since returns when the history begins that can be replayed where what came
// before a time was dropped: with the first hour that is whole.
func Since(dropped time.Time) Block {
	if dropped.IsZero() {
		return 0
	}
	b := BlockOf(dropped)
	if b.Time().Before(dropped) {
		b++
	}
	return b
}
