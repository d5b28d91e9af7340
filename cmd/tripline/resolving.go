package main

import (
	"net/netip"
	"slices"
	"time"

	"tripline/enforce"
	"tripline/ipranges"
	"tripline/learn"
	"tripline/store"
)

// A resolving notes at which addresses approved names are found that the baseline
// does not list, so that a firewall which sees no names lets them pass. Only what
// the policy admits counts, and only where DNS told the agent so or the address is
// in a published set of the name's own provider: a name that the agent itself puts
// into a connection proves nothing where anybody can rent an address.
type resolving struct {
	policy func() *enforce.Policy
	known  map[resolvedKey]time.Time
	seen   map[seenKey]time.Time // what was looked at lately, to look once
	fresh  bool                  // an address is new
	kept   time.Time             // when it was written last
}

type resolvedKey struct {
	agent, to string
	addr      netip.Addr
}

type seenKey struct {
	agent, name string
	addr        netip.Addr
	service     learn.Service
}

const (
	seenFor  = 10 * time.Minute
	mostSeen = 100_000

	resolvedKept = time.Hour // how often sightings of what is known are kept
)

func newResolving(policy func() *enforce.Policy) *resolving {
	return &resolving{policy: policy, known: map[resolvedKey]time.Time{}, seen: map[seenKey]time.Time{}}
}

// recall reads what was kept.
func (r *resolving) recall(s *store.Store, agents []string) error {
	for _, agent := range agents {
		all, err := s.Resolved(agent)
		if err != nil {
			return err
		}
		for _, x := range all {
			r.known[resolvedKey{agent, x.To, x.Addr}] = x.Last
		}
	}
	return nil
}

// flow looks at a flow that the policy admits.
func (r *resolving) flow(f *learn.Flow) {
	if f.Name == "" {
		return
	}
	key := seenKey{f.Agent, f.Name, f.Dst, f.Service()}
	if last, ok := r.seen[key]; ok && f.Time.Sub(last).Abs() < seenFor {
		return
	}
	if len(r.seen) >= mostSeen {
		clear(r.seen)
	}
	r.seen[key] = f.Time
	p := r.policy()
	rule := p.Rule(f)
	if rule.Verdict == enforce.Allowed && rule.Rule != nil && rule.Rule.To.Name != "" && !rule.Rule.Set.Contains(f.Dst) && proves(p, f) {
		r.note(resolvedKey{f.Agent, rule.Rule.To.Name, f.Dst}, f.Time)
	}
}

// proves says whether a name at an address is more than the agent's own word.
func proves(p *enforce.Policy, f *learn.Flow) bool {
	if f.Resolved {
		return true
	}
	home, ok := p.Space.Table.Home(f.Dst)
	return ok && !ipranges.Shared(home)
}

// answer looks at what an agent was told, as if it connected there.
func (r *resolving) answer(agent string, a *learn.Answer) {
	p := r.policy().Agent(agent)
	if p == nil {
		return
	}
	for _, s := range namedServices(p) {
		for _, addr := range a.Addrs {
			r.flow(&learn.Flow{
				Time: a.Time, Agent: agent, Proto: s.Proto, DstPort: s.Port, Dst: addr,
				Name: a.Name, Evidence: learn.DNS, Resolved: true,
			})
		}
	}
}

// namedServices returns where rules for names are.
func namedServices(p *enforce.AgentPolicy) (list []learn.Service) {
	for i := range p.Rules {
		if p.Rules[i].To.Name == "" {
			continue
		}
		for _, s := range p.Rules[i].Ports {
			if !slices.Contains(list, s) {
				list = append(list, s)
			}
		}
	}
	return list
}

func (r *resolving) note(key resolvedKey, at time.Time) {
	last, known := r.known[key]
	if known && !at.After(last) {
		return
	}
	r.fresh = r.fresh || !known
	r.known[key] = at
}

// due says whether there is something to write: a new address at once, others
// once an hour, when also those go that were not seen for long.
func (r *resolving) due(now time.Time) bool {
	return r.fresh || len(r.known) > 0 && now.Sub(r.kept) >= resolvedKept
}

// keep returns what is known and still counts, by agent, to be written now.
func (r *resolving) keep(now time.Time) map[string][]learn.Resolved {
	byAgent := map[string][]learn.Resolved{}
	for k, last := range r.known {
		byAgent[k.agent] = append(byAgent[k.agent], learn.Resolved{To: k.to, Addr: k.addr, Last: last})
	}
	clear(r.known)
	for agent, all := range byAgent {
		byAgent[agent] = learn.Fresh(all, now)
		for _, x := range byAgent[agent] {
			r.known[resolvedKey{agent, x.To, x.Addr}] = x.Last
		}
	}
	r.fresh, r.kept = false, now
	return byAgent
}
