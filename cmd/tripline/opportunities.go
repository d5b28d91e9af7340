package main

import (
	"fmt"
	"slices"
	"strings"

	"tripline/learn"
	"tripline/store"
)

// observe gathers what there was to be observed of an agent.
func (o *outlook) observe(a *app, s *store.Store, agent string) (err error) {
	if o.zone, err = a.zone(""); err != nil {
		return err
	}
	set, err := s.Marks(agent)
	if err != nil {
		return err
	}
	seen := learn.Observed{Zone: o.zone, Tools: a.config.Tools[agent], Runs: len(runsOf(o.scope))}
	for _, m := range set {
		seen.Marks = append(seen.Marks, m.Name)
	}
	o.checks = learn.Opportunities(o.scope, seen)
	return nil
}

func runsOf(ds []learn.Destination) map[string]bool {
	runs := map[string]bool{}
	for i := range ds {
		for _, run := range ds[i].Runs {
			runs[run] = true
		}
	}
	return runs
}

// notYet names what had no chance to be seen, "" if everything had.
func (o *outlook) notYet() string {
	if len(o.scope) == 0 {
		return ""
	}
	return strings.Join(learn.NotYet(o.checks, o.zone.String()), ", ")
}

// mark keeps the marks that were given of the agents that are learned.
func (o *learnOptions) mark(a *app, agents *learn.Agents) error {
	if len(o.marks) == 0 {
		return nil
	}
	return a.write("learn", func(s *store.Store) error { return a.mark(s, agents.List(), o.marks, o.run) })
}

func (a *app) mark(s *store.Store, agents []learn.Agent, marks []string, run string) error {
	for _, agent := range agents {
		for _, name := range marks {
			if err := s.AddMark(agent.Name, store.Mark{Name: name, Run: run, At: a.now()}); err != nil {
				return err
			}
		}
		a.say("%s: marked %s", agent.Name, strings.Join(marks, ", "))
	}
	return nil
}

// markOnly keeps marks where there is nothing to read.
func (o *learnOptions) markOnly(a *app) error {
	return a.write("learn", func(s *store.Store) error {
		known, err := storedAgents(s)
		if err != nil {
			return err
		}
		list, err := o.selected(a, known)
		if err != nil {
			return err
		}
		for _, agent := range list {
			if !slices.ContainsFunc(known, func(k learn.Agent) bool { return k.Name == agent.Name }) {
				return unlearned(agent.Name)
			}
		}
		return a.mark(s, list, o.marks, "")
	})
}

// unlearned says that a mark has nobody it could be of: without FILE no agent
// is begun.
func unlearned(agent string) error {
	return learn.WithHint(fmt.Errorf("nothing of agent %s was learned yet", agent), "tripline learn --agent %s=ADDRESS FILE, and --mark with it", agent)
}

func checkMarks(marks []string) error {
	for _, name := range marks {
		if err := learn.CheckMark(name); err != nil {
			return err
		}
	}
	return nil
}
