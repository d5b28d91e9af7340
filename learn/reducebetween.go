package learn

import (
	"cmp"
	"math/bits"
	"slices"
)

// between returns the best choice found that opens so many nodes, where bundle c
// does not fit as a whole. The line between two corners bounds what any choice
// can gain: what reaches it is exact, and what does not is searched for.
func (r *Reduction) between(c int, budget int32) Reduced {
	bound := r.line(c, budget)
	var found selection
	for _, try := range []func() selection{
		func() selection { return r.fill(c, budget) },
		func() selection { return r.close(r.opened(c+1), r.counts[c]-budget) },
		func() selection { return r.close(r.opened(len(r.order)), r.count(len(r.order))-budget) },
		func() selection { return r.search(c, budget, bound, found.gain) },
	} {
		next := try()
		if next.open != nil && (found.open == nil || next.gain > found.gain) {
			found = next
		}
		if next.proven {
			bound = found.gain
		}
		if found.gain == bound {
			break
		}
	}
	return r.reduced(found.open, r.all()-bound)
}

// A selection is which nodes are open and what that gains. It is proven if no
// other gains more.
type selection struct {
	open   []bool
	gain   uint64
	proven bool
}

// line returns what lies on the straight line between the corners around
// budget, rounded down: gains are whole numbers.
func (r *Reduction) line(c int, budget int32) uint64 {
	steps, length := uint64(budget-r.count(c)), uint64(r.counts[c]-r.count(c))
	hi, lo := bits.Mul64(r.gains[c]-r.gain(c), steps)
	part, _ := bits.Div64(hi, lo, length)
	return r.gain(c) + part
}

// fill opens the bundles up to c and of the later ones each that still fits.
func (r *Reduction) fill(c int, budget int32) selection {
	taken := make([]bool, len(r.order))
	parent := r.parents()
	out := selection{gain: r.gain(c)}
	left := budget - r.count(c)
	for i := range r.order {
		switch {
		case i < c:
			taken[i] = true
		case left > 0 && r.counts[i]-r.count(i) <= left && (parent[i] < 0 || taken[parent[i]]):
			taken[i] = true
			left -= r.counts[i] - r.count(i)
			out.gain += r.gains[i] - r.gain(i)
		}
	}
	out.open = make([]bool, len(r.rank))
	for v, rank := range r.rank {
		out.open[v] = rank >= 0 && taken[rank]
	}
	return out
}

// parents returns the bundle above each bundle, -1 where there is none.
func (r *Reduction) parents() []int32 {
	parent := make([]int32, len(r.order))
	for i := range parent {
		parent[i] = -1
	}
	for _, v := range r.tree.order {
		for _, child := range [2]int32{r.tree.left[v], r.tree.right[v]} {
			if child >= 0 && r.rank[child] >= 0 && r.rank[child] != r.rank[v] {
				parent[r.rank[child]] = r.rank[v]
			}
		}
	}
	return parent
}

// close closes n of the open nodes, always one that loses least.
func (r *Reduction) close(open []bool, n int32) selection {
	// A node closes after all below it, so at the loss of the worst of them.
	loss := make([]uint64, len(open))
	var order []int32
	gain := uint64(0)
	for _, v := range r.tree.order {
		if !open[v] || r.tree.frozen[v] {
			continue
		}
		gain += r.tree.gain[v]
		loss[v] = max(r.tree.gain[v], lossOf(loss, r.tree.left[v]), lossOf(loss, r.tree.right[v]))
		order = append(order, v)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(loss[a], loss[b]) })
	for _, v := range order[:n] {
		open[v] = false
		gain -= r.tree.gain[v]
	}
	return selection{open: open, gain: gain}
}

func lossOf(loss []uint64, child int32) uint64 {
	if child < 0 {
		return 0
	}
	return loss[child]
}
