package learn

import (
	"maps"
	"net/netip"
	"slices"

	"tripline/ipranges"
)

// Wholes are the published sets that are rules for a service.
type wholes struct {
	sets map[ipranges.Label]ipranges.Set
	all  ipranges.Set
}

// wholes returns the published sets among the choices. What is inside a wider
// one, of another home or of the other family, needs no rule of its own.
func (f *folding) wholes(s *served) wholes {
	sets := map[ipranges.Label]ipranges.Set{}
	for _, c := range s.choices {
		for _, l := range c.labels {
			sets[l], _ = f.options.Space.Table.Set(l)
		}
	}
	maps.DeleteFunc(sets, func(l ipranges.Label, _ ipranges.Set) bool {
		up, ok := l.Parent()
		for ; ok; up, ok = up.Parent() {
			if _, wider := sets[up]; wider {
				return true
			}
		}
		return false
	})
	return wholes{sets, unionOf(slices.Collect(maps.Values(sets)))}
}

// hold says whether one of the sets has all of a prefix.
func (w wholes) hold(p netip.Prefix) bool {
	if !w.all.Contains(p.Addr()) {
		return false
	}
	for _, set := range w.sets {
		if set.Contains(p.Addr()) && ipranges.NewSet(p).Subtract(set).IsEmpty() {
			return true
		}
	}
	return false
}
