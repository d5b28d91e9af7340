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
		if slices.ContainsFunc(p.homes(r), func(l ipranges.Label) bool { return l == label }) {
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

// nearest returns the rule with the longest common prefix with the address,
// for the same service, if it is at least a /8 (IPv4) or a /16 (IPv6).
func (a *AgentPolicy) nearest(f *learn.Flow) *Rule {
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
	return best
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
