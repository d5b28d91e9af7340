package main

import (
	"fmt"
	"path/filepath"
	"slices"

	"tripline/learn"
	"tripline/learn/source"
)

// checkProcesses refuses to look for agents by process where the source does not
// see any.
func (a *app) checkProcesses(src source.Source, agents *learn.Agents) error {
	if src.Sees.Process {
		return nil
	}
	var all, blind []learn.Agent
	for _, agent := range agents.List() {
		all = append(all, agent)
		if !slices.ContainsFunc(agent.Selectors, func(s learn.Selector) bool { return s.Process == (learn.Criterion{}) }) {
			blind = append(blind, agent)
		}
	}
	if len(blind) == 0 {
		return nil
	}
	err := fmt.Errorf("%s: %s does not see processes", learn.Printable(blind[0].String()), src.Name)
	if len(blind) < len(all) {
		a.warn("%v: nothing is found of it", err)
		return nil
	}
	return learn.WithHint(err, "read the host itself: \"tripline sources\" says which source sees processes")
}

// follow tells agents what the executables they are found by are links to: the
// kernel knows only what a link leads to.
func (a *app) follow(agents *learn.Agents) {
	for _, c := range agents.Processes() {
		target, err := filepath.EvalSymlinks(c.Value)
		if c.By != "exe" || err != nil {
			continue // in a container, or of another machine
		}
		if err := agents.Linked(c.Value, target); err != nil {
			a.warn("%v%s", err, andHint(err))
		}
	}
}
