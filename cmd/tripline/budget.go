package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tripline/enforce"
	"tripline/learn"
	"tripline/store"
)

type budgetOptions struct {
	agents []string
	format string
}

func newBudgetCommand(a *app) *cobra.Command {
	var o budgetOptions
	c := &cobra.Command{
		Use:     "budget",
		Aliases: []string{"budgets"},
		Short:   "Show how much each agent may send where, and how sure it is",
		Long: `budget shows, for each agent and destination, in how many hours it was used before
the baseline was approved, the most that was sent in one, what may be sent in an hour,
and how often that is wrong while nothing changes: "1 in 31" is one false alarm in 31
hours of use. Then how many connections an hour may have, and which leak, beside what
is usual, would be found within 14 days. A destination is an approved rule or, outside
of them, the owner. "enforce --budgets", or a section "budgets:" in the configuration,
holds agents to it; today is what enforce counted since midnight UTC.

Where nothing that was learned has bytes there are no budgets of bytes, only of
connections.

Exit status:
  0  printed
  2  it could not be told; standard error says why`,
		Example: `  tripline budget
  tripline budget --agent bot --format json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return o.run(a) },
	}
	c.Flags().StringArrayVar(&o.agents, "agent", nil, "only the agent `NAME`; repeatable")
	c.Flags().StringVar(&o.format, "format", "table", "`FORMAT` of what is shown: table or json")
	return c
}

func (o *budgetOptions) run(a *app) error {
	if o.format != "table" && o.format != "json" {
		return fmt.Errorf("--format %q: want table or json", learn.Printable(o.format))
	}
	var rows []budgetRow
	how := a.budgeting()
	err := a.read(func(s *store.Store) error {
		p, err := a.policy(s, o.agents)
		if err != nil {
			return err
		}
		budgets, err := train(s, p, how)
		if err != nil {
			return err
		}
		a.warnSizeless(budgets)
		rows, err = a.budgetRows(s, p, budgets, how)
		return err
	})
	if err != nil {
		return err
	}
	if o.format == "json" {
		return jsonLines(a, rows)
	}
	return a.printBudgets(rows)
}

// budgeting is what the configuration says, or what holds without.
func (a *app) budgeting() learn.Budgeting {
	if a.config.Budgets != nil {
		return *a.config.Budgets
	}
	return learn.DefaultBudgeting()
}

// train learns budgets from the flows of agents up to when their baselines were
// approved.
func train(s *store.Store, p *enforce.Policy, how learn.Budgeting) ([]learn.Budget, error) {
	until := map[string]time.Time{}
	only := ""
	for _, agent := range p.Agents {
		b, err := baseline(s, agent.Name)
		if err != nil {
			return nil, err
		}
		if b != nil && b.Approved != nil {
			until[agent.Name] = b.Approved.At
		}
		only = agent.Name
	}
	if len(until) != 1 {
		only = ""
	}
	var usages learn.Usages
	err := s.Replay(only, func(f *learn.Flow, _ string) {
		if end, ok := until[f.Agent]; ok && !f.Time.After(end) {
			usages.Add(f, p.Place(f))
		}
	})
	return how.Budgets(usages.List()), err
}

// warnSizeless says where there can be no budgets of bytes.
func (a *app) warnSizeless(budgets []learn.Budget) {
	var names []string
	for i := range budgets {
		if b := &budgets[i]; b.To == learn.Everywhere && b.Sized == 0 {
			names = append(names, b.Agent)
		}
	}
	if len(names) > 0 {
		a.warn("budgets of bytes are OFF for %s: nothing that was learned has bytes (filterlog and netfilter have none). "+
			"Volume, direction and slow leaks are not looked at; learn from a source that \"tripline sources\" says has bytes", strings.Join(names, ", "))
	}
}
