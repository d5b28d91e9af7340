package learn

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"tripline/ipranges"
)

// A Settled is a proposal after what a person decided of earlier ones.
type Settled struct {
	Proposal *Baseline
	Left     Left
	Rejected []Destination // left out because a person rejected them
	Again    []Destination // rejected, and seen again since
	Never    Never         // the bounding set of this agent

	Folded []Destination // what is left to fold
	Held   []Held        // what the ceiling kept from being proposed for it
	Pick   *Pick         // the way to fold that keeps the limits; nil without any
}

// Decide returns what [Propose] does, after what a person decided: what was
// rejected is no evidence until it is seen again, what was narrowed or widened
// is admitted as it was chosen, what is never to be admitted joins the bounding
// set. All that was seen is in the proposal, in Left or in Rejected. Limits are
// for what is left to fold; [ErrLimits] says that nothing keeps them.
func Decide(agent string, approved *Baseline, ds []Destination, decisions []Decision, never Never, o FoldOptions, limits Limits) (Settled, error) {
	o.Since, o.Until = observed(ds, o)
	b := newBench(decisions, never, o.Space)
	s := Settled{Never: b.never}
	o.Hosts = o.Hosts.Union(b.never.Hosts())
	ds = vouched(approved, ds, o.Space, b.never)
	rest := s.reject(ds, b)
	b.claim(rest)
	chosen := b.chosen(o.Space)
	s.Folded = admissible(rest, b.never, &Left{})
	s.Held = HeldBack(s.Folded, o)
	if limits != (Limits{}) {
		pick, err := NewFrontier(s.Folded, o).Pick(limits)
		if err != nil {
			return s, err
		}
		s.Pick, o.Limits = &pick, limits
	}
	s.Proposal, s.Left = Propose(agent, b.undecided(approved, chosen), rest, b.never, o)
	s.release(b, rest, o)
	s.admit(chosen, ds, o.Space)
	s.skip(approved, b.decisions)
	s.Left.Refused = unadmitted(s.Proposal.Rules, s.Left.Refused, o.Space, b.never)
	return s, nil
}

// A bench is decisions at work, the newest first, each with its region and what
// it claims.
type bench struct {
	decisions []Decision
	regions   []region
	claimed   [][]*Destination
	never     Never
}

func newBench(decisions []Decision, never Never, space ipranges.Space) *bench {
	b := &bench{decisions: slices.Clone(decisions), claimed: make([][]*Destination, len(decisions)), never: never.With(decisions, space)}
	slices.SortFunc(b.decisions, func(x, y Decision) int {
		return cmp.Or(y.At.Compare(x.At), strings.Compare(x.Key(), y.Key()))
	})
	for i := range b.decisions {
		b.regions = append(b.regions, b.decisions[i].region(space))
	}
	return b
}

// about returns the newest decision of some kind that is about t, -1 if none.
func (b *bench) about(t *Target, kind func(*Decision) bool) int {
	for i := range b.decisions {
		if kind(&b.decisions[i]) && b.regions[i].holds(t) {
			return i
		}
	}
	return -1
}

// claims says whether a decision says by which rules its region is admitted.
func (d *Decision) claims() bool { return d.Verb == Narrow || d.Verb == Widen }

func (d *Decision) rejects() bool { return d.Verb == Reject }

// reject returns the destinations that are evidence.
func (s *Settled) reject(ds []Destination, b *bench) (rest []Destination) {
	for i := range ds {
		j := b.about(&ds[i].Target, (*Decision).rejects)
		if j >= 0 && !b.decisions[j].changed(&ds[i]) {
			s.Rejected = append(s.Rejected, ds[i])
			continue
		}
		if j >= 0 {
			s.Again = append(s.Again, ds[i])
		}
		rest = append(rest, ds[i])
	}
	return rest
}

// claim notes what a decision says the rules of. What may not be admitted is
// left, to be reported.
func (b *bench) claim(ds []Destination) {
	for i := range ds {
		d := &ds[i]
		_, forbidden := b.never.Forbids(d.Addr)
		j := b.about(&d.Target, (*Decision).claims)
		if j >= 0 && !forbidden && !b.never.ForbidsName(d.Name) && d.Admissible() {
			b.claimed[j] = append(b.claimed[j], d)
		}
	}
}

// release drops the folded rules of what is admitted as it was chosen. What else
// they were for is folded by itself. So other rules stay as they are: what was
// chosen is evidence for them all the same.
func (s *Settled) release(b *bench, ds []Destination, o FoldOptions) {
	claimed := map[Target]bool{}
	var all []Destination
	for _, list := range b.claimed {
		for _, d := range list {
			claimed[d.Target] = true
			all = append(all, *d)
		}
	}
	var left []Destination
	kept := s.Proposal.Rules[:0]
	for _, r := range s.Proposal.Rules {
		if r.From != Learned || len(all) == 0 || len(Members(&r, all, o.Space)) == 0 {
			kept = append(kept, r)
			continue
		}
		left = append(left, slices.DeleteFunc(Members(&r, ds, o.Space), func(d Destination) bool { return claimed[d.Target] })...)
	}
	s.Proposal.Rules = kept
	for i := range b.decisions { // what was narrowed is not opened again from beside it
		if b.decisions[i].Verb == Narrow {
			o.Hosts = o.Hosts.Union(b.regions[i].set)
		}
	}
	if len(left) > 0 {
		s.admit(Fold(admissible(once(left), b.never, &Left{}), o), ds, o.Space)
	}
}

