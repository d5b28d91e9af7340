package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tripline/ipranges"
	"tripline/learn"
	"tripline/learn/source"
	"tripline/store"
)

type learnOptions struct {
	input
	run string
}

func newLearnCommand(a *app) *cobra.Command {
	var o learnOptions
	c := &cobra.Command{
		Use:   "learn --agent NAME=SELECTOR --from SOURCE FILE...",
		Short: "Record every outbound connection of agents",
		Long: `learn reads logs and records every outbound connection of the agents in the
database: what "review" proposes rules from. How far each file was read is kept
with the connections, so reading a file again adds only what is new, also after
a crash and across rotation. Files may be compressed (bzip2, gzip, zstd, xz); - is
standard input.

Exit status:
  0  recorded, or there was nothing new
  2  the log says nothing of the agents, or it was not recorded; standard error says why`,
		Example: `  tripline learn --agent bot=192.0.2.50 --from filterlog filter.log.0.bz2 filter.log
  tripline learn --agent bot=192.0.2.50 --from filterlog --follow /var/log/filter.log`,
		RunE: func(c *cobra.Command, args []string) error { return o.execute(c.Context(), a, args) },
	}
	o.flags(c, true)
	c.Flags().StringVar(&o.run, "run", "", "`NAME` of this stretch of learning (default the time it began)")
	return c
}

func (o *learnOptions) execute(ctx context.Context, a *app, args []string) error {
	if err := paths(args); err != nil {
		return err
	}
	src, err := source.Find(o.from)
	if err != nil {
		return err
	}
	if o.run == "" {
		o.run = a.now().Format(time.RFC3339)
	}
	agents, err := o.prepare(ctx, a)
	if err != nil {
		return err
	}
	if o.follow && len(args) > 1 {
		return learn.WithHint(errors.New("--follow takes one file"), "learn the older files first, without --follow")
	}
	t := newTally()
	fresh := false
	for _, path := range args {
		l := &learning{a: a, o: o, src: src, path: path, tally: t}
		began, err := l.file(ctx, agents)
		if err != nil {
			return err
		}
		fresh = fresh || began
	}
	return o.finish(a, t, agents, args, fresh)
}

