package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tripline/learn"
	"tripline/store"
)

type mergeOptions struct {
	as     []string
	format string
	out    string
}

func newMergeCommand(a *app) *cobra.Command {
	var o mergeOptions
	c := &cobra.Command{
		Use:   "merge BASELINE BASELINE...",
		Short: "Join the baselines of one agent on several hosts",
		Long: `merge joins approved baselines into one proposal that admits what each of them does,
and shows which host has which rule. BASELINE is an agent of the database or a file
that "tripline history --yaml" wrote on another host. What a rule admits is computed
with the ranges of here. Evidence of agents of the database is added without counting
twice; of a file only the figures are known, so "seen" says at least that many.

--out writes the proposal to FILE; "tripline review --edit=FILE" shows what it opens,
and it is approved like any other. It is for every agent that was given, or for those
that --as names.

Exit status:
  0  merged
  2  it was not; standard error says why`,
		Example: `  tripline merge bot1 bot2 --out merged.yaml
  tripline merge --as bot host-a.yaml host-b.yaml --format yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 {
				return learn.WithHint(errors.New("want two baselines or more"), "tripline merge bot1 bot2")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return o.run(c.Context(), a, args) },
	}
	f := c.Flags()
	f.StringArrayVar(&o.as, "as", nil, "the agent `NAME` that the result is for (default all that are merged); repeatable")
	f.StringVar(&o.format, "format", "table", "`FORMAT` of what is shown: table, json or yaml (the proposal itself)")
	f.StringVarP(&o.out, "out", "o", "", "also write the proposal to `FILE`")
	return c
}

// A merging is a union and what it is made of.
type merging struct {
	parts []learn.Part
	union *learn.Union
	as    []string
	text  []byte // the proposal
}

func (o *mergeOptions) run(_ context.Context, a *app, args []string) error {
	if !slices.Contains([]string{"table", "json", "yaml"}, o.format) {
		return fmt.Errorf("--format %q: want table, json or yaml", learn.Printable(o.format))
	}
	var m *merging
	err := a.read(func(s *store.Store) (err error) {
		m, err = o.merge(a, s, args)
		return err
	})
	if err != nil {
		return err
	}
	if o.out != "" {
		if slices.ContainsFunc(args, func(arg string) bool { return filepath.Clean(arg) == filepath.Clean(o.out) }) {
			return fmt.Errorf("--out %s is one of the baselines to merge", learn.Printable(o.out))
		}
		if err := writeFile(o.out, m.text); err != nil {
			return err
		}
	}
	return m.show(a, o)
}

func (o *mergeOptions) merge(a *app, s *store.Store, args []string) (*merging, error) {
	m := &merging{as: o.as}
	for _, arg := range args {
		parts, err := partsOf(s, arg)
		if err != nil {
			return nil, err
		}
		m.parts = append(m.parts, parts...)
	}
	if err := m.name(args); err != nil {
		return nil, err
	}
	space, digests, err := loadSpace(s)
	if err != nil {
		return nil, err
	}
	if m.union, err = learn.Merge(m.parts, space, a.config.Never); err != nil {
		return nil, err
	}
	return m, m.propose(a, s, digests)
}

// partsOf returns the baseline of an agent of the database, or those of a file.
func partsOf(s *store.Store, arg string) ([]learn.Part, error) {
	known, err := s.Agents()
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(known, func(g store.Agent) bool { return g.Name == arg }) {
		return partsIn(arg, known)
	}
	b, err := baseline(s, arg)
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, unapproved([]string{arg}, nil)
	}
	ds, err := s.Destinations(arg)
	if err != nil {
		return nil, err
	}
	if ds == nil {
		ds = []learn.Destination{}
	}
	return []learn.Part{{Name: arg, Baseline: b, Seen: ds}}, nil
}

func partsIn(path string, known []store.Agent) ([]learn.Part, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(path, "/.") {
		return nil, unknownAgent(path, known)
	}
	if err != nil {
		return nil, fmt.Errorf("read baseline: %w", err)
	}
	list, err := learn.Decode(path, text)
	if err != nil {
		return nil, learn.WithHint(err, "tripline history --yaml writes such a file")
	}
	var parts []learn.Part
	for _, b := range list {
		parts = append(parts, learn.Part{Name: path, Baseline: b})
	}
	return parts, nil
}

// name gives each part a name of its own: that of its agent, or of its file if
// they are all of one agent.
func (m *merging) name(args []string) error {
	agents := map[string]int{}
	for _, p := range m.parts {
		agents[p.Baseline.Agent]++
	}
	names := map[string]bool{}
	for i := range m.parts {
		p := &m.parts[i]
		switch agent := p.Baseline.Agent; {
		case len(agents) == len(m.parts):
			p.Name = agent
		case len(m.parts) > len(args):
			p.Name += ":" + agent
		}
		if names[p.Name] {
			return fmt.Errorf("%s is given twice", learn.Printable(p.Name))
		}
		names[p.Name] = true
	}
	if len(m.as) > 0 {
		return nil
	}
	for _, p := range m.parts {
		if !slices.Contains(m.as, p.Baseline.Agent) {
			m.as = append(m.as, p.Baseline.Agent)
		}
	}
	return nil
}

// propose writes the union as a proposal for each agent it is for, on top of the
// baseline that is approved here.
func (m *merging) propose(a *app, s *store.Store, digests map[string]string) error {
	var list []*learn.Baseline
	for _, agent := range m.as {
		b := &learn.Baseline{Agent: agent, Ranges: digests}
		for i := range m.union.Rules {
			b.Rules = append(b.Rules, m.union.Rules[i].Rule)
		}
		if _, err := agentNames(s, []string{agent}); err != nil {
			a.warn("%s is no agent of the database: the result can be approved once it is: tripline learn --agent %s=ADDRESS", learn.Printable(agent), learn.Printable(agent))
		}
		approved, err := baseline(s, agent)
		if err != nil {
			return err
		}
		if approved != nil {
			b.Parent, b.Expired = approved.Digest, withoutRules(approved.Expired, b.Rules)
		}
		list = append(list, b)
	}
	var err error
	m.text, err = learn.Encode(list)
	return err
}

// withoutRules returns what was let go and has not come back from another host.
func withoutRules(expired []learn.Expired, rules []learn.Rule) []learn.Expired {
	return slices.DeleteFunc(slices.Clone(expired), func(e learn.Expired) bool {
		return slices.ContainsFunc(rules, func(r learn.Rule) bool { return r.To.String() == e.Rule.To.String() })
	})
}
