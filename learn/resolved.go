package learn

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// A Resolved is an address that an approved name was at after it was approved: the
// agent was told so, and the policy admits it. What filters by address alone has
// to know it.
type Resolved struct {
	To   string     `json:"to"` // the rule's name, "*.example.com" for one of many
	Addr netip.Addr `json:"addr"`
	Last time.Time  `json:"last"`
}

// Bounds of the addresses that a name may bring into a firewall's table: for how
// long after it was last seen there, and how many for one rule.
const (
	ResolvedFor  = 7 * 24 * time.Hour
	ResolvedMost = 512
)

// Fresh returns what still counts at a time, the newest of each rule first where
// there are too many, in the order of rules and addresses.
func Fresh(all []Resolved, now time.Time) []Resolved {
	list := slices.DeleteFunc(slices.Clone(all), func(r Resolved) bool { return now.Sub(r.Last) > ResolvedFor })
	slices.SortFunc(list, func(a, b Resolved) int {
		return cmp.Or(cmp.Compare(a.To, b.To), b.Last.Compare(a.Last), a.Addr.Compare(b.Addr))
	})
	n := map[string]int{}
	list = slices.DeleteFunc(list, func(r Resolved) bool {
		n[r.To]++
		return n[r.To] > ResolvedMost
	})
	slices.SortFunc(list, func(a, b Resolved) int { return cmp.Or(cmp.Compare(a.To, b.To), a.Addr.Compare(b.Addr)) })
	return list
}

// WithResolved returns the baseline with these addresses behind its names, for a
// firewall that sees addresses alone. What is never to be admitted, and private
// space, stays out whatever a name was resolved to. The digest is that of what was
// approved.
func (b *Baseline) WithResolved(all []Resolved, never Never) *Baseline {
	c := *b
	c.Rules = slices.Clone(b.Rules)
	for i := range c.Rules {
		r := &c.Rules[i]
		if r.To.Name == "" {
			continue
		}
		addrs := slices.Clone(r.Addrs)
		for _, x := range all {
			if _, forbidden := never.Forbids(x.Addr); x.To == r.To.Name && x.Addr.IsValid() && !forbidden && !never.Private(x.Addr) {
				addrs = append(addrs, x.Addr)
			}
		}
		slices.SortFunc(addrs, netip.Addr.Compare)
		r.Addrs = slices.Compact(addrs)
	}
	return &c
}
