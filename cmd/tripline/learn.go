package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tripline/learn"
	"tripline/learn/source"
	"tripline/store"
)

type learnOptions struct {
	input
	run     string
	marks   []string
	deny    bool
	sandbox sandboxOptions
}

func newLearnCommand(a *app) *cobra.Command {
	var o learnOptions
	c := &cobra.Command{
		Use:   "learn --agent NAME=SELECTOR --from SOURCE FILE... | learn --agent NAME -- CMD",
		Short: "Record every outbound connection of agents",
		Long: `learn reads logs and records every outbound connection of the agents in the
database: what "review" proposes rules from. How far each file was read is kept
with the connections, so reading a file again adds only what is new, also after
a crash and across rotation, whatever the file is called by then. A last line
without its end waits for it. Files may be compressed (bzip2, gzip, zstd, xz).

An agent that gets other selectors goes on from where it is: what was read before
is not read again for them, unless nothing of the agent was ever found. A connection
that two agents claim is recorded for neither, and said.

--mark says what happened to the agents meanwhile; "tripline forecast" names what never
did. Without FILE only the mark is kept.

"-" is standard input. It has no place that could be kept: what is piped in twice
is counted twice.

With -- CMD it runs a command in a sandbox (on Linux, no root needed) whose only way
outside is tripline, and records every connection of it and its children, with names
and processes. With --deny nothing leaves and every attempt is recorded. The command's
status is passed on; 125 says that there was no sandbox, 126 and 127 that the command
could not be run or found.

Exit status:
  0  recorded, or there was nothing new
  2  the log says nothing of the agents, or it was not recorded; standard error says why`,
		Example: `  tripline learn --agent bot=192.0.2.50 --from filterlog --follow /var/log/filter.log
  tripline learn --agent bot -- python3 agent.py`,
		RunE: func(c *cobra.Command, args []string) error {
			command, err := commandOf(c, args)
			switch {
			case err != nil:
				return a.usage(c, err)
			case command != nil:
				return sandboxFailure(o.command(c.Context(), a, command))
			case o.deny:
				return learn.WithHint(errors.New("--deny is for a command"), "tripline learn --agent NAME --deny -- CMD")
			}
			return o.execute(c.Context(), a, args)
		},
	}
	o.flags(c, true)
	o.sandbox.flags(c)
	c.Flags().BoolVar(&o.deny, "deny", false, "let nothing of CMD leave; what would have is recorded as refused")
	c.Flags().StringArrayVar(&o.marks, "mark", nil, "note that a `MARK` happened: restart, update, tool:browser or another word; without FILE just that; repeatable")
	c.Flags().StringVar(&o.run, "run", "", "`NAME` of this stretch of learning (default the time it began)")
	return c
}

func (o *learnOptions) execute(ctx context.Context, a *app, args []string) error {
	if err := checkMarks(o.marks); err != nil {
		return err
	}
	if len(args) == 0 && len(o.marks) > 0 {
		return o.markOnly(a)
	}
	src, args, err := o.connections(args)
	if err != nil {
		return err
	}
	if o.run == "" {
		o.run = a.now().Format(time.RFC3339)
	}
	agents, all, err := o.prepare(ctx, a, src)
	if err != nil {
		return err
	}
	if err := o.find(ctx, a, src, agents); err != nil {
		return err
	}
	a.locate(agents, all)
	defer a.containers.keep()
	if o.follow && len(args) > 1 {
		return learn.WithHint(errors.New("--follow takes one file"), "learn the older files first, without --follow")
	}
	if err := o.mark(a, agents); err != nil {
		return err
	}
	l := &learning{a: a, o: o, src: src, tally: newTally(), names: newNaming(agents), all: all, silent: map[string][]byte{}}
	l.tally.src = src
	fresh := true
	for _, l.path = range args {
		began, err := l.file(ctx, agents)
		if err != nil {
			return err
		}
		fresh = fresh && began
	}
	return l.finish(agents, args, fresh)
}

