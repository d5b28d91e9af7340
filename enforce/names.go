package enforce

// MayName says whether a rule of an agent could admit anything by that name: one
// of the name itself, or one of addresses, whatever they are called. Where it is
// false, to look the name up would tell it to others for nothing.
func (p *Policy) MayName(agent, name string) bool {
	a := p.byName[agent]
	if a == nil || a.Never.ForbidsName(name) {
		return false
	}
	for i := range a.Rules {
		if a.Rules[i].To.Name == "" {
			return true
		}
	}
	return a.knows(name)
}

// Names says whether a rule of an agent is about a name.
func (p *Policy) Names(agent, name string) bool {
	a := p.byName[agent]
	return a != nil && !a.Never.ForbidsName(name) && a.knows(name)
}

func (a *AgentPolicy) knows(name string) bool {
	for _, m := range a.services {
		if m.name(name) != none {
			return true
		}
	}
	return false
}
