package learn

import (
	"cmp"
	"net/netip"
	"slices"

	"tripline/ipranges"
)

// steady is by how much an address may cost more or less than it does before a
// rule that still admits all it has to is proposed to be another one.
const steady = 2

// A settling decides, where folding and what is approved differ, which of them
// is proposed. Rules that admit a destination in common are decided together.
type settling struct {
	*field

	old, folded []Rule
	admits      [][]int32 // what each of them admits: old, then folded
	at          []int     // of each destination: a rule that admits it
	up          []int     // of each rule: another one that it is decided with
	covered     []bool    // whether a rule by hand or an old one admits the destination
}

// settle returns the rules of one agent: an approved rule that folding proposed
// stays as it is if, with its neighbours, it admits all that was seen there, and
// folding would do so for addresses that cost twice as much or half as much as
// they do. fold folds at that multiple of the cost; covered is what rules by hand
// admit.
func settle(f *field, old, folded []Rule, covered []bool, fold func(cost float64) []Rule) []Rule {
	if len(old) == 0 {
		return folded
	}
	s := &settling{field: f, old: old, folded: folded, covered: covered}
	s.connect()
	kept := s.kept(fold)
	var out []Rule
	for i := range folded {
		if !kept[s.top(len(old)+i)] {
			out = append(out, s.as(folded[i]))
		}
	}
	for i := range old {
		if kept[s.top(i)] {
			out = append(out, s.again(i))
		}
	}
	slices.SortStableFunc(out, compareRules)
	return out
}

func (s *settling) connect() {
	for _, rules := range [][]Rule{s.old, s.folded} {
		for i := range rules {
			s.admits = append(s.admits, s.admitted(&rules[i]))
		}
	}
	s.at = make([]int, len(s.ds))
	for i := range s.at {
		s.at[i] = -1
	}
	for i := range s.admits {
		s.up = append(s.up, i)
	}
	for i, members := range s.admits {
		for _, d := range members {
			s.covered[d] = s.covered[d] || i < len(s.old)
			if s.at[d] < 0 {
				s.at[d] = i
			}
			s.up[s.top(i)] = s.top(s.at[d])
		}
	}
}

// top returns the rule that stands for all that i is decided with.
func (s *settling) top(i int) int {
	for s.up[i] != i {
		s.up[i] = s.up[s.up[i]]
		i = s.up[i]
	}
	return i
}

// kept returns where the old rules stay, by what stands for them.
func (s *settling) kept(fold func(float64) []Rule) map[int]bool {
	open := map[int]bool{}
	for i := range s.old {
		if len(s.admits[i]) > 0 {
			open[s.top(i)] = true
		}
	}
	for d, at := range s.at {
		if at >= 0 && !s.covered[d] {
			delete(open, s.top(at))
		}
	}
	for top, same := range s.same() {
		if same {
			delete(open, top) // folding says the same, with its evidence
		}
	}
	if len(open) == 0 {
		return nil
	}
	narrow, wide, is := s.opens(fold(steady)), s.opens(fold(1./steady)), s.opens(s.old)
	for top := range open {
		open[top] = narrow[top] <= is[top] && is[top] <= wide[top]
	}
	return open
}

// same says where both have the same rules.
func (s *settling) same() map[int]bool {
	out, is := map[int]bool{}, map[string]*Rule{}
	for i := range s.folded {
		is[s.folded[i].To.String()] = &s.folded[i]
		out[s.top(len(s.old)+i)] = true
	}
	matched := map[*Rule]bool{}
	for i := range s.old {
		r := is[s.old[i].To.String()]
		if r == nil || !slices.Equal(r.Ports, s.old[i].Ports) {
			out[s.top(i)] = false
		}
		matched[r] = true
	}
	for i := range s.folded {
		if !matched[&s.folded[i]] {
			out[s.top(len(s.old)+i)] = false
		}
	}
	return out
}

// opens returns how much rules admit, by what their destinations are decided
// with.
func (s *settling) opens(rules []Rule) map[int]uint64 {
	out := map[int]uint64{}
	for i := range rules {
		seen := map[int]bool{}
		for _, d := range s.admitted(&rules[i]) {
			if s.at[d] < 0 || seen[s.top(s.at[d])] {
				continue
			}
			seen[s.top(s.at[d])] = true
			out[s.top(s.at[d])] += ipranges.NewSet(s.prefixes(&rules[i])...).Exposure().Total()
		}
	}
	return out
}

// as returns a folded rule with the addresses that an old rule for the same name
// has beside its own.
func (s *settling) as(r Rule) Rule {
	if r.To.Name == "" {
		return r
	}
	for i := range s.old {
		if s.old[i].To.Name == r.To.Name {
			r.Addrs = bothAddrs(r.Addrs, s.old[i].Addrs)
			r.To.Within = bothLabels(r.To.Within, s.old[i].To.Within)
		}
	}
	return r
}

// again returns an old rule with the evidence of today.
func (s *settling) again(i int) Rule {
	r := s.old[i]
	members := make([]*Destination, len(s.admits[i]))
	for j, d := range s.admits[i] {
		members[j] = &s.ds[d]
	}
	r.Seen = seenOf(members)
	if r.To.Name == "" {
		return r
	}
	r.Addrs = bothAddrs(r.Addrs, addrsOf(members))
	for _, a := range r.Addrs {
		if l, ok := s.space.Table.Home(a); ok {
			r.To.Within = bothLabels(r.To.Within, []ipranges.Label{l})
		}
	}
	return r
}

// bothAddrs returns what is in a or in b, ascending, without repeats.
func bothAddrs(a, b []netip.Addr) []netip.Addr {
	out := slices.Concat(a, b)
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}

func bothLabels(a, b []ipranges.Label) []ipranges.Label {
	out := slices.Concat(a, b)
	slices.SortFunc(out, ipranges.Label.Compare)
	return slices.Compact(out)
}

// compareRules orders rules as folding does: names, then published sets, then
// systems, then prefixes.
func compareRules(a, b Rule) int {
	return cmp.Or(
		cmp.Compare(a.To.rank(), b.To.rank()),
		compareNames(a.To.Name, b.To.Name),
		a.To.Label.Compare(b.To.Label),
		cmp.Compare(a.To.ASN, b.To.ASN),
		a.To.Prefix.Compare(b.To.Prefix),
	)
}

func (t To) rank() int {
	switch {
	case t.Name != "":
		return 0
	case t.Label != ipranges.Label{}:
		return 1
	case t.ASN != 0:
		return 2
	}
	return 3
}
