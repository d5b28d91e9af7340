package learn

import (
	"cmp"
	"math/bits"
	"slices"
)

// A bundle is nodes that are opened together: a node that gains little itself
// and what below it gains more, joined until their average is no less than that
// of any bundle below (the precedence bundles of Horn, 1972). So an ancestor is
// never after its descendants in the order of averages, and each beginning of
// that order is the best choice of its size.
type bundles struct {
	tree         *prefixTree
	sum          []uint64 // what the bundle gains, by its topmost node
	count        []int32
	merged       []bool  // is in the bundle of its parent
	child, after []int32 // pairing heaps of bundles, the best of a subtree on top
	best         []int32 // the heap of a subtree
}

const nothingBelow = int32(-1)

// bundle computes all corners of the frontier.
func (r *Reduction) bundle() {
	t := r.tree
	n := len(t.order)
	b := &bundles{
		tree: t, sum: make([]uint64, n), count: make([]int32, n), merged: make([]bool, n),
		child: make([]int32, n), after: make([]int32, n), best: make([]int32, n),
	}
	for _, v := range t.order {
		if !t.frozen[v] {
			b.grow(v)
			continue
		}
		r.frozen++
	}
	r.sort(b)
	r.ranks(b)
}

// grow makes the bundle of v from v and the better ones below it.
func (b *bundles) grow(v int32) {
	b.sum[v], b.count[v] = b.tree.gain[v], 1
	b.child[v], b.after[v] = nothingBelow, nothingBelow
	below := b.meld(b.below(b.tree.left[v]), b.below(b.tree.right[v]))
	for below != nothingBelow && b.better(below, v) {
		b.sum[v] += b.sum[below]
		b.count[v] += b.count[below]
		b.merged[below] = true
		below = b.pop(below)
	}
	b.best[v] = b.meld(v, below)
}

func (b *bundles) below(child int32) int32 {
	if child < 0 {
		return nothingBelow
	}
	return b.best[child]
}

// better says whether bundle u has a greater average than v.
func (b *bundles) better(u, v int32) bool {
	if b.count[u] == b.count[v] {
		return b.sum[u] > b.sum[v]
	}
	x, y := fraction{b.sum[u], uint64(b.count[u])}, fraction{b.sum[v], uint64(b.count[v])}
	return x.compare(y) > 0
}

func (b *bundles) meld(u, v int32) int32 {
	switch {
	case u == nothingBelow:
		return v
	case v == nothingBelow:
		return u
	case b.better(v, u):
		u, v = v, u
	}
	b.after[v], b.child[u] = b.child[u], v
	return u
}

// pop returns the heap without its top, paired twice.
func (b *bundles) pop(top int32) int32 {
	pairs := nothingBelow
	for v := b.child[top]; v != nothingBelow; {
		u, next := b.after[v], nothingBelow
		b.after[v] = nothingBelow
		if u != nothingBelow {
			next = b.after[u]
			b.after[u] = nothingBelow
		}
		m := b.meld(v, u)
		b.after[m] = pairs
		pairs, v = m, next
	}
	out := nothingBelow
	for pairs != nothingBelow {
		next := b.after[pairs]
		b.after[pairs] = nothingBelow
		out = b.meld(out, pairs)
		pairs = next
	}
	return out
}

// A fraction is an average in lowest terms.
type fraction struct{ sum, count uint64 }

func (f fraction) compare(g fraction) int {
	hi1, lo1 := bits.Mul64(f.sum, g.count)
	hi2, lo2 := bits.Mul64(g.sum, f.count)
	return cmp.Or(cmp.Compare(hi1, hi2), cmp.Compare(lo1, lo2))
}

func (b *bundles) average(v int32) fraction {
	x, y := b.sum[v], uint64(b.count[v])
	for y != 0 {
		x, y = y, x%y
	}
	return fraction{b.sum[v] / x, uint64(b.count[v]) / x}
}

// sort orders the bundles by average. Among equals a parent comes before its
// children. Averages are few even where bundles are many: these are what is
// sorted, and the bundles are dealt out to them.
func (r *Reduction) sort(b *bundles) {
	heads, class, averages := b.classes()
	place := places(class, averages)
	r.order, r.counts, r.gains = make([]int32, len(heads)), make([]int32, len(heads)), make([]uint64, len(heads))
	for i, v := range heads {
		r.order[place[class[i]]] = v
		place[class[i]]++
	}
	for i, v := range r.order {
		r.counts[i] = r.count(i) + b.count[v]
		r.gains[i] = r.gain(i) + b.sum[v]
	}
}

// classes returns the topmost nodes of all bundles, parents first, and for each
// the number of its average.
func (b *bundles) classes() (heads, class []int32, averages []fraction) {
	number := map[fraction]int32{}
	for _, v := range slices.Backward(b.tree.order) {
		if b.tree.frozen[v] || b.merged[v] {
			continue
		}
		average := b.average(v)
		n, ok := number[average]
		if !ok {
			n = int32(len(averages))
			number[average] = n
			averages = append(averages, average)
		}
		heads, class = append(heads, v), append(class, n)
	}
	return heads, class, averages
}

// places returns where in the order each class begins.
func places(class []int32, averages []fraction) []int32 {
	size, place := make([]int32, len(averages)), make([]int32, len(averages))
	for _, n := range class {
		size[n]++
	}
	sorted := make([]int32, len(averages))
	for n := range sorted {
		sorted[n] = int32(n)
	}
	slices.SortFunc(sorted, func(m, n int32) int { return averages[n].compare(averages[m]) })
	next := int32(0)
	for _, n := range sorted {
		place[n] = next
		next += size[n]
	}
	return place
}

// ranks gives each node the place of its bundle in the order.
func (r *Reduction) ranks(b *bundles) {
	r.rank = make([]int32, len(b.tree.order))
	for i, head := range r.order {
		r.rank[head] = int32(i)
	}
	for _, v := range slices.Backward(b.tree.order) {
		if b.tree.frozen[v] {
			r.rank[v] = nothingBelow
			continue
		}
		for _, child := range [2]int32{b.tree.left[v], b.tree.right[v]} {
			if child >= 0 && b.merged[child] {
				r.rank[child] = r.rank[v]
			}
		}
	}
}
