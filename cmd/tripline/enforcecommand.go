package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"
	"syscall"

	"tripline/enforce"
	"tripline/ipranges"
	"tripline/learn"
	"tripline/learn/sandbox"
	"tripline/learn/source"
	"tripline/store"
)

// sandboxSource is what flows of a command come from: everything it says.
var sandboxSource = source.Source{Name: "sandbox", Sees: source.Sees{Bytes: true, Process: true, Late: true}}

// command runs a command that only reaches what the baseline of its agent admits.
// Alerts go to standard error: standard output is the command's.
func (o *enforceOptions) command(ctx context.Context, a *app, command []string) error {
	if o.format == "" {
		o.format = "text"
	}
	o.follow, o.runs = true, true // what is found is told at once
	w, err := o.prepare(ctx, a)
	if err != nil {
		return err
	}
	if len(w.names) != 1 {
		return learn.WithHint(errors.New("which agent the command is, is not known"), "--agent NAME, one of %s", strings.Join(w.names, ", "))
	}
	agent := w.names[0]
	// What runs in the sandbox is the agent, by whatever else it is found.
	alone, err := learn.ParseAgent(agent + "=if:" + labelOf(agent))
	if err != nil {
		return err
	}
	if w.agents, err = learn.NewAgents([]learn.Agent{alone}); err != nil {
		return err
	}
	w.naming, w.prints, w.out = newNaming(w.agents), a.stderr, bufio.NewWriter(a.stderr)
	w.src, w.tally.src, w.path = sandboxSource, sandboxSource, command[0]
	opts, err := o.sandbox.options(a, agent, command)
	if err != nil {
		return err
	}
	opts.Confine, opts.Private = o.confined(a), append(opts.Private, cmp.Or(o.queue, queueOf(a)))
	if err := a.writable(); err != nil {
		return err
	}
	if err := w.begin(ctx); err != nil {
		return errors.Join(err, w.closeParts())
	}
	return errors.Join(w.sandboxed(ctx, opts), w.closeParts())
}

// writable refuses a database that this user may not write, before anything is run:
// what is said could not be recorded. One that is in use now may be free later.
func (a *app) writable() error {
	err := a.write("enforce", func(*store.Store) error { return nil })
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return err
	}
	return nil
}

// findingsOf is where the findings of an agent's commands are kept: those of one are
// known to the next.
func findingsOf(agent string) string { return "enforce\x00" + sandboxSource.Name + "\x00" + agent }

// resumeSandbox takes up what earlier commands of the agent were found to do. What
// could not be seen of those is over with them.
func (w *watching) resumeSandbox(key string) error {
	_, err := w.resume(key)
	w.watch.Ledger().Resolve(isBlind)
	return err
}

func (w *watching) sandboxed(ctx context.Context, opts sandbox.Options) error {
	agent := w.names[0]
	var policy atomic.Pointer[enforce.Policy]
	policy.Store(w.watch.Policy())
	opts.Decide = func(f *learn.Flow) sandbox.Decision {
		g := *f
		g.Agent = agent
		if policy.Load().Check(&g) == enforce.Allowed {
			return sandbox.Admit
		}
		return sandbox.Refuse
	}
	opts.Resolve = func(name string) bool { return policy.Load().MayName(agent, name) }
	opts.Asked = func(name string) bool { return !policy.Load().Names(agent, name) }
	var sizeless atomic.Bool
	opts.Begun = func(link string, private bool) {
		sizeless.Store(link == "")
		w.exposed.Store(!private)
	}
	k := newKeeper(w, findingsOf(agent))
	if err := w.resumeSandbox(k.key); err != nil {
		return err
	}
	kept := newChecking(w.a)
	w.parts = append(w.parts, kept)
	take := func(t *sandbox.Told) error {
		if kept.note(t); t.Open {
			return nil
		}
		if t.Action == learn.Refused && t.Rule == learn.OnlyAsked {
			w.unasked++
		}
		k.dirty = true
		return w.take(nil, &source.Record{Flow: t.Flow, Counted: true}, nil)
	}
	pause := func() error {
		now := w.a.now()
		w.health.turn(now)
		w.stale(now)
		w.sizeless(sizeless.Load())
		err := errors.Join(w.tick(ctx, now), w.tellAll(w.watch.Watched(followAge)), k.settle(), k.step(ctx, nil))
		policy.Store(w.watch.Policy())
		return err
	}
	result, err := inSandbox(ctx, opts, agent, take, pause)
	ran := err == nil
	w.sizeless(sizeless.Load())
	err = errors.Join(err, w.tick(ctx, w.a.now()), k.end(nil))
	if flushed := w.out.Flush(); err == nil && flushed != nil {
		err = fmt.Errorf("write alerts: %w", flushed)
	}
	var ended error
	if ran { // it is said also where not all could be kept
		ended = w.finishSandbox(result)
	}
	return cmp.Or(err, ended)
}

// held says what did not leave: in the record, both are blocked.
func (w *watching) held(refused uint64) string {
	text := ipranges.Thousands(refused) + " refused"
	if w.unasked > 0 {
		text += ", " + count(w.unasked, "name", "names") + " not looked up"
	}
	return text
}

// finishSandbox says what was found. The status is the command's, unless that says
// that all is well and it is not.
func (w *watching) finishSandbox(r sandbox.Result) error {
	w.a.tellSandbox(r)
	w.src.Sees = seenBy(r)
	w.naming.report(w.a, w.names, w.src.Sees)
	w.a.say("%s of %s: %s allowed, %s drift, %s unexpected, %s forbidden; %s; %s",
		count(w.tally.claimed(), "flow", "flows"), w.names[0],
		ipranges.Thousands(w.watch.Flows(enforce.Allowed)), ipranges.Thousands(w.watch.Flows(enforce.Drift)),
		ipranges.Thousands(w.watch.Flows(enforce.Unexpected)), ipranges.Thousands(w.watch.Flows(enforce.Forbidden)),
		w.held(r.Refused), w.findings())
	unexpected := w.unexpected()
	if unexpected {
		w.tellStale()
	}
	switch {
	case r.Status != 0:
		return exitStatus(r.Status)
	case unexpected:
		return errFound
	}
	return nil
}