// once drops destinations that are there twice: two rules may be for one.
func once(ds []Destination) []Destination {
	seen := map[Target]bool{}
	return slices.DeleteFunc(ds, func(d Destination) bool {
		again := seen[d.Target]
		seen[d.Target] = true
		return again
	})
}

// chosen returns the rules that were chosen, those of the newest decision first.
func (b *bench) chosen(space ipranges.Space) (rules []Rule) {
	for i := range b.decisions {
		if d := &b.decisions[i]; len(b.claimed[i]) > 0 || d.claims() && d.Choice.whole() {
			rules = append(rules, d.Choice.rules(b.claimed[i], d.Ports, space, b.never)...)
		}
	}
	return rules
}

// undecided returns what is approved without the rules that were chosen, and
// without what was decided since of rules that a person wrote: folding does not
// take those back.
func (b *bench) undecided(approved *Baseline, chosen []Rule) *Baseline {
	if approved == nil {
		return nil
	}
	left := *approved
	left.Rules = nil
	index := byTo(chosen)
	for _, r := range approved.Rules {
		if i, ok := index[r.To.String()]; ok && subset(r.Ports, chosen[i].Ports) {
			continue
		}
		r.Ports = slices.DeleteFunc(slices.Clone(r.Ports), func(s Service) bool { return b.decided(approved, r.To, s) })
		if len(r.Ports) > 0 {
			left.Rules = append(left.Rules, r)
		}
	}
	return &left
}

func (b *bench) decided(approved *Baseline, to To, s Service) bool {
	return slices.ContainsFunc(b.decisions, func(d Decision) bool {
		return (d.claims() || d.rejects() || d.Verb == Forbid) && d.To.String() == to.String() &&
			(d.Verb == Forbid || slices.Contains(d.Ports, s)) &&
			(approved.Approved == nil || d.At.After(approved.Approved.At))
	})
}

// admit adds rules that were chosen. Where the proposal has one for the same
// destination they become one, with the evidence of both.
func (s *Settled) admit(rules []Rule, ds []Destination, space ipranges.Space) {
	index := byTo(s.Proposal.Rules)
	for _, r := range rules {
		i, ok := index[r.To.String()]
		if !ok {
			index[r.To.String()] = len(s.Proposal.Rules)
			s.Proposal.Rules = append(s.Proposal.Rules, r)
			continue
		}
		was := &s.Proposal.Rules[i]
		r.Ports = ascending(slices.Concat(was.Ports, r.Ports), Service.Compare)
		r.Addrs = ascending(slices.Concat(was.Addrs, r.Addrs), netip.Addr.Compare)
		r.To.Within = ascending(slices.Concat(was.To.Within, r.To.Within), ipranges.Label.Compare)
		var seen []*Destination
		for _, d := range Members(&r, ds, space) {
			seen = append(seen, &d)
		}
		if len(seen) > 0 {
			r.Seen = seenOf(seen)
		}
		if set, err := r.To.Set(space, r.Addrs); err == nil {
			r.Admits = s.Never.Bound(set, r.To.Single()).Exposure()
		}
		*was = r
	}
}

// ascending sorts s and drops repeats; nothing stays nothing.
func ascending[T comparable](s []T, compare func(T, T) int) []T {
	if len(s) == 0 {
		return nil
	}
	slices.SortFunc(s, compare)
	return slices.Compact(s)
}

// skip leaves rows as they are approved.
func (s *Settled) skip(approved *Baseline, decisions []Decision) {
	for i := range decisions {
		d := &decisions[i]
		if d.Verb != Skip {
			continue
		}
		same := func(r Rule) bool { return r.To.String() == d.To.String() }
		s.Proposal.Rules = slices.DeleteFunc(s.Proposal.Rules, same)
		if approved == nil {
			continue
		}
		if j := slices.IndexFunc(approved.Rules, same); j >= 0 {
			s.Proposal.Rules = append(s.Proposal.Rules, approved.Rules[j])
		}
	}
}

// byTo finds rules by what they admit.
func byTo(rules []Rule) map[string]int {
	index := make(map[string]int, len(rules))
	for i := range rules {
		index[rules[i].To.String()] = i
	}
	return index
}

func subset(part, whole []Service) bool {
	return !slices.ContainsFunc(part, func(s Service) bool { return !slices.Contains(whole, s) })
}
