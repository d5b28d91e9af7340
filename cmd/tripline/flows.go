package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tripline/learn"
	"tripline/learn/source"
)

type flowsOptions struct {
	input
	all    bool
	format string
}

func newFlowsCommand(a *app) *cobra.Command {
	var o flowsOptions
	c := &cobra.Command{
		Use:   "flows [--from SOURCE FILE...]",
		Short: "Show what tripline understood of a log, or recorded",
		Long: `flows reads logs and prints the outbound connections it found, without keeping
anything. With --all it prints every record in order, counted or not, and why;
what could not be read is "null" in JSON and "unreadable" in the table.

Without --from and FILE it prints what is recorded in the database: what "learn" learned
from, and what a command said that "enforce -- CMD" held to its baseline. A connection
of which the end is not known goes on, or tripline was killed before.

Exit status:
  0  every record of the firewall could be read
  1  some could not be read
  2  nothing could be read; standard error says why`,
		Example: `  tripline flows --from filterlog filter.log
  tripline flows --agent bot --format json`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 && !c.Flags().Changed("from") {
				return o.recorded(a)
			}
			return o.run(c.Context(), a, args)
		},
	}
	o.flags(c, false)
	c.Flags().BoolVar(&o.all, "all", false, "every record, counted or not, and why")
	c.Flags().StringVar(&o.format, "format", "table", "`FORMAT` of output: table, json (one object a line) or count (connections by destination)")
	return c
}

func (o *flowsOptions) run(ctx context.Context, a *app, args []string) error {
	src, args, err := o.sources(args)
	if err != nil {
		return err
	}
	agents, err := o.onlyGiven(a)
	if err != nil {
		return err
	}
	if agents != nil {
		if err := o.find(ctx, a, src, agents); err != nil {
			return err
		}
		a.locate(agents)
	}
	opts, err := o.options(a, agents)
	if err != nil {
		return err
	}
	opts.Whole = true
	out := bufio.NewWriterSize(a.stdout, 1<<16)
	show, finish, err := o.printer(out)
	if err != nil {
		return err
	}
	t, names := newTally(), newNaming(agents)
	t.src = src
	var broken error
	for i := 0; i < len(args) && broken == nil; i++ {
		broken = o.read(a, src, args[i], opts, agents, t, names, show)
	}
	finish()
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if broken != nil {
		return cutShort(broken, "copy the file again, whole; what was read before that is shown")
	}
	names.report(a, shown(agents), src.Sees)
	return o.close(a, t, args)
}

// onlyGiven returns the agents of the flags, nil if there are none: then all
// flows are shown.
func (o *flowsOptions) onlyGiven(a *app) (*learn.Agents, error) {
	if len(o.agents) == 0 {
		return nil, nil
	}
	list, err := o.selected(a, nil)
	if err != nil {
		return nil, err
	}
	return learn.NewAgents(list)
}

func (o *flowsOptions) read(a *app, src source.Source, path string, opts source.StreamOptions, agents *learn.Agents, t *tally, names *naming, show shower) error {
	s, err := source.Open(src, path, nil, opts)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // it was only read
	var r source.Record
	for {
		err := s.Next(&r)
		if exhausted(err) {
			t.losses(a, path, s.Stats())
			a.sightings(s)
			return nil
		}
		if bad, ok := recordError(err); ok {
			t.error(s.File(), bad)
			show(s.File(), nil, bad)
			continue
		}
		if err != nil {
			return err
		}
		names.note(r.Answer)
		if agents != nil {
			if r.Agent, err = agents.Of(&r.Flow); err != nil {
				return err
			}
			if r.Agent == "" && r.Counted {
				r.Counted, r.Why = false, "of no agent that was asked for"
			}
		}
		if t.record(&r) {
			names.name(&r.Flow, r.Hidden)
		}
		show(s.File(), &r, nil)
	}
}

func (o *flowsOptions) close(a *app, t *tally, args []string) error {
	t.report(a)
	t.evidence(a)
	if !o.all {
		t.whys(a)
	}
	t.stamps(a, &o.input)
	switch {
	case t.readable() == 0:
		return t.errUnread(strings.Join(args, " "))
	case t.unread() > 0:
		return errFound
	}
	return nil
}

// shown are the agents whose flows are shown; without any all flows are one.
func shown(agents *learn.Agents) []string {
	if agents == nil {
		return []string{""}
	}
	return names(agents)
}
