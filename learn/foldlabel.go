package learn

import (
	"maps"
	"slices"

	"tripline/ipranges"
)

// A choice is the best that can be done for some of a group's destinations.
type choice struct {
	value  float64
	mass   float64          // the share of new destinations that published sets in it explain
	inside float64          // the share of new destinations that it admits
	keys   []uint64         // the members, in no order
	labels []ipranges.Label // chosen as a whole
	nodes  []node           // prefixes and hosts
	held   []Held           // what the ceiling kept from being chosen
}

func (c *choice) add(o choice) {
	c.value += o.value
	c.mass += o.mass
	c.inside += o.inside
	c.keys = append(c.keys, o.keys...)
	c.labels = append(c.labels, o.labels...)
	c.nodes = append(c.nodes, o.nodes...)
	c.held = append(c.held, o.held...)
}

// A forest is the homes of one group's destinations, under the labels that
// cover them: provider, service, region.
type forest struct {
	*folding
	*group
	at    map[ipranges.Label][]uint64         // members by home
	below map[ipranges.Label][]ipranges.Label // children, in order
	roots []ipranges.Label
}

// choose returns the best choice for the whole group: each published tree on
// its own, and what has no published home by autonomous system.
func (f *folding) choose(g *group) choice {
	t := forest{
		folding: f, group: g,
		at: map[ipranges.Label][]uint64{}, below: map[ipranges.Label][]ipranges.Label{},
	}
	systems := map[home][]uint64{}
	for i, h := range g.homes {
		if (h.label == ipranges.Label{}) {
			systems[h] = append(systems[h], g.keys[i])
			continue
		}
		t.plant(h.label)
		t.at[h.label] = append(t.at[h.label], g.keys[i])
	}
	var all choice
	for _, l := range t.roots {
		all.add(t.label(l))
	}
	for _, h := range slices.SortedFunc(maps.Keys(systems), home.compare) {
		all.add(t.bits(systems[h], published{}))
	}
	return all
}

// plant makes sure that l and all above it are in the forest.
func (t *forest) plant(l ipranges.Label) {
	for {
		if _, known := t.at[l]; known {
			return
		}
		t.at[l] = nil
		up, ok := l.Parent()
		if !ok {
			t.roots = insertLabel(t.roots, l)
			return
		}
		t.below[up] = insertLabel(t.below[up], l)
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

// label returns the best choice for all members at l and below: what is best
// for each part, or l itself where that is worth more.
func (t *forest) label(l ipranges.Label) choice {
	var parts choice
	own := t.at[l]
	if len(own) > 0 {
		parts.add(t.bits(own, t.published(t.family, l)))
	}
	for _, child := range t.below[l] {
		parts.add(t.label(child))
	}
	// Above a single child there is nothing to gain.
	if len(own) > 0 || len(t.below[l]) > 1 {
		t.widen(&parts, l)
	}
	return parts
}

// bits returns the best choice of prefixes for members of one home.
func (t *forest) bits(members []uint64, set published) choice {
	belief := t.model.belief(members, set.size)
	share := belief * t.share(members)
	c := chooser{
		model: t.model, sample: t.sample, widest: t.widest, least: t.model.least(),
		news: t.news, lambda: t.lambda, beta: t.beta, price: t.price(), bits: 1 - belief,
		allowed: func(n node) bool { return t.under(n) && t.hosts.Within(t.prefix(n)) == 0 },
	}
	if belief > negligible {
		c.extra = func(n node) float64 { return share * float64(set.set.Within(t.prefix(n))) / set.size }
	}
	out := choice{mass: share, keys: members}
	out.value, out.nodes = c.choose(members)
	for _, mass := range c.masses {
		out.inside += mass
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

// widen replaces parts by the whole of l where that is worth more. New
// destinations are expected in it as far as its members are spread evenly over
// it, or over the sets below it.
func (t *forest) widen(parts *choice, l ipranges.Label) {
	set := t.published(t.family, l)
	if set.size == 0 || !t.demanded(l, parts.keys) {
		return
	}
	slices.Sort(parts.keys)
	mass := max(parts.mass, t.model.belief(parts.keys, set.size)*t.share(parts.keys))
	value := t.news*mass - t.lambda*set.size - t.price()
	switch {
	case value <= parts.value:
	case t.over(l, set.set.Exposure()):
		parts.held = append(parts.held, Held{Label: l, Admits: set.set.Exposure(), Alarms: t.news * max(0, mass-parts.inside)})
	default:
		*parts = choice{value: value, mass: mass, inside: mass, keys: parts.keys, labels: []ipranges.Label{l}}
	}
}
