package main

import (
	"context"
	"errors"
	"time"

	"tripline/learn"
	"tripline/learn/sandbox"
	"tripline/store"
)

// command learns from a command that is run in a sandbox.
func (o *learnOptions) command(ctx context.Context, a *app, command []string) error {
	if err := checkMarks(o.marks); err != nil {
		return err
	}
	if o.run == "" {
		o.run = a.now().Format(time.RFC3339)
	}
	agent, err := o.soleAgent(a)
	if err != nil {
		return err
	}
	agents, err := learn.NewAgents([]learn.Agent{agent})
	if err != nil {
		return err
	}
	if err := o.mark(a, agents); err != nil {
		return err
	}
	opts, err := o.sandbox.options(a, agent.Name, command)
	if err != nil {
		return err
	}
	opts.Offline = o.deny
	opts.Decide = func(*learn.Flow) sandbox.Decision {
		if o.deny {
			return sandbox.Refuse
		}
		return sandbox.Admit
	}
	l := &learning{a: a, o: o, tally: newTally(), names: newNaming(agents), all: agents}
	return l.sandboxed(ctx, agents, opts)
}

// soleAgent returns the agent that the command is, which is kept if it is new.
func (o *learnOptions) soleAgent(a *app) (agent learn.Agent, err error) {
	err = a.write("learn", func(s *store.Store) error {
		known, err := storedAgents(s)
		if err != nil {
			return err
		}
		if agent, err = o.sole(merged(a.config.Agents, known)); err != nil {
			return err
		}
		return s.PutAgent(agent.Name, []byte(agent.String()))
	})
	return agent, err
}

// sandboxed runs the command, records what it says, and says what that was.
func (l *learning) sandboxed(ctx context.Context, agents *learn.Agents, opts sandbox.Options) error {
	rec := newRecording(l.a, l.o.run)
	take := func(t *sandbox.Told) error {
		if !t.Open {
			l.tally.counted++
			l.tally.claim(&t.Flow)
			l.names.name(&t.Flow, false)
		}
		rec.note(t)
		return nil
	}
	result, err := inSandbox(ctx, opts, agents.List()[0].Name, take, rec.step)
	if err := errors.Join(err, rec.end()); err != nil {
		return err
	}
	l.a.tellSandbox(result)
	l.names.report(l.a, names(agents), seenBy(result))
	if result.Refused > 0 {
		l.a.say("%s refused", count(result.Refused, "connection", "connections"))
	}
	err = l.a.read(func(s *store.Store) error { return l.counts(s, agents) })
	if err == nil && l.tally.claimed() > 0 {
		next := "tripline review"
		if l.o.deny {
			next += " --refused"
		}
		l.a.say("Next: %s", next)
	}
	if err == nil && result.Status != 0 {
		return exitStatus(result.Status)
	}
	return err
}
