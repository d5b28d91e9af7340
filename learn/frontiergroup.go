package learn

import (
	"slices"

	"tripline/ipranges"
)

// The weights of an address that are tried: from one at which nothing is worth
// opening down to one at which everything is.
const (
	dearest  = 1.0
	cheapest = 1e-12
	cheaper  = 0.7
	// Beside it, where there are very many members, and once more on a coarse
	// scale.
	muchCheaper = 0.5
)

// manyMembers is from how many members on a group is folded at each weight of an
// address instead of at each size: so many addresses leave no gaps.
const manyMembers = 4096

// manyWidths is how many members times choices of published sets are folded at
// each size.
const manyWidths = 2 * manyMembers

// widths returns the ways to fold a group: for each choice of published sets that
// is best at some weight of an address, all ways to choose prefixes for the rest.
func (f *folding) widths(s scale, g *group) []*width {
	var all []*width
	known := map[string]bool{}
	weighed := *f
	for weighed.lambda = dearest; weighed.lambda >= cheapest; weighed.lambda *= cheaper {
		t := forest{&weighed, g}
		if n := len(g.keys); n >= manyMembers || n*len(known) >= manyWidths {
			all = append(all, t.one())
			weighed.lambda *= muchCheaper
			if s == coarse {
				weighed.lambda *= muchCheaper
			}
			continue
		}
		labels := t.labels().labels
		if key := joined(labels); !known[key] {
			known[key] = true
			all = append(all, t.beside(s, labels)...)
		}
	}
	return s.thin(all)
}

func joined(labels []ipranges.Label) string {
	var out []byte
	for _, l := range labels {
		out = append(append(out, l.String()...), 0)
	}
	return string(out)
}

// beside returns the ways to fold a group in which labels are admitted. Whoever
// asks for more than the default gets the neighbours of a single address too.
func (t forest) beside(s scale, labels []ipranges.Label) []*width {
	var out []*width
	if rest := t.outside(labels); len(rest) > 0 {
		c := t.chooser(t.evenOutside(labels))
		c.least = 1
		out = c.widths(s, rest)
	}
	for _, l := range labels {
		out = s.join(out, []*width{t.all(l)})
	}
	return out
}

// all is the whole of a published set.
func (t forest) all(l ipranges.Label) *width {
	c := t.candidates[l]
	return &width{size: c.size, cost: t.price() - t.news*c.mass, mass: c.mass, piece: piece{group: t.index, label: l}}
}

// one is the best way at the weight of an address that t has.
func (t forest) one() *width {
	c := choice{labels: t.labels().labels}
	slices.SortFunc(c.labels, ipranges.Label.Compare)
	out := &width{piece: piece{group: t.index, all: &c}}
	for _, l := range c.labels {
		out.add(t.all(l))
	}
	if rest := t.outside(c.labels); len(rest) > 0 {
		bits := t.chooser(t.evenOutside(c.labels))
		_, c.nodes = bits.choose(rest)
		for i, n := range c.nodes {
			w := bits.whole(n, bits.masses[i])
			if n.bits == t.depth {
				w.cost = bits.beta
			}
			out.add(w)
		}
	}
	c.inside = out.mass
	return out
}

func (w *width) add(v *width) {
	w.size, w.cost, w.mass = w.size+v.size, w.cost+v.cost, w.mass+v.mass
}

// choices returns what w chooses, by group.
func (w *width) choices(groups int) []choice {
	out := make([]choice, groups)
	if w == nil {
		return out
	}
	w.pieces(func(p *width) {
		c := &out[p.piece.group]
		if p.piece.all != nil {
			*c = *p.piece.all
			return
		}
		c.inside += p.mass
		if (p.piece.label != ipranges.Label{}) {
			c.labels = append(c.labels, p.piece.label)
			return
		}
		c.nodes = append(c.nodes, p.piece.node)
	})
	for i := range out {
		if l := out[i].labels; !slices.IsSortedFunc(l, ipranges.Label.Compare) {
			slices.SortFunc(l, ipranges.Label.Compare)
		}
	}
	return out
}
