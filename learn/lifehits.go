package learn

import (
	"slices"
	"time"
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
