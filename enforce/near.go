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
		if slices.Contains(p.homes(r), label) {
			return r, label, true
		}
	}
	return nil, label, false
}

// homes returns the published sets that r admits a part of.
func (p *Policy) homes(r *Rule) []ipranges.Label {
	if r.To.Label != (ipranges.Label{}) {
		return []ipranges.Label{r.To.Label}
	}
	var homes []ipranges.Label
	for _, a := range samples(r) {
		if l, ok := p.Space.Table.Home(a); ok {
			homes = append(homes, l)
		}
	}
	return homes
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
// first of its prefix.
func samples(r *Rule) []netip.Addr {
	if r.To.Prefix.IsValid() {
		return []netip.Addr{r.To.Prefix.Addr()}
	}
	return r.Addrs
}

// otherPort finds a rule that admits the address of f, but not its service.
func (p *Policy) otherPort(a *AgentPolicy, f *learn.Flow) *Rule {
	for i := range a.Rules {
		if a.Rules[i].Set.Contains(f.Dst) {
			return &a.Rules[i]
		}
	}
	return nil
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
		return &Nearest{r.String(), "it admits others of " + whose + ", and not " + f.Service().String()}
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
		if published && slices.Contains(p.homes(r), label) {
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