// prepare finds the agents and keeps their selectors.
func (o *learnOptions) prepare(ctx context.Context, a *app) (agents *learn.Agents, err error) {
	err = a.write("learn", func(s *store.Store) error {
		known, err := storedAgents(s)
		if err != nil {
			return err
		}
		list, err := o.selected(a, known)
		if err != nil {
			return err
		}
		if agents, err = learn.NewAgents(merged(known, list)); err != nil {
			return err
		}
		if agents, err = learn.NewAgents(list); err != nil {
			return err
		}
		for _, agent := range agents.List() {
			if err := s.PutAgent(agent.Name, []byte(agent.String())); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = resolve(ctx, agents)
	}
	return agents, err
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

func (o *learnOptions) finish(a *app, t *tally, agents *learn.Agents, args []string, fresh bool) error {
	t.report(a)
	t.stamps(a, &o.input)
	if fresh {
		if err := t.errNothing(strings.Join(args, " "), agents.List()); err != nil {
			return err
		}
	}
	err := a.read(func(s *store.Store) error {
		for _, agent := range agents.List() {
			ds, err := s.Destinations(agent.Name)
			if err != nil {
				return err
			}
			a.say("%s: %s new connections; %s destinations known", agent.Name, ipranges.Thousands(t.agents[agent.Name]), ipranges.Thousands(uint64(len(ds))))
		}
		return nil
	})
	if err == nil && t.claimed() > 0 {
		a.say("Next: tripline review")
	}
	return err
}

// A learning is one file being learned.
type learning struct {
	a     *app
	o     *learnOptions
	src   source.Source
	path  string
	tally *tally
}

// file learns one file, once for each group of agents that were read equally
// far. It says whether the file was new to any of them.
func (l *learning) file(ctx context.Context, agents *learn.Agents) (fresh bool, err error) {
	for {
		groups, err := l.groups(agents)
		if err != nil {
			return fresh, err
		}
		for _, g := range groups {
			fresh = fresh || g.cursor == nil
			follow := l.o.follow && len(groups) == 1
			if err := l.read(ctx, g, follow); err != nil {
				return fresh, err
			}
		}
		if !l.o.follow || len(groups) == 1 || ctx.Err() != nil {
			return fresh, nil
		}
	}
}

// A group is agents that were read equally far in a file.
type group struct {
	agents *learn.Agents
	cursor []byte
}

func (l *learning) key(agent string) string {
	path := l.path
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return l.src.Name + "\x00" + path + "\x00" + agent
}

func (l *learning) groups(agents *learn.Agents) (groups []group, err error) {
	if l.path == "-" {
		return []group{{agents: agents}}, nil
	}
	lists := map[string][]learn.Agent{}
	err = l.a.read(func(s *store.Store) error {
		for _, agent := range agents.List() {
			cursor, err := s.Cursor(l.key(agent.Name))
			if err != nil {
				return err
			}
			lists[string(cursor)] = append(lists[string(cursor)], agent)
		}
		return nil
	})
	if err != nil || len(lists) == 1 {
		for cursor := range lists {
			groups = append(groups, group{agents, bytes.Clone([]byte(cursor))})
		}
		return nilIfEmpty(groups), err
	}
	for cursor, list := range lists {
		own, err := learn.NewAgents(list)
		if err != nil {
			return nil, err
		}
		groups = append(groups, group{own, []byte(cursor)})
	}
	slices.SortFunc(groups, func(a, b group) int { return bytes.Compare(a.cursor, b.cursor) })
	return nilIfEmpty(groups), nil
}

// nilIfEmpty makes the cursor of an unread file nil.
func nilIfEmpty(groups []group) []group {
	for i := range groups {
		if len(groups[i].cursor) == 0 {
			groups[i].cursor = nil
		}
	}
	return groups
}

// read learns one file for a group, from its cursor to the end, or on and on.
func (l *learning) read(ctx context.Context, g group, follow bool) error {
	if err := resolve(ctx, g.agents); err != nil {
		return err
	}
	opts, err := l.o.options(l.a, g.agents)
	if err != nil {
		return err
	}
	opts.Follow = follow
	s, err := source.Open(l.src, l.path, g.cursor, opts)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // it was only read
	rec := newRecorder(l.a, l.o.run)
	p := &pass{learning: l, group: g, stream: s, rec: rec, follow: follow, bad: map[string]uint64{}, progress: newProgress(l.a)}
	err = p.loop(ctx)
	if closing := rec.close(); closing != nil {
		return closing
	}
	p.progress.clear()
	losses(l.a, l.path, s.Stats())
	return err
}

// A pass is one reading of a file for one group of agents.
type pass struct {
	*learning
	group    group
	stream   *source.Stream
	rec      *recorder
	follow   bool
	bad      map[string]uint64 // unreadable records since the last commit
	progress *progress
	resolved time.Time
	dirty    bool // something was read since the last commit
}

// ages between commits: while following, what was seen is on disk within a
// second.
const (
	batchAge  = 5 * time.Second
	followAge = time.Second
)

func (p *pass) loop(ctx context.Context) error {
	var r source.Record
	age := batchAge
	if p.follow {
		age = followAge
	}
	for n := 0; ; n++ {
		if n&0xfff == 0 {
			if ctx.Err() != nil || p.rec.failed() {
				return p.stop(ctx)
			}
			p.progress.show(p.stream, p.tally.claimed())
			if p.dirty && p.rec.due(age) {
				if err := p.commit(); err != nil {
					return err
				}
			}
		}
		err := p.stream.Next(&r)
		switch {
		case err == nil:
			p.dirty = true
			if err := p.record(&r); err != nil {
				return err
			}
		case exhausted(err):
			if more, err := p.idle(ctx, age); !more {
				return err
			}
			n = -1
		default:
			if err := p.unread(err); err != nil {
				return err
			}
		}
	}
}

func (p *pass) record(r *source.Record) error {
	if !p.tally.record(r) {
		return nil
	}
	agent, err := p.group.agents.Of(&r.Flow)
	if err != nil {
		return err
	}
	r.Agent = agent
	p.tally.claim(&r.Flow)
	if agent != "" {
		p.rec.add(&r.Flow)
	}
	return nil
}

// unread counts what could not be read; any other error ends the pass, with
// what was read before it kept.
func (p *pass) unread(err error) error {
	bad, ok := recordError(err)
	if !ok {
		return errors.Join(err, p.commit())
	}
	p.dirty = true
	p.bad[string(bad.Cause)]++
	p.tally.error(p.stream.File(), bad)
	return nil
}

// idle is called at the end of what there is. It says whether to go on.
func (p *pass) idle(ctx context.Context, age time.Duration) (more bool, err error) {
	if p.dirty {
		if err := p.commit(); err != nil {
			return false, err
		}
	}
	if !p.follow {
		return false, nil
	}
	if len(p.group.agents.Hosts()) > 0 && p.a.now().Sub(p.resolved) > time.Minute {
		p.resolved = p.a.now()
		if err := resolve(ctx, p.group.agents); err != nil && ctx.Err() == nil {
			p.a.warn("%v; the addresses known before stay", err)
		}
	}
	if err := p.stream.Wait(ctx, age); err != nil && ctx.Err() == nil {
		return false, err
	}
	return true, nil
}

func (p *pass) commit() error {
	var cursors map[string][]byte
	if p.path != "-" {
		cursor, err := p.stream.Cursor()
		if err != nil {
			return err
		}
		cursors = map[string][]byte{}
		for _, agent := range p.group.agents.List() {
			cursors[p.key(agent.Name)] = cursor
		}
	}
	p.rec.commit(cursors, p.bad)
	p.bad, p.dirty = map[string]uint64{}, false
	return nil
}

// stop ends a pass that was interrupted, or whose writing failed.
func (p *pass) stop(ctx context.Context) error {
	if p.rec.failed() {
		return nil // close says why
	}
	if err := p.commit(); err != nil {
		return err
	}
	if p.follow {
		return nil
	}
	return learn.WithHint(fmt.Errorf("read %s: %w", p.path, context.Cause(ctx)), "what was read is kept; the same command goes on from there")
}
