package learn

import (
	"cmp"
	"math/bits"
	"slices"
)

// Replay asks a judge about everything that was seen in the hours from and up to
// to, once for each target.
func (h *History) Replay(from, to Block, judge Judge) Trial {
	t := Trial{Replayed: h.Stretch(from, to)}
	for i := range h.pasts {
		a, ok := h.pasts[i].within(from, to)
		if !ok {
			continue
		}
		t.Destinations++
		if !judge(a.Flow(h.agent)) {
			t.Alarms = append(t.Alarms, a)
		}
	}
	slices.SortFunc(t.Alarms, func(a, b Alarm) int {
		return cmp.Or(cmp.Compare(a.First, b.First), compareTargets(a.Target, b.Target))
	})
	return t
}

// within returns what a policy that does not admit it would have raised.
func (p *past) within(from, to Block) (a Alarm, ok bool) {
	a.Target = p.Target
	for i := range p.days {
		seen := p.days[i].between(from, to)
		if seen == 0 {
			continue
		}
		if a.Hours == 0 {
			a.First = p.days[i].begin() + Block(bits.TrailingZeros32(seen))
		}
		a.Hours += bits.OnesCount32(seen)
		a.Evidence = max(a.Evidence, p.days[i].evidence)
	}
	return a, a.Hours > 0
}

// between returns the hours of the day that are in a stretch.
func (d *pastDay) between(from, to Block) uint32 {
	begin := d.begin()
	if begin >= to || begin+hoursPerDay <= from {
		return 0
	}
	seen := d.seen
	if from > begin {
		seen &^= 1<<(from-begin) - 1
	}
	if to < begin+hoursPerDay {
		seen &= 1<<(to-begin) - 1
	}
	return seen
}

// Flow returns a flow of the agent that would have raised the alarm.
func (a *Alarm) Flow(agent string) *Flow {
	return &Flow{
		Time: a.First.Time(), Agent: agent, Proto: a.Proto, DstPort: a.Port, Dst: a.Addr, Name: a.Name, Evidence: a.Evidence,
	}
}

// All is the whole history. It begins and ends with an hour that has a flow.
func (h *History) All() Stretch {
	s := Stretch{From: ^Block(0)}
	for i := range h.pasts {
		days := h.pasts[i].days
		s.From = min(s.From, days[0].first())
		s.To = max(s.To, days[len(days)-1].end())
	}
	if s.To == 0 {
		return Stretch{}
	}
	s.Days, s.Hours = h.active(s)
	return s
}

// Last is the stretch of the last days of the calendar that are there, whether
// they have flows or not.
func (h *History) Last(days int) Stretch {
	s := h.All()
	return h.Stretch(s.To-min(s.To, Block(days)*hoursPerDay), s.To)
}

// Stretch measures what was observed of a time: where a day has a flow, it was
// observed from its beginning to its end, the first and the last one excepted.
func (h *History) Stretch(from, to Block) Stretch {
	s := h.All()
	s.From, s.To = max(s.From, from), min(s.To, to)
	if s.From >= s.To {
		return Stretch{}
	}
	s.Days, s.Hours = h.active(s)
	return s
}

// active counts the days with flows in a stretch, and their hours.
func (h *History) active(s Stretch) (days, hours int) {
	for _, begin := range h.days() {
		from, to := max(s.From, begin), min(s.To, begin+hoursPerDay)
		if from < to {
			days++
			hours += int(to - from)
		}
	}
	return days, hours
}

// days returns the beginnings of all days with flows, ascending.
func (h *History) days() []Block {
	if h.dates != nil {
		return h.dates
	}
	have := map[uint32]struct{}{}
	for i := range h.pasts {
		for _, d := range h.pasts[i].days {
			have[d.day] = struct{}{}
		}
	}
	for d := range have {
		h.dates = append(h.dates, Block(d)*hoursPerDay)
	}
	slices.Sort(h.dates)
	return h.dates
}

// first and end are the first hour with a flow, and the one after the last.
func (d *pastDay) first() Block { return d.begin() + Block(bits.TrailingZeros32(d.seen)) }

func (d *pastDay) end() Block { return d.begin() + Block(bits.Len32(d.seen)) }

// span is how many hours lie between its ends.
func (s Stretch) span() int { return int(s.To - s.From) }
