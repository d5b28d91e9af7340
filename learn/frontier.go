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
	// Opens is what limits count: IPv4 addresses and IPv6 /64 networks
	// together. A published set counts by the family it was met in, though its
	// rule admits both.
	Opens  uint64
	Alarms float64 // a week: new destinations expected outside the rules

	choices []choice // by group
}

// A Folded is the rules of a [Point].
type Folded struct {
	Point

	To   []Rule  // what [Fold] returns for this point
	News float64 // new destinations expected in the coming week, inside the rules and outside
	Held []Held  // what the ceiling kept from being a rule by default, in the order of the labels
}

// A Frontier is the ways to fold the destinations of one agent, from host by
// host to as wide as the ceiling allows. It is not safe for concurrent use.
type Frontier struct {
	// Points ascend: each opens more than the one before and leaves fewer
	// alarms, by a thousandth at least.
	Points []Point
	// Default is what the options weigh: [Fold] returns its rules.
	Default Point

	*folding
	ds     []Destination
	served []*served
	groups []*group
	names  *drafts
	behind ipranges.Set // the addresses behind names
}

// NewFrontier folds ds at every width. What is found for one service at one
// width is the least that alarms and rules can cost there, but for widths within
// a sixteenth of a doubling, of which one is kept; services of very many
// destinations are folded at some weights of an address instead. The
// points count rules at what the options say a rule costs; [Frontier.Pick] looks
// for fewer.
func NewFrontier(ds []Destination, o FoldOptions) *Frontier {
	f := &Frontier{folding: newFolding(ds, o), ds: ds}
	f.names = f.drafts()
	f.served = f.services(f.names.named(ds))
	for _, s := range f.served {
		f.groups = append(f.groups, s.groups...)
	}
	var behind []netip.Addr
	for _, d := range f.names.names {
		behind = append(behind, addrsOf(d.seen)...)
	}
	f.behind = hosts(behind).Subtract(standInSet)
	f.Default = f.byDefault()
	f.Points = rising(append(f.sweep(fine, f.beta), f.Default))
	return f
}

// byDefault folds as the options weigh.
func (f *Frontier) byDefault() Point {
	return f.measured(Point{choices: f.choices(f.groups)})
}

// mostPoints is how many points are measured of very many destinations.
const mostPoints = 32

// sweep returns points of all widths at one weight of a rule.
func (f *Frontier) sweep(s scale, beta float64) []Point {
	weighed := *f.folding
	weighed.beta = beta
	own := make([][]*width, len(f.groups))
	inParallel(len(own), func(i int) { own[i] = weighed.widths(s, f.groups[i]) })
	var list []*width
	for _, w := range own {
		list = s.join(list, w)
	}
	step := 1
	if f.keys() >= manyMembers {
		step = 1 + len(list)/mostPoints
	}
	out := make([]Point, (len(list)+step-1)/step)
	inParallel(len(out), func(i int) { out[i] = f.measured(Point{choices: list[i*step].choices(len(f.groups))}) })
	return out
}

func (f *Frontier) keys() (n int) {
	for _, g := range f.groups {
		n += len(g.keys)
	}
	return n
}

// measured works out the figures of what p chooses.
func (f *Frontier) measured(p Point) Point {
	t := f.tally(f.chosenAt(p))
	for i, g := range f.groups {
		p.Alarms += g.news * max(0, 1-p.choices[i].inside)
	}
	p.Alarms += f.names.alarms
	prefixes, count := t.prefixes()
	p.Rules = len(f.names.names) + len(t.labels) + count
	met, all := f.labelled(p)
	p.Admits = f.behind.Union(prefixes).Union(all).Exposure()
	p.Opens = f.behind.Union(prefixes).Union(met).Exposure().Total()
	return p
}

// chosenAt returns the services with what p chooses for each.
func (f *Frontier) chosenAt(p Point) []*served {
	out := make([]*served, len(f.served))
	for i, s := range f.served {
		n := s.groups[0].index
		out[i] = &served{groups: s.groups, choices: slices.Clone(p.choices[n : n+len(s.groups)])}
	}
	return out
}

// labelled returns what the published sets in p admit: of the families they were
// met in, and of both.
func (f *Frontier) labelled(p Point) (met, all ipranges.Set) {
	type part struct {
		label ipranges.Label
		v4    bool
	}
	known := map[part]bool{}
	var sets []ipranges.Set
	in := map[family][]ipranges.Set{}
	for i, g := range f.groups {
		for _, l := range p.choices[i].labels {
			if at := (part{l, g.v4}); !known[at] {
				known[at] = true
				set := g.candidates[l].set
				sets, in[g.family] = append(sets, set), append(in[g.family], set)
			}
		}
	}
	for _, fam := range families {
		met = met.Union(unionOf(in[fam]).Intersect(ipranges.NewSet(fam.space())))
	}
	return met, unionOf(sets)
}

// space is the whole of a family.
func (f family) space() netip.Prefix {
	if f.v4 {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
}

// worthwhile is the part of the alarms that a wider point must save to be one.
const worthwhile = 1e-3

// rising returns the points that nothing is better than, ascending.
func rising(ps []Point) []Point {
	slices.SortStableFunc(ps, func(a, b Point) int {
		return cmp.Or(cmp.Compare(a.Opens, b.Opens), cmp.Compare(a.Alarms, b.Alarms), cmp.Compare(a.Rules, b.Rules))
	})
	out, least := ps[:0], math.Inf(1)
	for _, p := range ps {
		if p.Alarms < least*(1-worthwhile) || math.IsInf(least, 1) {
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
	for _, s := range f.chosenAt(p) {
		out.service(s)
	}
	for i, g := range f.groups {
		folded.News += g.news
		folded.Held = append(folded.Held, f.Default.choices[i].held...)
	}
	folded.To, folded.Held = out.rules(), summed(folded.Held)
	return folded
}
