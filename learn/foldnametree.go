package learn

import (
	"maps"
	"math"
	"slices"
	"strings"
)

// A domain is the names of one service below one registrable domain, by path.
type domain struct {
	name  string
	names []*called
}

// A nameTree chooses the rules for the names of one service: the exact maximum,
// over all sets of wildcards and names that admit every name, of
//
//	sum of  news * mass(wildcard) - price(wildcard) - beta * names
//
// No wildcard is above a registrable domain or holds only one name.
type nameTree struct {
	*folding

	news    float64 // new names expected in the coming week
	domains []domain
	inner   *nameSpread

	inside float64 // the share of new names expected in chosen wildcards
}

// widen finds the wildcards for the names of each service. The spreads are
// learned from all of them together.
func (f *folding) widen(names roll) (news, alarms float64) {
	services := slices.SortedFunc(maps.Keys(names), Service.Compare)
	trees := make([]*nameTree, len(services))
	inParallel(len(services), func(i int) { trees[i] = f.plantNames(names[services[i]]) })
	outer, inner := newNameSplits(), newNameSplits()
	for _, t := range trees {
		t.count(outer, inner)
	}
	over, below := newNameSpread(outer), newNameSpread(inner)
	for _, t := range trees {
		t.inner = &below
		t.choose(&over)
		news, alarms = news+t.news, alarms+t.news*max(0, 1-t.inside)
	}
	return news, alarms
}

// plantNames sorts the names of a service into domains. A name without one is a
// domain by itself.
func (f *folding) plantNames(names map[string]*called) *nameTree {
	at := map[string]*domain{}
	late := surprise
	for _, c := range names {
		f.place(c)
		if c.strong && c.late {
			late++
		}
		key := c.domain
		if key == "" {
			key = c.name
		}
		if at[key] == nil {
			at[key] = &domain{name: key}
		}
		at[key].names = append(at[key].names, c)
	}
	t := &nameTree{folding: f, news: late * f.weeks}
	for _, key := range slices.Sorted(maps.Keys(at)) {
		slices.SortFunc(at[key].names, func(a, b *called) int { return strings.Compare(a.path, b.path) })
		t.domains = append(t.domains, *at[key])
	}
	return t
}

// count notes how names fall into domains, and below each into labels.
func (t *nameTree) count(outer, inner nameSplits) {
	var sizes []int
	for _, d := range t.domains {
		if n, _ := weigh(d.names); n > 0 {
			sizes = append(sizes, n)
			countBelow(inner, len(pathOf(d.name)), d.names)
		}
	}
	if len(sizes) > 0 {
		outer.add(sizes)
	}
}

func countBelow(inner nameSplits, at int, names []*called) {
	var sizes []int
	for part := range labels(at, names) {
		if n, _ := weigh(part); n > 0 {
			sizes = append(sizes, n)
		}
		if len(part) > 1 {
			countBelow(inner, labelEnd(part[0].path, at), part)
		}
	}
	if len(sizes) > 0 {
		inner.add(sizes)
	}
}

// weigh returns how many names are more than weak, and what all weigh.
func weigh(names []*called) (n int, weight float64) {
	for _, c := range names {
		if c.strong {
			n++
			weight += c.weight
		}
	}
	return n, weight
}

// labels yields the names below a domain, whose path is at bytes long, by their
// next label. The domain itself is not below itself.
func labels(at int, names []*called) func(func([]*called) bool) {
	for len(names) > 0 && len(names[0].path) == at {
		names = names[1:]
	}
	return runs(names, func(c *called) string { return c.path[at:labelEnd(c.path, at)] })
}

func labelEnd(path string, at int) int { return at + strings.IndexByte(path[at:], 0) + 1 }

// choose finds the rules for all names of the service.
func (t *nameTree) choose(over *nameSpread) {
	n, all := 0, 0.0
	for _, d := range t.domains {
		m, weight := weigh(d.names)
		n, all = n+m, all+weight
	}
	for _, d := range t.domains {
		if d.names[0].domain == "" {
			continue
		}
		m, weight := weigh(d.names)
		t.best(pathOf(d.name), d.names, over.part(m, weight, n, all), 0)
	}
}

// best chooses the rules for names, which are at or below the domain of path,
// and returns what they are worth. mass is the share of new names expected
// below it; depth is how many labels it has beside the registrable domain.
func (t *nameTree) best(path string, names []*called, mass float64, depth int) float64 {
	value, before := 0.0, t.inside
	if len(names[0].path) == len(path) {
		value = -t.beta
		names = names[1:]
	}
	n, all := weigh(names)
	parts := 0.0
	for part := range labels(len(path), names) {
		if len(part) == 1 {
			parts -= t.beta
			continue
		}
		m, weight := weigh(part)
		end := labelEnd(part[0].path, len(path))
		parts += t.best(part[0].path[:end], part, mass*t.inner.part(m, weight, n, all), depth+1)
	}
	whole := t.news*mass - t.wildcard(depth)
	if n < 2 || whole <= parts {
		return value + parts
	}
	t.inside = before + mass
	rule := "*." + nameAt(path)
	for _, c := range names {
		c.rule = rule
	}
	return value + whole
}

// wildcard is what one costs: half as much with each label below the registrable
// domain, and what a rule costs that admits more than was seen.
func (t *nameTree) wildcard(depth int) float64 {
	price := t.options.Wildcard
	if price == 0 {
		price = DefaultWildcard
	}
	return math.Ldexp(price, -depth) + t.price()
}

// nameAt returns the name behind a path.
func nameAt(path string) string {
	parts := strings.Split(strings.TrimSuffix(path, "\x00"), "\x00")
	slices.Reverse(parts)
	return strings.Join(parts, ".")
}
