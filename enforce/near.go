package enforce

import (
	"fmt"
	"net/netip"
	"slices"

	"tripline/ipranges"
	"tripline/learn"
)

// sibling finds a rule for the same service that admits other addresses of the
// published set f goes to.
func (p *Policy) sibling(a *AgentPolicy, f *learn.Flow) (*Rule, ipranges.Label, bool) {
	label, ok := p.Space.Table.Home(f.Dst)
	if !ok {
		return nil, label, false
	}
	for r := range a.covering(f.Service()) {
		if p.homely(r, label) {
			return r, label, true
		}
	}
	return nil, label, false
}

// homely says whether r admits a part of a published set.
func (p *Policy) homely(r *Rule, label ipranges.Label) bool {
	switch {
	case r.To.Label != (ipranges.Label{}):
		return r.To.Label == label
	case r.To.Prefix.IsValid() && !r.To.Prefix.IsSingleIP():
		set, _ := p.Space.Table.Set(label)
		return set.Within(r.To.Prefix) > 0
	}
	return slices.ContainsFunc(samples(r), func(a netip.Addr) bool {
		l, ok := p.Space.Table.Home(a)
		return ok && l == label
	})
}

// sameAS finds a rule for the same service whose addresses the same autonomous
// system announces, where no provider publishes either.
func (p *Policy) sameAS(a *AgentPolicy, f *learn.Flow) (*Rule, ipranges.AS, bool) {
	as, ok := p.Space.AS(f.Dst)
	if _, published := p.Space.Table.Home(f.Dst); published || !ok {
		return nil, as, false
	}
	for r := range a.covering(f.Service()) {
		if p.anyAS(r, as.Number) {
			return r, as, true
		}
	}
	return nil, as, false
}

func (p *Policy) anyAS(r *Rule, number uint32) bool {
	if r.To.ASN == number {
		return true
	}
	return slices.ContainsFunc(samples(r), func(a netip.Addr) bool {
		as, ok := p.Space.AS(a)
		return ok && as.Number == number
	})
}

// samples returns addresses that stand for a rule: those behind a name, or the
// first, the middle and the last of its prefix.
func samples(r *Rule) []netip.Addr {
	p := r.To.Prefix
	switch {
	case !p.IsValid():
		return r.Addrs
	case p.IsSingleIP():
		return []netip.Addr{p.Addr()}
	}
	middle, last := p.Addr().AsSlice(), p.Addr().AsSlice()
	middle[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
	for i := p.Bits(); i < 8*len(last); i++ {
		last[i/8] |= 0x80 >> (i % 8)
	}
	m, _ := netip.AddrFromSlice(middle) // as many bytes as they came with
	l, _ := netip.AddrFromSlice(last)
	return []netip.Addr{p.Addr(), m, l}
}

// otherPort finds a rule that admits the address of f, but not its service. It
// asks each service once: there may be far more rules, and an agent that goes
// astray asks for every flow.
func (p *Policy) otherPort(a *AgentPolicy, f *learn.Flow) *Rule {
	first := none
	for _, m := range a.services {
		if i := m.find(f.Dst); i != none && (first == none || i < first) {
			first = i
		}
	}
	if first == none {
		return nil
	}
	return &a.Rules[first]
}

// covering yields the agent's rules for a service.
func (a *AgentPolicy) covering(s learn.Service) func(func(*Rule) bool) {
	return func(yield func(*Rule) bool) {
		m := a.services[s]
		if m == nil {
			return
		}
		for _, i := range m.rules {
			if !yield(&a.Rules[i]) {
				return
			}
		}
	}
}

// closest returns the rule that comes closest where none is a reason by itself:
// one for the same owner on another port, or else the one for this service with
// the longest common prefix, if that is at least a /8 (IPv4) or a /16 (IPv6).
func (p *Policy) closest(a *AgentPolicy, f *learn.Flow) *Nearest {
	if r, whose := p.sameOwner(a, f); r != nil {
		why := "it admits others of " + whose + ", and not " + f.Service().String()
		if slices.Contains(r.Ports, f.Service()) {
			why = "it admits others of " + whose + ", but not this address"
		}
		return &Nearest{r.String(), why}
	}
	var best *Rule
	longest := 7
	if f.Dst.Is6() {
		longest = 15
	}
	for r := range a.covering(f.Service()) {
		for _, s := range samples(r) {
			if n := common(s, f.Dst); n > longest {
				best, longest = r, n
			}
		}
	}
	if best == nil {
		return nil
	}
	return &Nearest{best.String(), "the closest addresses for " + f.Service().String() + ", and " + f.Dst.String() + " is outside"}
}

// sameOwner finds a rule, for whatever service, in the published set or the
// autonomous system of the destination.
func (p *Policy) sameOwner(a *AgentPolicy, f *learn.Flow) (*Rule, string) {
	label, published := p.Space.Table.Home(f.Dst)
	as, announced := p.Space.AS(f.Dst)
	for i := range a.Rules {
		r := &a.Rules[i]
		if published && p.homely(r, label) {
			return r, label.String()
		}
		if !published && announced && p.anyAS(r, as.Number) {
			return r, owner(as)
		}
	}
	return nil, ""
}

// common returns how many leading bits a and b share.
func common(a, b netip.Addr) int {
	if a.Is4() != b.Is4() {
		return 0
	}
	n := 0
	for n < a.BitLen() {
		p, err := a.Prefix(n + 1)
		if err != nil || !p.Contains(b) {
			return n
		}
		n++
	}
	return n
}

func owner(as ipranges.AS) string {
	return fmt.Sprintf("AS%d %s", as.Number, learn.Printable(as.Org))
}
