package learn

import (
	"iter"
	"net/netip"

	"tripline/ipranges"
)

// A group is what is folded on its own: the destinations of one service in one
// family, by key.
type group struct {
	family
	density

	index  int // among all groups of the folding
	keys   []uint64
	labels []ipranges.Label // the smallest published sets that hold keys, in no order
	homes  []int32          // of each key: which of labels, -1 for none
	late   []bool           // of each key: first seen in the recent half
	seen   []*Destination   // ascending by address
	ends   []int32          // of each key: where its destinations end in seen
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

// services returns the groups of each service.
func (f *folding) services(rest sites) []*served {
	groups := make([]*group, len(rest.list))
	inParallel(len(groups), func(i int) { groups[i] = f.group(&rest.list[i], rest.all) })
	for i, g := range groups {
		g.index = i
	}
	for _, fam := range families {
		f.learn(fam, groups)
	}
	var all []*served
	for part := range runs(rest.list, func(p site) Service { return p.service }) {
		all = append(all, &served{groups: groups[:len(part)]})
		groups = groups[len(part):]
	}
	return all
}

// learn fits the model of a family to all of its groups.
func (f *folding) learn(fam family, groups []*group) {
	var own []*group
	var keys [][]uint64
	for _, g := range groups {
		if g.family == fam {
			own, keys = append(own, g), append(keys, g.keys)
		}
	}
	model := newPolya(fam.depth, keys)
	inParallel(len(own), func(i int) {
		g := own[i]
		g.model = model
		g.density = f.density(g)
		f.grow(g)
	})
}

// chosen returns the services with what is chosen for each.
func (f *folding) chosen(all []*served) []*served {
	out := make([]*served, len(all))
	var groups []*group
	for i, s := range all {
		out[i] = &served{groups: s.groups}
		groups = append(groups, s.groups...)
	}
	choices := f.choices(groups)
	for _, s := range out {
		s.choices, choices = choices[:len(s.groups)], choices[len(s.groups):]
	}
	return out
}

// choices returns the best choice for each group.
func (f *folding) choices(groups []*group) []choice {
	out := make([]choice, len(groups))
	inParallel(len(groups), func(i int) { out[i] = f.choose(groups[i]) })
	return out
}

// surprise is what may be new beside what was, in destinations.
const surprise = 0.3

func (f *folding) group(p *site, ds []Destination) *group {
	n := len(p.spots)
	g := &group{
		family: p.family, keys: make([]uint64, 0, n), homes: make([]int32, 0, n), late: make([]bool, 0, n),
		seen: make([]*Destination, n), ends: make([]int32, 0, n), at: map[ipranges.Label][]uint64{},
	}
	fresh := surprise
	for i, s := range p.spots {
		g.seen[i] = &ds[s.index]
		if k := len(g.keys) - 1; k >= 0 && g.keys[k] == s.key {
			g.ends[k], g.late[k] = int32(i+1), g.late[k] && s.late
			continue
		}
		g.keys, g.late, g.ends = append(g.keys, s.key), append(g.late, s.late), append(g.ends, int32(i+1))
	}
	f.settle(g)
	for _, late := range g.late {
		if late {
			fresh++
		}
	}
	g.news = fresh * f.weeks
	if fresh == surprise {
		g.news = f.calm
	}
	return g
}

// leaf returns the destinations of a key, ascending by address.
func (g *group) leaf(i int) []*Destination { return g.between(i, i+1) }

// between returns the destinations of the keys from one up to, not including,
// another.
func (g *group) between(from, to int) []*Destination {
	end := func(keys int) int32 {
		if keys == 0 {
			return 0
		}
		return g.ends[keys-1]
	}
	return g.seen[end(from):end(to)]
}

// addrOf returns an address seen with a key. That of IPv4 is the key itself.
func (g *group) addrOf(i, j int) netip.Addr {
	if g.v4 {
		return addr4(g.keys[i])
	}
	return g.leaf(i)[j].Addr
}

// settle finds the home of each key.
func (f *folding) settle(g *group) {
	index := map[ipranges.Label]int32{}
	var members [][]uint64
	last, at := ipranges.Label{}, int32(-1)
	for i, key := range g.keys {
		h := f.homeOf(g.addrOf(i, 0))
		if h != last {
			last, at = h, g.number(index, h)
		}
		g.homes = append(g.homes, at)
		if at >= 0 {
			if int(at) == len(members) {
				members = append(members, nil)
			}
			members[at] = append(members[at], key)
		}
	}
	for i, l := range g.labels {
		g.at[l] = members[i]
	}
}

// number returns the index of l in g.labels, where it is put if it is new.
func (g *group) number(index map[ipranges.Label]int32, l ipranges.Label) int32 {
	if l == (ipranges.Label{}) {
		return -1
	}
	n, known := index[l]
	if !known {
		n = int32(len(g.labels))
		index[l], g.labels = n, append(g.labels, l)
	}
	return n
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
