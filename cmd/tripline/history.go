package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"tripline/learn"
	"tripline/store"
)

func newHistoryCommand(a *app) *cobra.Command {
	var agents []string
	var text bool
	c := &cobra.Command{
		Use:   "history",
		Short: "Show the approved baselines, who approved them and why",
		Long: `history prints the chain of baselines of each agent, newest first, after it was
verified: a baseline that is not what was approved is an error.

Exit status:
  0  printed
  2  the chain is broken, or it could not be read; standard error says why`,
		Example: `  tripline history
  tripline history --agent bot --yaml`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.read(func(s *store.Store) error { return a.history(s, agents, text) })
		},
	}
	c.Flags().StringArrayVar(&agents, "agent", nil, "only the agent `NAME`; repeatable")
	c.Flags().BoolVar(&text, "yaml", false, "print the newest baseline as it was approved")
	return c
}

func (a *app) history(s *store.Store, only []string, text bool) error {
	names, err := agentNames(s, only)
	if err != nil {
		return err
	}
	g := &grid{header: []string{"agent", "baseline", "approved", "by", "rules", "reason"}, right: map[int]bool{4: true}}
	for _, name := range names {
		all, err := s.History(name)
		if err != nil {
			return err
		}
		if text && len(all) > 0 {
			if _, err := a.stdout.Write(all[0].Doc); err != nil {
				return fmt.Errorf("write: %w", err)
			}
			continue
		}
		for _, entry := range all {
			list, err := learn.Decode("baseline "+entry.Digest[:12], entry.Doc)
			if err != nil {
				return err
			}
			by := learn.Approval{}
			if list[0].Approved != nil {
				by = *list[0].Approved
			}
			g.rows = append(g.rows, []string{name, entry.Digest[:12], by.At.UTC().Format("2006-01-02 15:04 MST"), by.By, strconv.Itoa(len(list[0].Rules)), by.Reason})
		}
	}
	if text {
		return nil
	}
	if len(g.rows) == 0 {
		a.say("nothing was approved yet; tripline review shows what to approve")
		return nil
	}
	return g.write(a.stdout)
}
