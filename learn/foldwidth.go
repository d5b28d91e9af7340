package learn

import (
	"cmp"
	"math"
	"slices"

	"tripline/ipranges"
)

// A width is one way to admit some members, beside others that open more or
// less: a piece, or two narrower widths together. Lists of widths ascend in size
// and descend in cost: each is the least cost there is at its size.
type width struct {
	size float64 // what it opens
	cost float64 // what its rules cost, less what is expected inside, in alarms a week
	mass float64 // the share of new destinations expected inside

	piece       piece
	left, right *width
}

// A piece is a node or a published set of a group, or all that is chosen of it.
type piece struct {
	group int
	node  node
	label ipranges.Label
	all   *choice
}

// pieces yields what w consists of.
func (w *width) pieces(yield func(*width)) {
	if w.left == nil {
		yield(w)
		return
	}
	w.left.pieces(yield)
	w.right.pieces(yield)
}

// A scale says which sizes are told apart. Where there are too many to keep, one
// is kept of those that are nearly equal: the one that costs least.
type scale uint

// Scales: all sizes (of few members: the sizes are the steps), 16 in a doubling,
// 2 in a doubling.
const (
	exact  scale = 0
	fine   scale = 48
	coarse scale = 51
)

// step returns where a size is on the scale. The bits of a float ascend with it,
// evenly in each doubling.
func (s scale) step(size float64) uint64 {
	if s == exact {
		return uint64(size)
	}
	return math.Float64bits(size) >> s
}

// A pair is a width that is not made yet.
type pair struct {
	size, cost  float64
	left, right *width
}

// beats says whether p is to be kept of two at the same step.
func (p *pair) beats(q *pair) bool {
	return q.left == nil || p.cost < q.cost || p.cost == q.cost && p.size < q.size
}

// join returns the ways to do one of a and one of b.
func (s scale) join(a, b []*width) []*width {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	first := s.step(a[0].size + b[0].size)
	last := s.step(a[len(a)-1].size + b[len(b)-1].size)
	at := make([]pair, last-first+1)
	for _, x := range a {
		for _, y := range b {
			p := pair{x.size + y.size, x.cost + y.cost, x, y}
			if q := &at[s.step(p.size)-first]; p.beats(q) {
				*q = p
			}
		}
	}
	return falling(at)
}

// falling makes widths of pairs, ascending in size, and leaves out what
// something smaller is as good as.
func falling(at []pair) []*width {
	var out []*width
	best := math.Inf(1)
	for i := range at {
		if p := &at[i]; p.left != nil && p.cost < best {
			best = p.cost
			out = append(out, &width{size: p.size, cost: p.cost, mass: p.left.mass + p.right.mass, left: p.left, right: p.right})
		}
	}
	return out
}

// thin leaves one width for each step.
func (s scale) thin(list []*width) []*width {
	list = trim(list)
	out := list[:0]
	for _, w := range list {
		if n := len(out); n > 0 && s.step(out[n-1].size) == s.step(w.size) {
			out[n-1] = w
			continue
		}
		out = append(out, w)
	}
	return out
}

// trim sorts, and leaves out what something smaller is as good as.
func trim(list []*width) []*width {
	slices.SortStableFunc(list, func(a, b *width) int {
		if a.size != b.size {
			return cmp.Compare(a.size, b.size)
		}
		return cmp.Compare(a.cost, b.cost)
	})
	out, best := list[:0], math.Inf(1)
	for _, w := range list {
		if w.cost < best {
			out, best = append(out, w), w.cost
		}
	}
	return out
}

// widths returns the ways to choose prefixes for members, ascending.
func (c *chooser) widths(s scale, members []uint64) []*width {
	return c.widthsOf(s, node{}, 1, 0, len(c.sample.keys), members)
}

func (c *chooser) widthsOf(s scale, n node, mass float64, lo, hi int, members []uint64) []*width {
	depth := len(c.model.strength)
	if n.bits == depth {
		return []*width{{size: 1, cost: c.beta, piece: piece{group: c.group, node: n}}}
	}
	mid, m := lo+half(c.sample.keys[lo:hi], depth, n.bits), half(members, depth, n.bits)
	a := c.model.strength[n.bits]
	each := mass / (c.sample.weight(lo, hi) + a)
	var lower, upper []*width
	if m > 0 {
		lower = c.widthsOf(s, node{n.key, n.bits + 1}, each*(c.sample.weight(lo, mid)+a/2), lo, mid, members[:m])
	}
	if m < len(members) {
		next := node{n.key | 1<<(depth-1-n.bits), n.bits + 1}
		upper = c.widthsOf(s, next, each*(c.sample.weight(mid, hi)+a/2), mid, hi, members[m:])
	}
	out := s.join(lower, upper)
	if n.bits < c.widest || len(members) < c.least || !c.allowed(n) {
		return out
	}
	return with(out, c.whole(n, c.mass(n, mass)))
}

func (c *chooser) whole(n node, mass float64) *width {
	size := math.Ldexp(1, len(c.model.strength)-n.bits)
	return &width{size: size, cost: c.price - c.news*mass, mass: mass, piece: piece{group: c.group, node: n}}
}

// with returns list with one more way to do the same.
func with(list []*width, w *width) []*width {
	if last := list[len(list)-1]; last.size <= w.size && last.cost <= w.cost {
		return list
	}
	return trim(append(slices.Clone(list), w))
}
