package learn

import (
	"iter"
	"slices"
	"time"
)

// A sample is known keys and how much each says of where the next new one will
// be.
type sample struct {
	keys []uint64  // ascending, without repeats
	sums []float64 // of the weights of all keys before; one more than keys
}

// add appends a key, higher than all before.
func (s *sample) add(key uint64, weight float64) {
	if len(s.sums) == 0 {
		s.sums = []float64{0}
	}
	s.keys = append(s.keys, key)
	s.sums = append(s.sums, s.sums[len(s.keys)-1]+weight)
}

// weight returns the weight of the keys from lo up to hi.
func (s *sample) weight(lo, hi int) float64 { return s.sums[hi] - s.sums[lo] }

// share returns which part of all new keys is expected near members, which are
// keys of the sample. Something entirely new counts as one key.
func (s *sample) share(members []uint64) float64 {
	sum := 0.0
	for _, k := range members {
		i, _ := slices.BinarySearch(s.keys, k)
		sum += s.weight(i, i+1)
	}
	return sum / (s.weight(0, len(s.keys)) + 1)
}

// A group is what is folded on its own: the destinations of one service in one
// family, by key.
type group struct {
	family
	sample

	homes  []home           // of each key
	late   []bool           // of each key: first seen in the recent half
	leaves [][]*Destination // with each key, ascending by address
	model  polya            // of all groups of this family
	news   float64          // new keys expected in the coming week
}

// A served is a service with all that was chosen for it. A group and its choice
// have the same index.
type served struct {
	groups  []*group
	choices []choice
}

// services returns the groups of each service. ds is sorted.
func (f *folding) services(ds []*Destination) []*served {
	var all []*served
	for part := range runs(ds, func(d *Destination) Service { return d.Service }) {
		all = append(all, &served{groups: f.groups(part)})
	}
	for _, fam := range families {
		model := newPolya(fam.depth, keysOf(all, fam))
		for _, s := range all {
			for _, g := range s.groups {
				if g.family == fam {
					g.model = model
				}
			}
		}
	}
	return all
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

// surprise is what may be new where nothing was, in destinations.
const surprise = 0.3

func (f *folding) group(fam family, ds []*Destination) *group {
	g := &group{family: fam}
	fresh := surprise
	for leaf := range runs(ds, func(d *Destination) uint64 { return fam.key(d.Addr) }) {
		weight, late := f.early, firstSeen(leaf).After(f.middle)
		if late {
			weight = 1
			fresh++
		}
		g.add(fam.key(leaf[0].Addr), weight)
		g.late = append(g.late, late)
		g.homes = append(g.homes, f.homeOf(leaf[0].Addr))
		g.leaves = append(g.leaves, leaf)
	}
	g.news = fresh * f.weeks
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
