package learn

import (
	"iter"
	"time"

	"tripline/ipranges"
)

// A group is what is folded on its own: the destinations of one service in one
// family, by key.
type group struct {
	family
	density

	index  int // among all groups of the folding
	keys   []uint64
	homes  []ipranges.Label // of each key: the smallest published set that holds it
	late   []bool           // of each key: first seen in the recent half
	leaves [][]*Destination // with each key, ascending by address
	model  polya            // of all groups of this family
	news   float64          // new keys expected in the coming week

	// Homes under the labels that cover them: provider, service, region.
	at         map[ipranges.Label][]uint64         // members by home
	below      map[ipranges.Label][]ipranges.Label // children, in order
	roots      []ipranges.Label
	candidates map[ipranges.Label]entire
}

// share returns which part of new keys is expected near so many of the keys.
// Something entirely new counts as one key.
func (g *group) share(members int) float64 { return float64(members) / float64(len(g.keys)+1) }

// A served is a service with all that was chosen for it. A group and its choice
// have the same index.
type served struct {
	groups  []*group
	choices []choice
}

// services returns the groups of each service. ds is sorted.
func (f *folding) services(ds []*Destination) []*served {
	var all []*served
	var groups []*group
	for part := range runs(ds, func(d *Destination) Service { return d.Service }) {
		s := &served{groups: f.groups(part)}
		all, groups = append(all, s), append(groups, s.groups...)
	}
	for _, fam := range families {
		f.learn(fam, groups)
	}
	for i, g := range groups {
		g.index = i
	}
	return all
}

// learn fits the model of a family to all of its groups.
func (f *folding) learn(fam family, groups []*group) {
	var keys [][]uint64
	for _, g := range groups {
		if g.family == fam {
			keys = append(keys, g.keys)
		}
	}
	model := newPolya(fam.depth, keys)
	for _, g := range groups {
		if g.family == fam {
			g.model = model
			g.density = f.density(g)
			f.grow(g)
		}
	}
}

// chosen returns the services with what is chosen for each.
func (f *folding) chosen(all []*served) []*served {
	out := make([]*served, len(all))
	for i, s := range all {
		out[i] = &served{groups: s.groups}
		for _, g := range s.groups {
			out[i].choices = append(out[i].choices, f.choose(g))
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

// surprise is what may be new beside what was, in destinations.
const surprise = 0.3

func (f *folding) group(fam family, ds []*Destination) *group {
	g := &group{family: fam, at: map[ipranges.Label][]uint64{}}
	fresh := surprise
	for leaf := range runs(ds, func(d *Destination) uint64 { return fam.key(d.Addr) }) {
		key, h, late := fam.key(leaf[0].Addr), f.homeOf(leaf[0].Addr), firstSeen(leaf).After(f.middle)
		if late {
			fresh++
		}
		if (h != ipranges.Label{}) {
			g.at[h] = append(g.at[h], key)
		}
		g.keys, g.homes = append(g.keys, key), append(g.homes, h)
		g.late, g.leaves = append(g.late, late), append(g.leaves, leaf)
	}
	g.news = fresh * f.weeks
	if fresh == surprise {
		g.news = f.calm
	}
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
