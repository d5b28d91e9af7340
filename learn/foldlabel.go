package learn

import (
	"maps"
	"math"
	"slices"

	"tripline/ipranges"
)

// A choice is what is admitted of a group.
type choice struct {
	inside float64          // the share of new destinations expected in it
	labels []ipranges.Label // as a whole
	nodes  []node           // prefixes and hosts
	held   []Held           // what the ceiling kept from being chosen
}

// choose returns the best choice for a group: which published sets to admit as
// a whole, and the best prefixes for what is in none of them.
func (f *folding) choose(g *group) choice {
	t := forest{f, g}
	out := t.labels()
	for _, l := range out.labels {
		out.inside += t.candidates[l].mass
	}
	if rest := t.outside(out.labels); len(rest) > 0 {
		c := t.chooser(t.evenOutside(out.labels))
		_, out.nodes = c.choose(rest)
		for _, mass := range c.masses {
			out.inside += mass
		}
	}
	return out
}

// A forest is a group with what its folding weighs.
type forest struct {
	*folding
	*group
}

// An entire is a published set that may be admitted as a whole.
type entire struct {
	published

	mass float64 // expected in it
}

// grow puts the labels above each home in place and weighs each as a candidate.
func (f *folding) grow(g *group) {
	g.below, g.candidates = map[ipranges.Label][]ipranges.Label{}, map[ipranges.Label]entire{}
	for _, l := range sortedLabels(g.at) {
		g.plant(l)
	}
	for _, root := range g.roots {
		forest{f, g}.weigh(root)
	}
}

// plant makes sure that all labels above l are in the forest.
func (g *group) plant(l ipranges.Label) {
	for {
		up, ok := l.Parent()
		if !ok {
			g.roots = insertLabel(g.roots, l)
			return
		}
		g.below[up] = insertLabel(g.below[up], l)
		l = up
	}
}

func insertLabel(s []ipranges.Label, l ipranges.Label) []ipranges.Label {
	i, found := slices.BinarySearchFunc(s, l, ipranges.Label.Compare)
	if found {
		return s
	}
	return slices.Insert(s, i, l)
}

func sortedLabels[V any](m map[ipranges.Label]V) []ipranges.Label {
	return slices.SortedFunc(maps.Keys(m), ipranges.Label.Compare)
}

// weigh makes candidates of l and all below it that the evidence calls for, and
// returns the members below it.
func (t forest) weigh(l ipranges.Label) (members []uint64) {
	members = slices.Clone(t.at[l])
	for _, child := range t.below[l] {
		members = append(members, t.weigh(child)...)
	}
	set := t.published(t.family, l)
	// Above a single child there is nothing to gain.
	if set.size == 0 || len(t.at[l]) == 0 && len(t.below[l]) < 2 {
		return members
	}
	slices.Sort(members)
	if t.demanded(l, members) {
		t.candidates[l] = entire{set, t.expected(l, set, members)}
	}
	return members
}

// expected returns the share of new destinations in the whole of a set: that of
// its members, or what the density says if that is more.
func (t forest) expected(l ipranges.Label, set published, members []uint64) float64 {
	mass := t.bitsIn(set)
	for _, s := range t.sets {
		if l.Covers(s.label) {
			mass += s.share
		}
	}
	return min(1, max(mass, t.share(len(members))))
}

// labels returns which published sets are best admitted as a whole, each tree
// on its own.
func (t forest) labels() choice {
	var out choice
	for _, root := range t.roots {
		_, c := t.label(root)
		out.labels, out.held = append(out.labels, c.labels...), append(out.held, c.held...)
	}
	return out
}

// label returns the best choice for all members at l and below: what is best
// for each part, or l itself where that is worth more.
func (t forest) label(l ipranges.Label) (value float64, c choice) {
	if own := t.at[l]; len(own) > 0 {
		bits := t.chooser(t.evenOf(l))
		value, _ = bits.choose(own)
		for _, mass := range bits.masses {
			c.inside += mass
		}
	}
	for _, child := range t.below[l] {
		v, part := t.label(child)
		value += v
		c.inside += part.inside
		c.labels, c.held = append(c.labels, part.labels...), append(c.held, part.held...)
	}
	set, ok := t.candidates[l]
	if !ok {
		return value, c
	}
	whole := t.news*set.mass - t.lambda*set.size - t.price()
	admits := set.set.Exposure()
	switch {
	case whole <= value:
	case t.over(l, admits):
		c.held = append(c.held, Held{Label: l, Admits: admits, Alarms: t.news * max(0, set.mass-c.inside)})
	default:
		return whole, choice{inside: set.mass, labels: []ipranges.Label{l}}
	}
	return value, c
}

