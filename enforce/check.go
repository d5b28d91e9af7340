package enforce

import (
	"net/netip"

	"tripline/ipranges"
	"tripline/learn"
)

// A Ruling is a verdict and its reason.
type Ruling struct {
	Verdict Verdict
	Rule    *Rule  // the rule that admits it, or that it is close to; nil if none
	Why     string // one clause in words
}

// Check returns the verdict on f. It is the fast path: an allowed flow costs two
// map lookups and a binary search.
func (p *Policy) Check(f *learn.Flow) Verdict {
	v, _ := p.judge(f)
	return v
}

// judge returns the verdict on f and, if it is allowed, the rule that admits it.
func (p *Policy) judge(f *learn.Flow) (Verdict, *Rule) {
	if a := p.byName[f.Agent]; a != nil && f.Name == "" {
		if m := a.services[f.Service()]; m != nil {
			if i := m.find(f.Dst); i != none {
				return Allowed, &a.Rules[i]
			}
		}
	}
	r := p.Rule(f)
	return r.Verdict, r.Rule
}

// Rule returns the verdict on f with the rule behind it and the reason.
func (p *Policy) Rule(f *learn.Flow) Ruling {
	a := p.byName[f.Agent]
	if a == nil {
		return Ruling{Verdict: Unexpected, Why: "the agent has no approved baseline"}
	}
	// What is no host name says nothing: the address decides.
	if name, ok := learn.HostName(f.Name); ok {
		g := *f
		g.Name = name
		return p.named(a, &g)
	}
	if learn.IsStandIn(f.Dst) {
		return Ruling{Unexpected, nil, unexplained}
	}
	if m := a.services[f.Service()]; m != nil {
		if i := m.find(f.Dst); i != none {
			return Ruling{Allowed, &a.Rules[i], "a rule admits the address"}
		}
	}
	return p.unnamed(a, f)
}

const unexplained = "no rule of this agent explains it"

// unnamed rules on a flow that no rule admits by its address.
func (p *Policy) unnamed(a *AgentPolicy, f *learn.Flow) Ruling {
	if why, ok := a.Never.Forbids(f.Dst); ok {
		return Ruling{Forbidden, nil, "never to be admitted: " + why}
	}
	if a.Never.Private(f.Dst) {
		return Ruling{Forbidden, p.otherPort(a, f), "private space that no rule names"}
	}
	if r, label, ok := p.sibling(a, f); ok {
		if ipranges.Shared(label) {
			return Ruling{Unexpected, r, "the same published set as an approved rule (" + label.String() + "), where anyone can rent a place"}
		}
		return Ruling{Drift, r, "a new address in " + label.String() + ", where a rule admits others"}
	}
	if r, as, ok := p.sameAS(a, f); ok {
		return Ruling{Drift, r, "a new address of the owner of an approved one (" + owner(as) + ")"}
	}
	return Ruling{Unexpected, p.otherPort(a, f), unexplained}
}

// named rules on a flow whose name is known: the name decides, and the address
// has to agree with it.
func (p *Policy) named(a *AgentPolicy, f *learn.Flow) Ruling {
	if a.Never.ForbidsName(f.Name) {
		return Ruling{Forbidden, nil, "never to be admitted: the name is in the bounding set"}
	}
	if learn.IsStandIn(f.Dst) {
		return p.nameAlone(a, f)
	}
	if why, ok := a.Never.Forbids(f.Dst); ok {
		return Ruling{Forbidden, nil, "never to be admitted: " + why}
	}
	m := a.services[f.Service()]
	if m == nil {
		return p.unnamed(a, f)
	}
	if i := m.name(f.Name); i != none {
		// Whoever owns the name may point it into the agent's own network.
		if r := &a.Rules[i]; a.Never.Private(f.Dst) && !r.Set.Contains(f.Dst) {
			return Ruling{Forbidden, r, "an approved name at a private address that no rule names"}
		}
		return p.agrees(&a.Rules[i], f)
	}
	i := m.find(f.Dst)
	if i == none {
		return p.unnamed(a, f)
	}
	r := &a.Rules[i]
	if r.To.Name != "" || ipranges.Shared(p.home(f.Dst)) {
		return Ruling{Forbidden, r, "a foreign name at an approved address that others share"}
	}
	return Ruling{Allowed, r, "a rule admits the address"}
}

// nameAlone rules on a flow to a name that nobody looked up.
func (p *Policy) nameAlone(a *AgentPolicy, f *learn.Flow) Ruling {
	if m := a.services[f.Service()]; m != nil {
		if i := m.name(f.Name); i != none {
			return Ruling{Allowed, &a.Rules[i], "the name is approved"}
		}
	}
	return Ruling{Unexpected, nil, unexplained}
}

// agrees rules on a flow with an approved name.
func (p *Policy) agrees(r *Rule, f *learn.Flow) Ruling {
	if r.Set.Contains(f.Dst) {
		return Ruling{Allowed, r, "the name is approved and was seen at this address"}
	}
	if f.Resolved {
		return Ruling{Allowed, r, "the name is approved, and DNS told the agent this address"}
	}
	for _, l := range r.To.Within {
		if set, ok := p.Space.Table.Set(l); ok && set.Contains(f.Dst) {
			return Ruling{Allowed, r, "the name is approved, and the address is in " + l.String()}
		}
	}
	if as, ok := p.Space.AS(f.Dst); ok && p.anyAS(r, as.Number) {
		return Ruling{Drift, r, "an approved name at a new address of the same owner (" + owner(as) + ")"}
	}
	return Ruling{Forbidden, r, "an approved name at a foreign address: it may be forged"}
}

// home returns the smallest published set around a, the zero label if none.
func (p *Policy) home(a netip.Addr) ipranges.Label {
	label, _ := p.Space.Table.Home(a)
	return label
}
