package enforce

import (
	"fmt"
	"slices"
	"strings"

	"tripline/ipranges"
	"tripline/learn"
)

// A Rule is an approved rule and the addresses it admits now.
type Rule struct {
	learn.Rule
	Set ipranges.Set // less the bounding set; for a name, the addresses seen behind it
}

// String returns the rule as one line: "aws/S3/us-east-1 tcp/443".
func (r *Rule) String() string {
	ports := make([]string, len(r.Ports))
	for i, p := range r.Ports {
		ports[i] = p.String()
	}
	return r.To.String() + " " + strings.Join(ports, " ")
}

// An AgentPolicy is the compiled baseline of one agent.
type AgentPolicy struct {
	Name     string
	Baseline string // digest
	Rules    []Rule // in the baseline's order
	Never    learn.Never

	services map[learn.Service]*matcher
}

// A Policy is approved baselines compiled with the current ranges. It is never
// changed once made and safe for concurrent use.
type Policy struct {
	Agents []*AgentPolicy // by name
	Space  ipranges.Space
	Never  learn.Never // of an agent without a baseline

	byName map[string]*AgentPolicy
}

// Compile turns baselines into the one matcher. A rule whose ranges are not
// known is an error that wraps [learn.ErrNoRanges]: admitting nothing in silence would
// raise an alarm for everything.
func Compile(baselines []*learn.Baseline, space ipranges.Space, never learn.Never) (*Policy, error) {
	return CompileEach(baselines, space, func(string) learn.Never { return never })
}

// CompileEach does what [Compile] does for agents that each have a bounding set of
// their own; "" stands for an agent without a baseline.
func CompileEach(baselines []*learn.Baseline, space ipranges.Space, never func(agent string) learn.Never) (*Policy, error) {
	p := &Policy{Space: space, Never: never(""), byName: map[string]*AgentPolicy{}}
	for _, b := range baselines {
		a, err := compileAgent(b, space, never(b.Agent))
		if err != nil {
			return nil, fmt.Errorf("baseline of %s: %w", b.Agent, err)
		}
		p.Agents = append(p.Agents, a)
		p.byName[a.Name] = a
	}
	slices.SortFunc(p.Agents, func(a, b *AgentPolicy) int { return strings.Compare(a.Name, b.Name) })
	return p, nil
}

// Agent returns the compiled baseline of the agent, nil if it has none.
func (p *Policy) Agent(name string) *AgentPolicy { return p.byName[name] }

func compileAgent(b *learn.Baseline, space ipranges.Space, never learn.Never) (*AgentPolicy, error) {
	a := &AgentPolicy{Name: b.Agent, Baseline: b.Digest, Never: never, services: map[learn.Service]*matcher{}}
	for i := range b.Rules {
		set, err := b.Rules[i].To.Set(space, b.Rules[i].Addrs)
		if err != nil {
			return nil, fmt.Errorf("rule %s: %w", b.Rules[i].To, err)
		}
		set = never.Bound(set, b.Rules[i].To.Single())
		a.Rules = append(a.Rules, Rule{Rule: b.Rules[i], Set: set})
	}
	for i := range a.Rules {
		for _, s := range a.Rules[i].Ports {
			a.matcher(s).add(a.Rules, int32(i))
		}
	}
	for _, m := range a.services {
		m.build(a.Rules)
	}
	return a, nil
}

func (a *AgentPolicy) matcher(s learn.Service) *matcher {
	m := a.services[s]
	if m == nil {
		m = &matcher{}
		a.services[s] = m
	}
	return m
}