// outside returns the members that no chosen label admits.
func (t forest) outside(labels []ipranges.Label) []uint64 {
	if len(labels) == 0 {
		return t.keys
	}
	inside := make([]bool, len(t.group.labels))
	for i, l := range t.group.labels {
		inside[i] = covered(l, labels)
	}
	out := make([]uint64, 0, len(t.keys))
	for i, h := range t.homes {
		if h < 0 || !inside[h] {
			out = append(out, t.keys[i])
		}
	}
	return out
}

func covered(l ipranges.Label, labels []ipranges.Label) bool {
	return slices.ContainsFunc(labels, func(wide ipranges.Label) bool { return wide.Covers(l) })
}

// evenOutside returns the even spreads that no chosen label admits.
func (t forest) evenOutside(labels []ipranges.Label) []even {
	var out []even
	for _, s := range t.sets {
		if !covered(s.label, labels) {
			out = append(out, s)
		}
	}
	return out
}

// evenOf returns the even spread over one label, if there is any.
func (t forest) evenOf(l ipranges.Label) []even {
	if i, found := slices.BinarySearchFunc(t.sets, l, byLabel); found {
		return t.sets[i : i+1]
	}
	return nil
}

func byLabel(s even, l ipranges.Label) int { return s.label.Compare(l) }

// chooser returns what finds prefixes in a density of bits and even spreads.
func (t forest) chooser(sets []even) *chooser {
	c := &chooser{
		model: t.model, sample: t.rest, widest: t.widest, least: t.model.least(),
		news: t.news, lambda: t.lambda, beta: t.beta, price: t.price(), bits: t.group.bits, group: t.index,
		allowed: func(n node) bool { return t.under(n) && t.hosts.Within(t.prefix(n)) == 0 },
	}
	if len(sets) > 0 {
		c.extra, c.most = t.evens(sets), t.evenAtMost(sets)
	}
	return c
}

// evens returns what says how much even spreads place in a node.
func (t forest) evens(sets []even) func(node) float64 {
	if len(sets) <= few {
		return func(n node) float64 { return t.evenIn(sets, n) }
	}
	kept := make([]bool, len(t.sets))
	for i := range t.sets {
		_, kept[i] = slices.BinarySearchFunc(sets, t.sets[i].label, byLabel)
	}
	b := t.seams.blend(t.sets, kept)
	return func(n node) float64 { return b.mass(n.key, t.last(n)) }
}

// evenIn returns what even spreads place in a node.
func (t forest) evenIn(sets []even, n node) float64 {
	sum, p := 0.0, t.prefix(n)
	for i := range sets {
		sum += sets[i].share * float64(sets[i].set.Within(p)) / sets[i].size
	}
	return sum
}

// evenAtMost returns what even spreads place at most in a node of each depth.
func (t forest) evenAtMost(sets []even) []float64 {
	out := make([]float64, t.depth+1)
	for i := range out {
		for _, s := range sets {
			out[i] += s.share * min(1, math.Ldexp(1, t.depth-i)/s.size)
		}
	}
	return out
}

// enough is how many known keys a model of the bits is worth trusting for.
const enough = 32

// least returns how many members a prefix must admit. A model of few keys says
// nothing of the neighbours of one address: it takes two to open what is
// between them.
func (p polya) least() int {
	if p.known < enough {
		return 2
	}
	return 1
}

// price is what a rule costs that admits more than was seen: it must be judged,
// not only read. Without it a host would become its /30 for one alarm in ten
// thousand weeks.
func (f *folding) price() float64 { return 1.25 * f.beta }

// under says whether a prefix may be a rule under the ceiling.
func (t forest) under(n node) bool {
	most := t.options.Ceiling.V6
	if t.v4 {
		most = t.options.Ceiling.V4
	}
	return math.Ldexp(1, t.depth-n.bits) <= float64(most)
}

// recent is how many destinations must have come in the recent half before a
// set is opened in which strangers can rent a place.
const recent = 2

// demanded says whether the evidence calls for l as a whole. Where anyone can
// rent a place, it does only while new destinations keep coming.
func (t forest) demanded(l ipranges.Label, members []uint64) bool {
	if !ipranges.Shared(l) {
		return true
	}
	late := 0
	for _, k := range members {
		if i, found := slices.BinarySearch(t.keys, k); found && t.late[i] {
			late++
		}
		if late >= recent {
			return true
		}
	}
	return false
}
