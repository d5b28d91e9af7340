package learn

import (
	"iter"
	"net/netip"
	"slices"

	"tripline/ipranges"
)

// A Reduction is a set of addresses and the ways to write it with fewer
// prefixes, each of which opens more than the set. It is never changed once
// made.
//
// Each way is a choice in the binary tree over the prefixes of the set: a node
// is written as one prefix, or opened into its halves. To open one more node
// costs one prefix more and gains what lies between its halves. The way with the
// most gain for a price on each prefix is found by merging sorted gains, in
// n log n for all prices at once: these are the corners of the frontier, and
// each of them is exact. What lies between two corners is no sum of sorted gains:
// a node whose halves are full gains nothing itself, however much its children
// do. There [Reduction.MaxRules] searches, and says how good its answer is.
type Reduction struct {
	set    ipranges.Set
	tree   *prefixTree
	frozen int      // nodes that must stay open
	order  []int32  // heads of bundles, most gain for each prefix first
	rank   []int32  // of the bundle that a node is in
	counts []int32  // nodes in the bundles up to this one
	gains  []uint64 // and what opening them gains
}

// A Corner of the frontier says of a number of prefixes how much the best choice of them opens
// beyond the set: IPv4 addresses and IPv6 /64 networks together.
type Corner struct {
	Prefixes int
	Extra    uint64
}

// A Reduced is a list of prefixes that covers a set.
type Reduced struct {
	Prefixes []netip.Prefix    // ascending, IPv4 first
	Opens    ipranges.Exposure // what they admit beyond the set
	Least    uint64            // no choice of so many prefixes opens less, by [ipranges.Exposure.Total]
}

// Exact says whether no choice of so many prefixes opens less.
func (r Reduced) Exact() bool { return r.Opens.Total() == r.Least }

// Reduce prepares the ways to write s with fewer prefixes. What is in closed and
// not in s is never opened, nor is all of IPv6. Several prefixes within one /64
// network become one at no cost: exposure counts the network once.
func Reduce(s, closed ipranges.Set) *Reduction {
	r := &Reduction{set: s, tree: newPrefixTree(s.Prefixes())}
	if closed = closed.Subtract(s); !closed.IsEmpty() {
		r.tree.freeze(closed)
	}
	r.bundle()
	return r
}

// Most returns how many prefixes write exactly the set.
func (r *Reduction) Most() int { return len(r.tree.leaves) }

// Least returns how few prefixes there can be: one for each family, more where
// they would cross what is closed.
func (r *Reduction) Least() int { return min(r.Most(), r.frozen+1) }

// Corners yields the corners of the frontier, the fewest prefixes first. Each
// is exact: no other choice of so many prefixes opens less. On a straight line
// between two corners and below it there is no choice at all.
func (r *Reduction) Corners() iter.Seq[Corner] {
	return func(yield func(Corner) bool) {
		if r.Most() == 0 {
			return
		}
		for c := 0; c <= len(r.order); c++ {
			if !yield(Corner{r.frozen + 1 + int(r.count(c)), r.all() - r.gain(c)}) {
				return
			}
		}
	}
}

// MaxRules returns the best list of at most n prefixes that is found. It is the
// best there is wherever [Reduced.Exact] says so: on all corners of the frontier,
// and between them unless the search would take too long. It is false if n is
// less than [Reduction.Least].
func (r *Reduction) MaxRules(n int) (Reduced, bool) {
	if n < r.Least() {
		return Reduced{}, false
	}
	if n >= r.Most() {
		return Reduced{Prefixes: r.tree.leaves}, true
	}
	budget := int32(n - 1 - r.frozen)
	c, corner := slices.BinarySearch(r.counts, budget)
	if corner {
		c++
	}
	if budget == 0 || corner {
		return r.reduced(r.opened(c), r.all()-r.gain(c)), true
	}
	return r.between(c, budget), true
}

// MaxExposure returns the shortest list of prefixes found that opens at most
// extra addresses and /64 networks beyond the set. The list that is the set
// opens none, so there is always one.
func (r *Reduction) MaxExposure(extra uint64) Reduced {
	low := r.Least()
	for c := range r.order {
		if r.all()-r.gain(c) > extra {
			low = r.frozen + 2 + int(r.count(c))
		}
	}
	n := low
	if c, corner := slices.BinarySearch(r.counts, int32(low-1-r.frozen)); !corner && c < len(r.counts) {
		high := r.frozen + 1 + int(r.counts[c])
		for low < high {
			n = (low + high) / 2
			if got, _ := r.MaxRules(n); got.Opens.Total() > extra {
				low = n + 1
			} else {
				high = n
			}
		}
		n = low
	}
	got, _ := r.MaxRules(n)
	return got
}

// count and gain are of the first c bundles.
func (r *Reduction) count(c int) int32 {
	if c == 0 {
		return 0
	}
	return r.counts[c-1]
}

func (r *Reduction) gain(c int) uint64 {
	if c == 0 {
		return 0
	}
	return r.gains[c-1]
}

// all is what opening everything gains.
func (r *Reduction) all() uint64 { return r.gain(len(r.order)) }

// opened returns which nodes are open with the first c bundles.
func (r *Reduction) opened(c int) []bool {
	open := make([]bool, len(r.rank))
	for v, rank := range r.rank {
		open[v] = int(rank) < c
	}
	return open
}

// reduced writes the choice in which these nodes are open.
func (r *Reduction) reduced(open []bool, least uint64) Reduced {
	out := Reduced{Prefixes: r.tree.prefixes(open), Least: least}
	had, has := r.set.Exposure(), ipranges.NewSet(out.Prefixes...).Exposure()
	out.Opens = ipranges.Exposure{V4: has.V4 - had.V4, V6: has.V6 - had.V6}
	return out
}
