package learn

import (
	"slices"
	"time"

	"tripline/ipranges"
)

// Hits is what checking the flows of one agent says of the life of its rules.
// The zero value says nothing.
type Hits struct {
	Agent string
	Days  []Day                // ascending: on which flows of the agent were checked
	Last  map[string]time.Time // when a rule last admitted one, by [To.String]
}

// Merge adds what other hits say. The later hit of a rule is the one that counts,
// so that the same log may be read again.
func (h *Hits) Merge(o Hits) {
	h.Days = slices.Concat(h.Days, o.Days)
	slices.Sort(h.Days)
	h.Days = slices.Compact(h.Days)
	for to, last := range o.Last {
		if h.Last == nil {
			h.Last = map[string]time.Time{}
		}
		if last.After(h.Last[to]) {
			h.Last[to] = last
		}
	}
}

// LastHits returns when each rule of a baseline last admitted a flow, learned or
// checked, by [To.String]; a rule that never did is missing.
func LastHits(b *Baseline, learned []Destination, checked map[string]time.Time, space ipranges.Space) map[string]time.Time {
	l := newLiving(b, newField(learned, space, Never{}), Life{Hits: checked})
	out := map[string]time.Time{}
	for i := range b.Rules {
		if last := l.lastHit(i); !last.IsZero() {
			out[b.Rules[i].To.String()] = last
		}
	}
	return out
}
