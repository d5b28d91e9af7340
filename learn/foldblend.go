package learn

import (
	"cmp"
	"slices"
	"sort"

	"tripline/ipranges"
)

// Edges are where the even spreads of a group begin and end, ascending.
type edges []edge

type edge struct {
	key  uint64
	set  int // of the group's sets
	open int // 1 where it begins, -1 behind its end
}

// few even spreads are asked one by one.
const few = 4

// edges finds the edges of even spreads, where there are more than a few.
func (f family) edges(sets []even) edges {
	if len(sets) <= few {
		return nil
	}
	var out edges
	for i := range sets {
		next := uint64(0) // prefixes longer than a key share one
		for _, p := range sets[i].set.Intersect(ipranges.NewSet(f.space())).Prefixes() {
			n := node{f.key(p.Addr()), min(p.Bits(), f.depth)}
			if from, last := max(n.key, next), f.last(n); from <= last && last+1 != 0 {
				out = append(out, edge{from, i, 1}, edge{last + 1, i, -1})
				next = last + 1
			}
		}
	}
	slices.SortFunc(out, func(a, b edge) int { return cmp.Compare(a.key, b.key) })
	return out
}

// A blend is several even spreads as one: pieces of the keys, each with the
// mass of one key in it.
type blend struct {
	from   []uint64
	before []float64 // the mass of all pieces before
	each   []float64
}

// blend returns what those of sets make together that are kept.
func (e edges) blend(sets []even, kept []bool) *blend {
	out := &blend{from: []uint64{0}, before: []float64{0}, each: []float64{0}}
	open, each := 0, 0.0
	for _, edge := range e {
		if !kept[edge.set] {
			continue
		}
		open += edge.open
		each += float64(edge.open) * sets[edge.set].share / sets[edge.set].size
		if open == 0 {
			each = 0 // nothing is left of rounding
		}
		out.turn(edge.key, each)
	}
	return out
}

// turn begins a piece.
func (b *blend) turn(key uint64, each float64) {
	last := len(b.from) - 1
	if b.from[last] < key {
		b.before = append(b.before, b.before[last]+b.each[last]*float64(key-b.from[last]))
		b.from, b.each = append(b.from, key), append(b.each, each)
		return
	}
	b.each[last] = each
}

// mass returns what is in the keys from one to another.
func (b *blend) mass(from, to uint64) float64 {
	i, j := b.piece(from), b.piece(to)
	if i == j {
		return b.each[i] * float64(to-from+1)
	}
	return b.before[j] + b.each[j]*float64(to-b.from[j]+1) - b.before[i] - b.each[i]*float64(from-b.from[i])
}

// piece returns which piece a key is in.
func (b *blend) piece(key uint64) int {
	return sort.Search(len(b.from), func(i int) bool { return b.from[i] > key }) - 1
}
