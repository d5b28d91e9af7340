package learn

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

// propose folds what is left and joins it with what is approved.
func (l *living) propose(o FoldOptions) []Rule {
	fold := func(cost float64) []Rule {
		at := o
		at.Lambda = cost * cmp.Or(o.Lambda, DefaultLambda)
		return Fold(l.ds, at)
	}
	hand := byHand(l.approved)
	members := make([][]int32, len(hand))
	covered := make([]bool, len(l.ds))
	for i := range hand {
		members[i] = l.admitted(&hand[i])
		for _, d := range members[i] {
			covered[d] = true
		}
	}
	folded := slices.DeleteFunc(fold(1), func(r Rule) bool { return l.needless(&r, hand, covered) })
	rules := join(hand, settle(l.field, learnedRules(l.approved), folded, covered, fold))
	for i := range hand {
		rules[i].Seen = l.seen(&rules[i], members[i])
	}
	return rules
}

// learnedRules returns the approved rules that folding proposed.
func learnedRules(b *Baseline) []Rule {
	var out []Rule
	for _, r := range b.Rules {
		if r.From == Learned {
			out = append(out, r)
		}
	}
	return out
}

// needless says whether rules by hand admit all that a folded rule is for.
func (l *living) needless(r *Rule, hand []Rule, covered []bool) bool {
	if len(hand) == 0 {
		return false
	}
	if r.To.Name != "" && !slices.ContainsFunc(hand, func(h Rule) bool { return h.names(r) }) {
		return false
	}
	members := l.admitted(r)
	return len(members) > 0 && !slices.ContainsFunc(members, func(d int32) bool { return !covered[d] })
}

// names says whether h is for the name of r at all its addresses.
func (h *Rule) names(r *Rule) bool {
	return h.To.Name != "" && (h.To.Name == r.To.Name || spans(r.To.Name, h.To.Name)) && allIn(r.Addrs, h.Addrs)
}

// allIn says whether all of part is in whole.
func allIn(part, whole []netip.Addr) bool {
	return !slices.ContainsFunc(part, func(a netip.Addr) bool { return !slices.Contains(whole, a) })
}

// seen returns the evidence for a rule by hand: today's, or what it says itself
// where that is more. What came from other hosts is not seen here.
func (l *living) seen(r *Rule, members []int32) Seen {
	if len(members) == 0 {
		return r.Seen
	}
	ds := make([]*Destination, len(members))
	for i, d := range members {
		ds[i] = &l.ds[d]
	}
	s := seenOf(ds)
	if r.From == Merged {
		s = s.and(r.Seen)
	}
	return s
}

// and returns evidence that is at least both: how much of it is the same is not
// known.
func (s Seen) and(t Seen) Seen {
	s.Destinations = max(s.Destinations, t.Destinations)
	s.Blocks = max(s.Blocks, t.Blocks)
	s.Runs = max(s.Runs, t.Runs)
	s.Names = max(s.Names, t.Names)
	if t.New.After(s.New) {
		s.New = t.New
	}
	if s.First.IsZero() || !t.First.IsZero() && t.First.Before(s.First) {
		s.First = t.First
	}
	if t.Last.After(s.Last) {
		s.Last = t.Last
	}
	return s
}

// spans says whether a wildcard holds for a name, or for all of another wildcard.
func spans(name, wildcard string) bool {
	suffix, ok := strings.CutPrefix(wildcard, "*")
	return ok && name != wildcard && strings.HasSuffix(name, suffix)
}
