package main

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"tripline/learn"
	"tripline/store"
)

type historyOptions struct {
	agents []string
	text   bool
	rules  bool
	format string
}

func newHistoryCommand(a *app) *cobra.Command {
	var o historyOptions
	c := &cobra.Command{
		Use:   "history",
		Short: "Show the approved baselines, who approved them and why",
		Long: `history prints the chain of baselines of each agent, newest first, after it was
verified: a baseline that is not what was approved is an error. --rules prints the
rules of the newest one: where each comes from, who first approved it and when, when
that last changed, and when it last admitted a flow that was learned or checked.

Exit status:
  0  printed
  2  the chain is broken, or it could not be read; standard error says why`,
		Example: `  tripline history
  tripline history --agent bot --rules`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.read(func(s *store.Store) error { return o.run(a, s) })
		},
	}
	f := c.Flags()
	f.StringArrayVar(&o.agents, "agent", nil, "only the agent `NAME`; repeatable")
	f.BoolVar(&o.text, "yaml", false, "print the newest baseline as it was approved")
	f.BoolVar(&o.rules, "rules", false, "print the rules of the newest baseline and where each comes from")
	f.StringVar(&o.format, "format", "table", "`FORMAT` of what is printed: table or json (one object a line)")
	return c
}

func (o *historyOptions) run(a *app, s *store.Store) error {
	if o.format != "table" && o.format != "json" {
		return fmt.Errorf("--format %q: want table or json", learn.Printable(o.format))
	}
	names, err := agentNames(s, o.agents)
	if err != nil {
		return err
	}
	if o.text {
		return newest(a, s, names)
	}
	g, lines, err := o.lines(s, names)
	switch {
	case err != nil:
		return err
	case len(lines) == 0:
		a.say("nothing was approved yet; tripline review shows what to approve")
		return nil
	case o.format == "json":
		return jsonLines(a, lines)
	}
	g.dropEmpty("changed")
	return g.write(a.stdout)
}

// newest prints the baselines as they were approved.
func newest(a *app, s *store.Store, names []string) error {
	for _, name := range names {
		all, err := s.History(name)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			continue
		}
		if _, err := a.stdout.Write(all[0].Doc); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	return nil
}

// lines returns what is printed, as a table and as JSON.
func (o *historyOptions) lines(s *store.Store, names []string) (*grid, []any, error) {
	g := &grid{header: []string{"agent", "baseline", "approved", "by", "rules", "reason"}, right: map[int]bool{4: true}}
	if o.rules {
		g = &grid{header: []string{"agent", "destination", "ports", "from", "approved", "by", "in", "changed", "last hit"}}
	}
	var lines []any
	for _, name := range names {
		chain, err := chainOf(s, name)
		if err != nil {
			return nil, nil, err
		}
		if !o.rules {
			for _, b := range slices.Backward(chain) {
				e := newEntry(b)
				g.rows = append(g.rows, e.cells())
				lines = append(lines, e)
			}
			continue
		}
		rules, err := livesOf(s, chain)
		if err != nil {
			return nil, nil, err
		}
		for i := range rules {
			g.rows = append(g.rows, rules[i].cells())
			lines = append(lines, rules[i])
		}
	}
	return g, lines, nil
}

// An entry is one baseline of the chain.
type entry struct {
	Agent    string     `json:"agent"`
	Baseline string     `json:"baseline"`
	Parent   string     `json:"parent,omitempty"`
	Approved *time.Time `json:"approved,omitempty"`
	By       string     `json:"by,omitempty"`
	Reason   string     `json:"reason,omitempty"`
	Rules    int        `json:"rules"`
}

func newEntry(b *learn.Baseline) entry {
	e := entry{Agent: b.Agent, Baseline: b.Digest, Parent: b.Parent, Rules: len(b.Rules)}
	if b.Approved != nil {
		e.Approved, e.By, e.Reason = &b.Approved.At, b.Approved.By, b.Approved.Reason
	}
	return e
}

func (e *entry) cells() []string {
	at := time.Time{}
	if e.Approved != nil {
		at = *e.Approved
	}
	return []string{e.Agent, e.Baseline[:12], at.UTC().Format("2006-01-02 15:04 MST"), e.By, strconv.Itoa(e.Rules), e.Reason}
}

// chainOf returns the baselines of an agent, the oldest first, after they were
// verified.
func chainOf(s *store.Store, agent string) ([]*learn.Baseline, error) {
	all, err := s.History(agent)
	if err != nil {
		return nil, err
	}
	chain := make([]*learn.Baseline, len(all))
	for i, kept := range all {
		list, err := learn.Decode("baseline "+kept.Digest[:12], kept.Doc)
		if err != nil {
			return nil, err
		}
		list[0].Digest = kept.Digest
		chain[len(all)-1-i] = list[0]
	}
	return chain, nil
}
