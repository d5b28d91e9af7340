package learn

import "math"

// A chooser finds the prefixes that are worth most together: the exact maximum,
// over all sets of prefixes that admit every member and do not overlap, of
//
//	sum of  news * mass(prefix) - lambda * size(prefix) - price
//
// A single key costs beta alone: it must be admitted whatever it costs, and it
// is not where something new will be.
type chooser struct {
	model  polya
	sample sample
	widest int // no prefix is shorter
	least  int // members that a prefix must admit; a single key needs none beside it

	news    float64            // new keys expected
	lambda  float64            // what one admitted key costs
	beta    float64            // what a single key costs
	price   float64            // what a prefix costs
	bits    float64            // how much the model of the bits is believed, 0 to 1
	extra   func(node) float64 // mass beside that of the bits; may be nil
	most    []float64          // of a node of so many bits, what extra is at most
	allowed func(node) bool    // whether a prefix may be chosen
	group   int                // whose members they are

	chosen []node    // the result, ascending
	masses []float64 // of each, what is expected in it; nothing in a single key
}

// choose returns the best choice for members, ascending, all of the sample.
func (c *chooser) choose(members []uint64) (value float64, chosen []node) {
	value = c.best(node{}, 1, 0, len(c.sample.keys), members)
	return value, c.chosen
}

// best appends the choice for members below n to c.chosen and returns its
// value. mass is what the bits place in n; lo to hi are the keys of the sample
// in n.
func (c *chooser) best(n node, mass float64, lo, hi int, members []uint64) float64 {
	depth := len(c.model.strength)
	if n.bits == depth {
		c.chosen, c.masses = append(c.chosen, n), append(c.masses, 0)
		return -c.beta
	}
	mark, a := len(c.chosen), c.model.strength[n.bits]
	mid, m := lo+half(c.sample.keys[lo:hi], depth, n.bits), half(members, depth, n.bits)
	value, each := 0.0, mass/(c.sample.weight(lo, hi)+a)
	if m > 0 {
		value += c.best(node{n.key, n.bits + 1}, each*(c.sample.weight(lo, mid)+a/2), lo, mid, members[:m])
	}
	if m < len(members) {
		upper := node{n.key | 1<<(depth-1-n.bits), n.bits + 1}
		value += c.best(upper, each*(c.sample.weight(mid, hi)+a/2), mid, hi, members[m:])
	}
	if n.bits < c.widest || len(members) < c.least {
		return value
	}
	if c.atMost(n, mass) <= value {
		return value // most nodes: what extra says of them is not worth asking
	}
	if whole := c.value(n, mass); whole > value && c.allowed(n) {
		c.chosen, c.masses = append(c.chosen[:mark], n), append(c.masses[:mark], c.mass(n, mass))
		return whole
	}
	return value
}

// value returns what the whole of n is worth.
func (c *chooser) value(n node, mass float64) float64 {
	size := math.Ldexp(1, len(c.model.strength)-n.bits)
	return c.news*c.mass(n, mass) - c.lambda*size - c.price
}

// mass returns what is expected in n, where the bits place so much.
func (c *chooser) mass(n node, bits float64) float64 {
	mass := c.bits * bits
	if c.extra != nil {
		mass += c.extra(n)
	}
	return mass
}

// atMost returns what the whole of n is worth at most.
func (c *chooser) atMost(n node, bits float64) float64 {
	mass := c.bits * bits
	if c.most != nil {
		mass += c.most[n.bits]
	}
	return c.news*mass - c.lambda*math.Ldexp(1, len(c.model.strength)-n.bits) - c.price
}
