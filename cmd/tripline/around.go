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

// findDetours finds what of agents went around names, by label. Their flows say so, which
// are read, once for all, where there are some of a sandbox.
func findDetours(s *store.Store, drafts []*draft) error {
	runs, err := s.Runs()
	if err != nil {
		return err
	}
	boxed := map[string]bool{}
	for _, r := range runs {
		boxed[r.Name] = r.Counters[sandboxCounter] > 0
	}
	of := map[string]*draft{}
	for _, d := range drafts {
		in, out := sides(d.seen, boxed)
		if d.boxed = in && !out; in {
			of[d.agent] = d
		}
	}
	if len(of) == 0 {
		return nil
	}
	err = s.Replay("", func(f *learn.Flow, _ string) {
		if d := of[f.Agent]; d != nil {
			d.noteDetour(f)
		}
	})
	for _, d := range of {
		slices.SortFunc(d.detours, func(x, y *detour) int { return strings.Compare(x.Label, y.Label) })
	}
	return err
}

// sides says whether anything was seen in runs of a sandbox, and in others.
func sides(seen []learn.Destination, boxed map[string]bool) (in, out bool) {
	for i := range seen {
		for _, run := range seen[i].Runs {
			in, out = in || boxed[run], out || !boxed[run]
		}
	}
	return in, out
}

// noteDetour takes a flow, if it went around names.
func (d *draft) noteDetour(f *learn.Flow) {
	words := learn.Around(f.Interface, f.Rule)
	if words == "" {
		return
	}
	i := slices.IndexFunc(d.detours, func(x *detour) bool { return x.Label == f.Rule })
	if i < 0 {
		i = len(d.detours)
		d.detours = append(d.detours, &detour{Label: f.Rule, Words: words, known: map[learn.Target]bool{}})
	}
	d.detours[i].add(f)
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
