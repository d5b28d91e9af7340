package main

import (
	"fmt"
	"slices"
	"strings"

	"tripline/ipranges"
	"tripline/learn"
	"tripline/store"
)

// sandboxCounter counts the flows of a run that a sandbox saw: it alone knows what
// went around names.
const sandboxCounter = "sandbox"

// flagsAround are the flags of a row by label.
var flagsAround = map[string]string{
	learn.NoName: "no name asked for", learn.OtherResolver: "own resolver", learn.HiddenDNS: "encrypted DNS",
}

// A detour is what went around names in one way.
type detour struct {
	Label string   `json:"label"`
	Words string   `json:"words"`
	Flows uint64   `json:"flows"`
	To    []string `json:"to"`

	targets []learn.Destination
	known   map[learn.Target]bool
}

// detours returns what of an agent went around names, by label. Its flows say so,
// which are only read where there are some of a sandbox.
func detours(s *store.Store, agent string, seen []learn.Destination) (list []*detour, err error) {
	runs, err := s.Runs()
	if err != nil {
		return nil, err
	}
	runs = slices.DeleteFunc(runs, func(r store.Run) bool { return r.Counters[sandboxCounter] == 0 })
	if !slices.ContainsFunc(seen, func(d learn.Destination) bool {
		return slices.ContainsFunc(runs, func(r store.Run) bool { return slices.Contains(d.Runs, r.Name) })
	}) {
		return nil, nil
	}
	byLabel := map[string]*detour{}
	err = s.Replay(agent, func(f *learn.Flow, _ string) {
		if words := learn.Around(f.Interface, f.Rule); words != "" {
			if byLabel[f.Rule] == nil {
				byLabel[f.Rule] = &detour{Label: f.Rule, Words: words, known: map[learn.Target]bool{}}
				list = append(list, byLabel[f.Rule])
			}
			byLabel[f.Rule].add(f)
		}
	})
	slices.SortFunc(list, func(x, y *detour) int { return strings.Compare(x.Label, y.Label) })
	return list, err
}

func (x *detour) add(f *learn.Flow) {
	x.Flows++
	t := learn.Target{Service: f.Service(), Addr: f.Dst, Name: f.Name}
	if x.known[t] {
		return
	}
	x.known[t] = true
	x.targets = append(x.targets, learn.Destination{Agent: f.Agent, Target: t, Flows: 1})
	x.To = append(x.To, learn.Place(f.Dst, f.Name, f.Service()))
}

// flagsAround returns the flags of a rule that admits what went around names.
func (d *draft) flagsAround(rule *learn.Rule, space ipranges.Space) (flags []string) {
	for _, x := range d.detours {
		if flag := flagsAround[x.Label]; flag != "" && len(learn.Members(rule, x.targets, space)) > 0 {
			flags = append(flags, flag)
		}
	}
	return flags
}

// mostDetours is how many places are named.
const mostDetours = 3

// detourLines say in words what went around names.
func (a *app) detourLines(d *draft) {
	for _, x := range d.detours {
		to := x.To[:min(mostDetours, len(x.To))]
		more := ""
		if n := len(x.To) - len(to); n > 0 {
			more = fmt.Sprintf(" and %d more", n)
		}
		fmt.Fprintf(a.stdout, "Around:   %s: %s: %s (%s%s).\n", d.agent, count(x.Flows, "flow", "flows"), x.Words,
			learn.Printable(strings.Join(to, ", ")), more)
	}
}
