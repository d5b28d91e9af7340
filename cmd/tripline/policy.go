package main

import (
	"errors"
	"fmt"
	"strings"

	"tripline/enforce"
	"tripline/ipranges"
	"tripline/learn"
	"tripline/store"
)

// policy compiles the approved baselines of the agents, all known ones if only
// is empty. An agent without one is an error: to watch it would be to promise
// something nobody approved.
func (a *app) policy(s *store.Store, only []string) (*enforce.Policy, error) {
	return a.policyOf(s, only, func(b *learn.Baseline, _ ipranges.Space) (*learn.Baseline, error) { return b, nil })
}

// filtered is what a firewall is told of the policy. It sees no names, so it is
// told where they were since they were approved.
func (a *app) filtered(s *store.Store, only []string) (*enforce.Policy, error) {
	return a.policyOf(s, only, func(b *learn.Baseline, space ipranges.Space) (*learn.Baseline, error) {
		all, err := s.Resolved(b.Agent)
		if err != nil {
			return nil, err
		}
		decisions, err := decisionsOf(s, b.Agent)
		return b.WithResolved(learn.Fresh(all, a.now()), a.config.Never.With(decisions, space)), err
	})
}

func (a *app) policyOf(s *store.Store, only []string, as func(*learn.Baseline, ipranges.Space) (*learn.Baseline, error)) (*enforce.Policy, error) {
	list, err := approvedOf(s, only)
	if err != nil {
		return nil, err
	}
	space, _, err := loadSpace(s)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i], err = as(list[i], space); err != nil {
			return nil, err
		}
	}
	return a.compile(s, list, space)
}

// approvedOf returns the approved baselines of the agents.
func approvedOf(s *store.Store, only []string) ([]*learn.Baseline, error) {
	names, err := agentNames(s, only)
	if err != nil {
		return nil, err
	}
	var list []*learn.Baseline
	var missing []string
	for _, name := range names {
		b, err := baseline(s, name)
		if err != nil {
			return nil, err
		}
		if b == nil {
			missing = append(missing, name)
			continue
		}
		list = append(list, b)
	}
	if len(missing) > 0 {
		return nil, unapproved(missing, list)
	}
	return list, nil
}

// compile compiles baselines, each with the bounding set of its agent: that of the
// configuration and what was decided in reviews, approved or not.
func (a *app) compile(s *store.Store, list []*learn.Baseline, space ipranges.Space) (*enforce.Policy, error) {
	nevers := map[string]learn.Never{}
	for _, b := range list {
		decisions, err := decisionsOf(s, b.Agent)
		if err != nil {
			return nil, err
		}
		nevers[b.Agent] = a.config.Never.With(decisions, space)
	}
	return enforce.CompileEach(list, space, func(agent string) learn.Never {
		if never, ok := nevers[agent]; ok {
			return never
		}
		return a.config.Never
	})
}

func unapproved(missing []string, have []*learn.Baseline) error {
	err := fmt.Errorf("no baseline of %s was approved", strings.Join(missing, ", "))
	if len(have) == 0 {
		return learn.WithHint(err, "tripline review shows what to approve")
	}
	return learn.WithHint(err, "tripline review shows what to approve; --agent %s leaves the others out", have[0].Agent)
}

// one returns the only agent's name where none was given.
func one(p *enforce.Policy, name string) (string, error) {
	if name != "" {
		return name, nil
	}
	if len(p.Agents) == 1 {
		return p.Agents[0].Name, nil
	}
	names := make([]string, len(p.Agents))
	for i, agent := range p.Agents {
		names[i] = agent.Name
	}
	return "", learn.WithHint(errors.New("there is more than one agent"), "--agent NAME, one of %s", strings.Join(names, ", "))
}
