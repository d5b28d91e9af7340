package learn

import (
	"iter"
	"time"
)

// A group is what is folded on its own: the destinations of one service in one
// family, by key.
type group struct {
	family

	keys   []uint64 // ascending, without repeats
	homes  []home
	leaves [][]*Destination // what has this key, ascending by address
	news   float64          // new keys expected in the coming week
}

// A served is a service with all that was chosen for it. A group and its choice
// have the same index.
type served struct {
	service Service
	groups  []*group
	choices []choice
}

// services returns what is chosen for each service. ds is sorted.
func (f *folding) services(ds []*Destination) []*served {
	var all []*served
	for part := range runs(ds, func(d *Destination) Service { return d.Service }) {
		all = append(all, &served{service: part[0].Service, groups: f.groups(part)})
	}
	for _, fam := range families {
		model := newPolya(fam.depth, keysOf(all, fam))
		for _, s := range all {
			for _, g := range s.groups {
				if g.family == fam {
					s.choices = append(s.choices, f.choose(g, model))
				}
			}
		}
	}
	return all
}

func keysOf(all []*served, fam family) [][]uint64 {
	var out [][]uint64
	for _, s := range all {
		for _, g := range s.groups {
			if g.family == fam {
				out = append(out, g.keys)
			}
		}
	}
	return out
}

// groups returns the groups of one service, IPv4 first.
func (f *folding) groups(ds []*Destination) []*group {
	var out []*group
	for part := range runs(ds, func(d *Destination) family { return familyOf(d.Addr) }) {
		out = append(out, f.group(familyOf(part[0].Addr), part))
	}
	return out
}

func (f *folding) group(fam family, ds []*Destination) *group {
	g := &group{family: fam}
	late := 0.3 // something new may come where nothing new came
	for leaf := range runs(ds, func(d *Destination) uint64 { return fam.key(d.Addr) }) {
		g.keys = append(g.keys, fam.key(leaf[0].Addr))
		g.homes = append(g.homes, f.homeOf(leaf[0].Addr))
		g.leaves = append(g.leaves, leaf)
		if firstSeen(leaf).After(f.middle) {
			late++
		}
	}
	g.news = late * f.weeks
	return g
}

func firstSeen(ds []*Destination) time.Time {
	first := ds[0].First
	for _, d := range ds {
		if d.First.Before(first) {
			first = d.First
		}
	}
	return first
}

// runs yields the longest pieces of s whose elements have the same key.
func runs[T any, K comparable](s []T, key func(T) K) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for len(s) > 0 {
			n, k := 1, key(s[0])
			for n < len(s) && key(s[n]) == k {
				n++
			}
			if !yield(s[:n]) {
				return
			}
			s = s[n:]
		}
	}
}
