package enforce

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
	"sort"

	"tripline/ipranges"
	"tripline/learn"
)

// none is what a matcher answers where no rule admits.
const none = int32(-1)

// A matcher finds the rule of one agent and service that admits an address or
// a name: two sorted lists of disjoint spans, one per family. Where rules
// overlap, the narrowest one answers.
type matcher struct {
	rules []int32 // that cover this service
	v4    []span[uint32]
	v6    []span[[2]uint64]
	names map[string]int32
	wild  bool // some of the names are wildcards
}

type span[T any] struct {
	first, last T
	rule        int32
}

func (m *matcher) add(all []Rule, rule int32) {
	m.rules = append(m.rules, rule)
	if name := all[rule].To.Name; name != "" {
		if m.names == nil {
			m.names = map[string]int32{}
		}
		m.names[name] = rule
		_, wild := learn.Below(name)
		m.wild = m.wild || wild
	}
}

// build cuts the rules' sets into spans, narrowest rule first.
func (m *matcher) build(all []Rule) {
	order := slices.Clone(m.rules)
	slices.SortStableFunc(order, func(a, b int32) int {
		return cmp.Compare(all[a].Set.Exposure().Total(), all[b].Set.Exposure().Total())
	})
	var c claimed
	for _, r := range order {
		for _, p := range c.rest(all[r].Set).Prefixes() {
			m.insert(p, r)
		}
		c.add(all[r].Set)
	}
	slices.SortFunc(m.v4, func(a, b span[uint32]) int { return cmp.Compare(a.first, b.first) })
	slices.SortFunc(m.v6, func(a, b span[[2]uint64]) int { return slices.Compare(a.first[:], b.first[:]) })
}

// A claimed is a union that grows rule by rule. Its parts are of one, two, four and
// so on rules, so that no address is copied more often than their number doubles.
type claimed struct {
	parts []ipranges.Set
	rules []int // in each part
}

func (c *claimed) add(s ipranges.Set) {
	c.parts, c.rules = append(c.parts, s), append(c.rules, 1)
	for n := len(c.rules); n > 1 && c.rules[n-1] == c.rules[n-2]; n-- {
		c.parts[n-2] = c.parts[n-2].Union(c.parts[n-1])
		c.rules[n-2] *= 2
		c.parts, c.rules = c.parts[:n-1], c.rules[:n-1]
	}
}

// rest returns what of s is not claimed.
func (c *claimed) rest(s ipranges.Set) ipranges.Set {
	for _, part := range c.parts {
		s = s.Subtract(part)
	}
	return s
}

func (m *matcher) insert(p netip.Prefix, rule int32) {
	if a := p.Addr(); a.Is4() {
		first := v4(a)
		m.v4 = append(m.v4, span[uint32]{first, first | uint32(1<<(32-p.Bits())-1), rule})
		return
	}
	first := v6(p.Addr())
	last := first
	if n := 128 - p.Bits(); n >= 64 {
		last[0] |= 1<<(n-64) - 1
		last[1] = ^uint64(0)
	} else {
		last[1] |= 1<<n - 1
	}
	m.v6 = append(m.v6, span[[2]uint64]{first, last, rule})
}

// name returns the rule for a name: the exact one, or the narrowest wildcard
// above it. "*.example.com" holds for the names below example.com that are of
// the same owner. A wildcard above all owners holds for none.
func (m *matcher) name(name string) int32 {
	if r, ok := m.names[name]; ok {
		return r
	}
	if !m.wild {
		return none
	}
	for above := range learn.Wildcards(name) {
		if r, ok := m.names[above]; ok {
			return r
		}
	}
	return none
}

// find returns the rule that admits a, or none. a must be unmapped.
func (m *matcher) find(a netip.Addr) int32 {
	if a.Is4() {
		x := v4(a)
		i := sort.Search(len(m.v4), func(i int) bool { return m.v4[i].first > x }) - 1
		if i >= 0 && x <= m.v4[i].last {
			return m.v4[i].rule
		}
		return none
	}
	x := v6(a)
	i := sort.Search(len(m.v6), func(i int) bool { return less(x, m.v6[i].first) }) - 1
	if i >= 0 && !less(m.v6[i].last, x) {
		return m.v6[i].rule
	}
	return none
}

func less(a, b [2]uint64) bool { return a[0] < b[0] || a[0] == b[0] && a[1] < b[1] }

func v4(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

func v6(a netip.Addr) [2]uint64 {
	b := a.As16()
	return [2]uint64{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}
