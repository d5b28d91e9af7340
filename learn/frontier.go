package learn

import (
	"cmp"
	"math"
	"net/netip"
	"slices"

	"tripline/ipranges"
)

// A Point is one way to fold, in the figures a person weighs.
type Point struct {
	Rules  int
	Admits ipranges.Exposure // all rules together, every address once
	Alarms float64           // a week: new destinations expected outside the rules

	Lambda, Beta float64 // the weights that [FoldOptions] has to fold like this

	choices []*served
}

// A Folded is the rules of a [Point].
type Folded struct {
	Point

	To   []Rule  // what [Fold] returns for this point
	News float64 // new destinations expected in the coming week, inside the rules and outside
	Held []Held  // what the ceiling kept from being a rule, in the order of the labels
}

// A Frontier is the ways to fold the destinations of one agent, from host by
// host to as wide as the ceiling allows. It is not safe for concurrent use.
type Frontier struct {
	// Points ascend: each admits more than the one before and leaves fewer
	// alarms.
	Points []Point
	// Default is what the options weigh: [Fold] returns its rules.
	Default Point

	*folding
	ds     []Destination
	served []*served
	names  *drafts
	behind ipranges.Set // the addresses behind names
}

// NewFrontier folds ds at many widths. The points count rules at what the
// options say a rule costs; [Frontier.Pick] looks for fewer.
func NewFrontier(ds []Destination, o FoldOptions) *Frontier {
	f := &Frontier{folding: newFolding(ds, o), ds: ds}
	f.names = f.drafts()
	f.served = f.services(f.names.named(ds))
	for _, d := range f.names.by {
		f.behind = f.behind.Union(hosts(addrsOf(d.seen)))
	}
	f.Default = f.point(f.lambda, f.beta)
	f.Points = rising(append(f.sweep(f.beta), f.Default))
	return f
}

// The weights of an address that are tried: from one at which nothing is worth
// opening down to one at which everything is, a quarter less each time.
const (
	dearest  = 1.0
	cheapest = 1e-12
	cheaper  = 0.75
)

// sweep folds at all weights of an address.
func (f *Frontier) sweep(beta float64) []Point {
	var out []Point
	for lambda := dearest; lambda >= cheapest; lambda *= cheaper {
		out = append(out, f.point(lambda, beta))
	}
	return out
}

// point folds at one weight of an address and of a rule.
func (f *Frontier) point(lambda, beta float64) Point {
	weighed := *f.folding
	weighed.lambda, weighed.beta = lambda, beta
	p := Point{Lambda: lambda, Beta: beta, choices: weighed.chosen(f.served)}
	out := f.drafts()
	for _, s := range p.choices {
		out.service(s)
		for i, g := range s.groups {
			p.Alarms += g.news * max(0, 1-s.choices[i].inside)
		}
	}
	p.Alarms += f.names.alarms
	p.Rules = len(f.names.by) + len(out.by)
	p.Admits = f.behind.Union(out.opened()).Exposure()
	return p
}

// opened returns what the drafts of published sets and prefixes admit.
func (ds *drafts) opened() ipranges.Set {
	var all ipranges.Set
	var prefixes []netip.Prefix
	for s := range ds.by {
		switch {
		case s.label != ipranges.Label{}:
			set, _ := ds.options.Space.Table.Set(s.label)
			all = all.Union(set)
		case s.name == "":
			prefixes = append(prefixes, s.prefix)
		}
	}
	return all.Union(ipranges.NewSet(prefixes...))
}

// rising returns the points that nothing is better than, ascending.
func rising(ps []Point) []Point {
	slices.SortStableFunc(ps, func(a, b Point) int {
		return cmp.Or(cmp.Compare(a.Admits.Total(), b.Admits.Total()), cmp.Compare(a.Alarms, b.Alarms), cmp.Compare(a.Rules, b.Rules))
	})
	out, least := ps[:0], math.Inf(1)
	for _, p := range ps {
		if p.Alarms < least {
			out, least = append(out, p), p.Alarms
		}
	}
	return out
}

// Fold returns the rules of a point.
func (f *Frontier) Fold(p Point) Folded {
	out := f.drafts()
	out.named(f.ds)
	folded := Folded{Point: p, News: f.names.news}
	for _, s := range p.choices {
		out.service(s)
		for i, g := range s.groups {
			folded.News += g.news
			folded.Held = append(folded.Held, s.choices[i].held...)
		}
	}
	folded.To, folded.Held = out.rules(), together(folded.Held)
	return folded
}
