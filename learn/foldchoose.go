package learn

import "math"

// A chooser finds the prefixes that are worth most together: the exact maximum,
// over all sets of prefixes that admit every member and do not overlap, of
//
//	sum of  news * mass(prefix) - lambda * size(prefix) - beta
//
// A single key costs beta alone: it must be admitted whatever it costs, and it
// is not where something new will be.
type chooser struct {
	model        polya
	widest       int // no prefix is shorter
	news         float64
	lambda, beta float64
	bits         float64            // how much the model of the bits is believed, 0 to 1
	extra        func(node) float64 // mass beside that of the bits; may be nil
	allowed      func(node) bool    // whether a prefix may be chosen; may be nil

	chosen []node // the result, ascending
}

// best appends the choice for members below n to c.chosen and returns its
// value. mass is what the bits place in n; group is all known keys in n, members
// those of them that must be admitted. Both are ascending.
func (c *chooser) best(n node, mass float64, group, members []uint64) float64 {
	depth := len(c.model.strength)
	if n.bits == depth {
		c.chosen = append(c.chosen, n)
		return -c.beta
	}
	mark, a := len(c.chosen), c.model.strength[n.bits]
	g, m := half(group, depth, n.bits), half(members, depth, n.bits)
	value, share := 0.0, mass/(float64(len(group))+a)
	if m > 0 {
		value += c.best(node{n.key, n.bits + 1}, share*(float64(g)+a/2), group[:g], members[:m])
	}
	if m < len(members) {
		upper := node{n.key | 1<<(depth-1-n.bits), n.bits + 1}
		value += c.best(upper, share*(float64(len(group)-g)+a/2), group[g:], members[m:])
	}
	if n.bits < c.widest {
		return value
	}
	if whole := c.value(n, mass); whole > value && (c.allowed == nil || c.allowed(n)) {
		c.chosen = append(c.chosen[:mark], n)
		return whole
	}
	return value
}

// value returns what the whole of n is worth.
func (c *chooser) value(n node, mass float64) float64 {
	mass *= c.bits
	if c.extra != nil {
		mass += c.extra(n)
	}
	size := math.Ldexp(1, len(c.model.strength)-n.bits)
	return c.news*mass - c.lambda*size - c.beta
}
