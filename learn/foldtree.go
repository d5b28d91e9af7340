package learn

import (
	"math"
	"slices"
)

// A node is a prefix in a binary tree: its first bits, left at their place in a
// key, and how many there are.
type node struct {
	key  uint64
	bits int
}

// A polya is a Polya tree over keys of some bits: it says where the next new
// destination will be. At a node of some depth that holds n known keys, n0 and
// n1 in its halves, the next one goes to half i with probability
// (n_i + a/2) / (n + a). The strength a of each depth says what neighbours mean
// there: a small one, that they are all in the same half; a large one, that
// each half is as good as the other.
type polya struct {
	strength []float64 // one for each depth
	known    int       // keys that the strengths were learned from
}

// The strengths that are tried: powers of two.
const weakest, strongest = -12, 12

// A halving is how many keys of a node are in its two halves, the smaller
// number first: which half is which means nothing.
type halving struct{ less, more int }

// newPolya fits the strengths by marginal likelihood, pooled over all groups:
// the data says at which depth neighbours mean something. Each group is
// ascending and without repeats.
func newPolya(depth int, groups [][]uint64) polya {
	seen := make([]map[halving]int, depth)
	for i := range seen {
		seen[i] = map[halving]int{}
	}
	p := polya{strength: make([]float64, depth)}
	for _, keys := range groups {
		halvings(seen, keys, 0)
		p.known += len(keys)
	}
	for i := range p.strength {
		p.strength[i] = fitStrength(seen[i])
	}
	return p
}

func halvings(seen []map[halving]int, keys []uint64, depth int) {
	for ; len(keys) > 1 && depth < len(seen); depth++ {
		i := half(keys, len(seen), depth)
		seen[depth][halving{min(i, len(keys)-i), max(i, len(keys)-i)}]++
		if i > 0 && i < len(keys) {
			halvings(seen, keys[:i], depth+1)
		}
		if i < len(keys) {
			keys = keys[i:]
		}
	}
}

// fitStrength returns the most likely strength, the smallest of equals, and 1
// where there is nothing to learn from.
func fitStrength(seen map[halving]int) float64 {
	if len(seen) == 0 {
		return 1
	}
	// Sums of floats depend on their order, and the order of a map is random.
	order := make([]halving, 0, len(seen))
	for h := range seen {
		order = append(order, h)
	}
	slices.SortFunc(order, func(a, b halving) int {
		if a.less != b.less {
			return a.less - b.less
		}
		return a.more - b.more
	})
	best, most := 1.0, math.Inf(-1)
	for e := weakest; e <= strongest; e++ {
		a, sum := math.Ldexp(1, e), 0.0
		for _, h := range order {
			sum += float64(seen[h]) * logHalving(a, h.less, h.more)
		}
		if sum > most {
			best, most = a, sum
		}
	}
	return best
}

// logHalving returns the logarithm of the probability that a node with strength
// a halves x+y keys into x and y, in some given order (beta-Bernoulli).
func logHalving(a float64, x, y int) float64 {
	return lgamma(a) - 2*lgamma(a/2) + lgamma(float64(x)+a/2) + lgamma(float64(y)+a/2) - lgamma(float64(x+y)+a)
}

func lgamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

// half returns how many of keys, which agree above depth, are in the lower half
// of their node.
func half(keys []uint64, bits, depth int) int {
	bit := uint64(1) << (bits - 1 - depth)
	switch {
	case keys[0]&bit != 0:
		return 0
	case keys[len(keys)-1]&bit == 0:
		return len(keys)
	}
	i, _ := slices.BinarySearchFunc(keys, bit, func(k, bit uint64) int {
		if k&bit == 0 {
			return -1
		}
		return 0
	})
	return i
}
