package learn

import (
	"math"

	"tripline/ipranges"
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

// A density says where the next new key of a group will be: spread evenly over
// one of the published sets in use, or near known keys as the bits say. All of
// it together is 1.
type density struct {
	sets  []even  // ascending by label
	seams edges   // of sets, where they are many
	rest  sample  // each key as far as no even spread explains it
	bits  float64 // the share of the bits
}

// An even is the share of new keys that is spread evenly over a published set.
type even struct {
	published

	label ipranges.Label
	share float64
}

// negligible is a share that is not worth asking a published set for.
const negligible = 1e-6

// density works out where new keys of g are expected. It needs the model of the
// bits and the members of each home.
func (f *folding) density(g *group) density {
	d := density{bits: 1}
	parts := make(map[ipranges.Label]float64, len(g.labels))
	for _, l := range sortedLabels(g.at) {
		set := f.published(g.family, l)
		part := g.model.evenness(g.at[l], set.size)
		if share := part * g.share(len(g.at[l])); share > negligible {
			parts[l] = part
			d.sets = append(d.sets, even{set, l, share})
			d.bits -= share
		}
	}
	d.seams = g.edges(d.sets)
	weights := make([]float64, len(g.labels))
	for i, l := range g.labels {
		weights[i] = 1 - parts[l]
	}
	d.rest = sample{make([]uint64, 0, len(g.keys)), make([]float64, 1, len(g.keys)+1)}
	for i, k := range g.keys {
		weight := 1.0
		if h := g.homes[i]; h >= 0 {
			weight = weights[h]
		}
		d.rest.add(k, weight)
	}
	return d
}

// What is assumed of a set before any key was seen in it: that one new key in
// twenty is spread evenly over it, as sure of that as one key would make it.
const (
	assumed     = 0.05
	assumedKeys = 1
)

// manyKeys is how many keys of a set are asked at most, and rounds how often.
const (
	manyKeys = 4096
	rounds   = 50
)

// evenness returns which part of the keys of a set is better explained by an
// even spread over it than by the bits: each key is judged by the others. It is
// the mixture of both that makes the keys most likely (expectation maximisation).
func (p polya) evenness(keys []uint64, size float64) float64 {
	if len(keys) < 2 || size == 0 {
		return 0
	}
	bits := p.leftOut(nil, keys, 0, 1)
	step := 1 + len(bits)/manyKeys
	part, flat := 0.5, 1/size
	for range rounds {
		sum, n := assumed*assumedKeys, float64(assumedKeys)
		for i := 0; i < len(bits); i += step {
			sum += part * flat / (part*flat + (1-part)*bits[i])
			n++
		}
		part = sum / n
	}
	return part
}

// leftOut appends, for each of keys, ascending, below a node of the given depth,
// the probability that the bits place it there, knowing the others: density is
// that of the node itself.
func (p polya) leftOut(out []float64, keys []uint64, depth int, density float64) []float64 {
	bits := len(p.strength)
	if len(keys) == 1 {
		// Where there is nothing else each half is as good as the other.
		return append(out, math.Ldexp(density, depth-bits))
	}
	if len(keys) == 0 || depth == bits {
		return out
	}
	m, a := half(keys, bits, depth), p.strength[depth]
	each := density / (float64(len(keys)-1) + a)
	if m > 0 {
		out = p.leftOut(out, keys[:m], depth+1, each*(float64(m-1)+a/2))
	}
	if m < len(keys) {
		out = p.leftOut(out, keys[m:], depth+1, each*(float64(len(keys)-m-1)+a/2))
	}
	return out
}

// bitsIn returns what the bits place in a set.
func (g *group) bitsIn(set published) float64 {
	if set.size == 0 {
		return 0
	}
	return g.bits * g.bitsBelow(set, node{}, 1, 0, len(g.keys))
}

func (g *group) bitsBelow(set published, n node, mass float64, lo, hi int) float64 {
	size, within := math.Ldexp(1, g.depth-n.bits), set.size
	if n.bits > 0 {
		within = float64(set.set.Within(g.prefix(n)))
	}
	if within == 0 || within == size || lo == hi {
		return mass * within / size
	}
	a, mid := g.model.strength[n.bits], lo+half(g.keys[lo:hi], g.depth, n.bits)
	each := mass / (g.rest.weight(lo, hi) + a)
	upper := node{n.key | 1<<(g.depth-1-n.bits), n.bits + 1}
	return g.bitsBelow(set, node{n.key, n.bits + 1}, each*(g.rest.weight(lo, mid)+a/2), lo, mid) +
		g.bitsBelow(set, upper, each*(g.rest.weight(mid, hi)+a/2), mid, hi)
}
