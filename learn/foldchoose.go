package learn

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
	bare    bool               // there is nothing but bits where it looks

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
	if len(members) == 1 {
		return c.lone(n, mass, lo, hi, members[0])
	}
	depth, mark := len(c.model.strength), len(c.chosen)
	m := half(members, depth, n.bits)
	if m > 0 && m < len(members) && c.plainly(n, members) {
		inside := c.mass(n, mass)
		return c.take(mark, n, inside, c.value(n, inside))
	}
	a, mid := c.model.strength[n.bits], lo+half(c.sample.keys[lo:hi], depth, n.bits)
	value, each := 0.0, mass/(c.sample.weight(lo, hi)+a)
	if m > 0 {
		value += c.best(node{n.key, n.bits + 1}, each*(c.sample.weight(lo, mid)+a/2), lo, mid, members[:m])
	}
	if m < len(members) {
		upper := node{n.key | 1<<(depth-1-n.bits), n.bits + 1}
		value += c.best(upper, each*(c.sample.weight(mid, hi)+a/2), mid, hi, members[m:])
	}
	if n.bits >= c.widest && len(members) >= c.least {
		if whole, inside, ok := c.beats(n, mass, value); ok {
			return c.take(mark, n, inside, whole)
		}
	}
	return value
}

// take puts the whole of n in place of what was chosen below it.
func (c *chooser) take(mark int, n node, inside, whole float64) float64 {
	c.chosen, c.masses = append(c.chosen[:mark], n), append(c.masses[:mark], inside)
	return whole
}

// beats says whether the whole of n may be chosen and is worth more than value.
func (c *chooser) beats(n node, mass, value float64) (whole, inside float64, ok bool) {
	if c.atMost(n, mass) <= value {
		return 0, 0, false // most nodes: what extra says of them is not worth asking
	}
	inside = c.mass(n, mass)
	whole = c.value(n, inside)
	return whole, inside, whole > value && c.allowed(n)
}

// plainly says whether the whole of n is the best choice whatever the model says
// of its parts: it has members in both halves, and two rules that admit them and
// all that is expected in n would cost more than n with what it opens.
func (c *chooser) plainly(n node, members []uint64) bool {
	return n.bits >= c.widest && len(members) >= c.least &&
		c.price+c.lambda*c.size(n) < 2*min(c.beta, c.price) && c.allowed(n)
}

// lone is best for one member: of the nodes on the way down to it, from the
// narrowest on.
func (c *chooser) lone(n node, mass float64, lo, hi int, member uint64) float64 {
	depth := len(c.model.strength)
	var way [64]float64
	bits := n.bits
	if c.least < 2 {
		bits = c.down(&way, n.bits, mass, lo, hi, member)
	}
	c.bare = bits > n.bits && c.extra != nil && c.extra(n) == 0
	chosen, value, inside := node{member, depth}, -c.beta, 0.0
	for bits--; bits >= max(n.bits, c.widest); bits-- {
		up := node{member >> (depth - bits) << (depth - bits), bits}
		if v, mass, ok := c.beats(up, way[bits], value); ok {
			chosen, value, inside = up, v, mass
		}
	}
	c.bare = false
	c.chosen, c.masses = append(c.chosen, chosen), append(c.masses, inside)
	return value
}

// down fills in what the bits place in each node on the way to a member, as far
// as one of them can be worth more than the member itself. It returns how far.
func (c *chooser) down(way *[64]float64, bits int, mass float64, lo, hi int, member uint64) int {
	depth := len(c.model.strength)
	for ; bits < depth && c.mayBeat(bits, mass); bits++ {
		way[bits] = mass
		a, mid := c.model.strength[bits], lo+half(c.sample.keys[lo:hi], depth, bits)
		each := mass / (c.sample.weight(lo, hi) + a)
		if member>>(depth-1-bits)&1 == 0 {
			hi = mid
		} else {
			lo = mid
		}
		mass = each * (c.sample.weight(lo, hi) + a/2)
	}
	return bits
}

// mayBeat says whether any network of at least two keys can be worth more than a
// single key, where the bits place so much in all of them.
func (c *chooser) mayBeat(bits int, mass float64) bool {
	return c.yield(bits, mass)-2*c.lambda > -c.beta
}

// value returns what the whole of n is worth, where so much is expected in it.
func (c *chooser) value(n node, mass float64) float64 {
	return c.news*mass - c.lambda*c.size(n) - c.price
}

func (c *chooser) size(n node) float64 { return sizeAt(len(c.model.strength) - n.bits) }

// sizeAt returns how many keys so many bits tell apart.
func sizeAt(bits int) float64 {
	if bits < 64 {
		return float64(uint64(1) << bits)
	}
	return 1 << 64
}

// mass returns what is expected in n, where the bits place so much.
func (c *chooser) mass(n node, bits float64) float64 {
	mass := c.bits * bits
	if c.extra != nil && !c.bare {
		mass += c.extra(n)
	}
	return mass
}

// atMost returns what the whole of n is worth at most.
func (c *chooser) atMost(n node, bits float64) float64 {
	return c.yield(n.bits, bits) - c.lambda*c.size(n)
}

// yield returns what a node of so many bits is worth at most, but for what it
// opens.
func (c *chooser) yield(bits int, mass float64) float64 {
	mass *= c.bits
	if c.most != nil && !c.bare {
		mass += c.most[bits]
	}
	return c.news*mass - c.price
}