// prepare finds the agents and keeps their selectors, once their host names are
// known to have addresses. All are also those that are not learned now.
func (o *learnOptions) prepare(ctx context.Context, a *app, from source.Source) (agents, all *learn.Agents, err error) {
	var known []learn.Agent
	err = a.write("learn", func(s *store.Store) (err error) {
		known, err = storedAgents(s)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	list, err := o.selected(a, known)
	if err != nil {
		return nil, nil, err
	}
	if all, err = learn.NewAgents(merged(known, merged(a.config.Agents, list))); err != nil {
		return nil, nil, err
	}
	if agents, err = learn.NewAgents(list); err != nil {
		return nil, nil, err
	}
	if err := resolve(ctx, agents); err != nil {
		return nil, nil, err
	}
	if err := resolve(ctx, all); errors.Is(err, learn.ErrOverlap) {
		return nil, nil, err
	} else if err != nil {
		a.warn("%v; whether a flow is of that agent too is not known", err)
	}
	return agents, all, a.write("learn", func(s *store.Store) error { return a.keepAgents(s, known, agents, from) })
}

// keepAgents stores the selectors of the agents, and says so where they are not
// what they were.
func (a *app) keepAgents(s *store.Store, known []learn.Agent, agents *learn.Agents, from source.Source) error {
	for _, agent := range agents.List() {
		i := slices.IndexFunc(known, func(k learn.Agent) bool { return k.Name == agent.Name })
		if i >= 0 && known[i].String() != agent.String() {
			if err := a.changed(s, known[i], agent, from); err != nil {
				return err
			}
		}
		if err := s.PutAgent(agent.Name, []byte(agent.String())); err != nil {
			return err
		}
	}
	return nil
}

// changed says that an agent has other selectors now. What was read is not read
// again for them, as it would count twice what the others found; only where they
// never found anything, as a mistyped address does, there is nothing to double.
func (a *app) changed(s *store.Store, was, is learn.Agent, from source.Source) error {
	a.say("agent %s from now on; it was %s", is, was)
	ds, err := s.Destinations(is.Name)
	if err != nil {
		return err
	}
	if len(ds) == 0 {
		return forgetAgent(s, from, is.Name)
	}
	var added []string
	for _, sel := range is.Selectors {
		if !slices.Contains(was.Selectors, sel) {
			added = append(added, sel.String())
		}
	}
	if len(added) > 0 {
		a.warn("%s: what was read before is not read again for %s. A new agent name, or another --db, reads it",
			is.Name, strings.Join(added, ", "))
	}
	return nil
}

// merged returns known agents with list in place of those of the same name.
func merged(known, list []learn.Agent) []learn.Agent {
	out := slices.Clone(list)
	for _, k := range known {
		if !slices.ContainsFunc(list, func(l learn.Agent) bool { return l.Name == k.Name }) {
			out = append(out, k)
		}
	}
	return out
}

// finish says what was learned. Fresh is whether no file was known before.
func (l *learning) finish(agents *learn.Agents, args []string, fresh bool) error {
	l.tally.report(l.a)
	l.names.report(l.a, names(agents), l.src.Sees)
	l.tally.stamps(l.a, &l.o.input)
	if fresh {
		if err := l.tally.errNothing(strings.Join(args, " "), agents.List()); err != nil {
			return err
		}
	}
	if err := l.keep(); err != nil {
		return err
	}
	err := l.a.read(func(s *store.Store) error { return l.counts(s, agents) })
	if err == nil && l.tally.claimed() > 0 {
		l.a.say("Next: tripline review")
	}
	return err
}

// keep commits how far silent files were read.
func (l *learning) keep() error {
	if len(l.silent) == 0 {
		return nil
	}
	return l.a.write("learn", func(s *store.Store) error {
		return s.Commit(store.Batch{Run: l.o.run, At: l.a.now(), Cursors: l.silent})
	})
}

func (l *learning) counts(s *store.Store, agents *learn.Agents) error {
	for _, agent := range agents.List() {
		ds, err := s.Destinations(agent.Name)
		if err != nil {
			return err
		}
		l.a.say("%s: %s; %s known", agent.Name, count(l.tally.agents[agent.Name], "new connection", "new connections"),
			count(uint64(len(ds)), "destination", "destinations"))
	}
	return nil
}

// names returns what agents are called, in order.
func names(agents *learn.Agents) (list []string) {
	for _, agent := range agents.List() {
		list = append(list, agent.Name)
	}
	return list
}
