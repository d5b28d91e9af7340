package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"tripline/enforce"
	"tripline/ipranges"
	"tripline/learn"
	"tripline/learn/source"
	"tripline/store"
)

// A watching is one run of enforce.
type watching struct {
	a       *app
	o       *enforceOptions
	src     source.Source
	agents  *learn.Agents
	names   []string
	watch   *enforce.Watch
	state   string // what the policy was compiled from
	out     *bufio.Writer
	prints  io.Writer // where alerts are printed: standard output, or standard error where that is a command's
	write   func(io.Writer, *enforce.Alert) error
	tally   *tally
	naming  *naming
	vigil   *vigil // while following
	ageing  *ageing
	quiet   *enforce.Quiet
	hushed  hushed
	told    uint64 // events
	unasked uint64 // names that a command was given no address of, as nothing admits them
	parts   []part
	stream  source.Stream // that is read

	path      string // of what is followed
	senses    *senses
	opened    source.Options // how the source is read
	reloading *reloading
	notifying *notifying
	sight     sight

	metrics metrics // nothing, unless somebody scrapes it
	health  health
	outbox  *outbox // nil where no alerts are sent

	upkeep  *upkeep   // of the alias files; nil if there are none
	refused []refusal // tables that were not put in place, and not yet told

	lookups lookups

	exposed atomic.Bool // a command may write the database itself
	ignored bool        // what is approved meanwhile: it was said
}

// find gets the agents' selectors.
func (w *watching) find(s *store.Store) error {
	known, err := storedAgents(s)
	if err != nil {
		return err
	}
	list, err := w.o.selected(w.a, known)
	if err != nil {
		return err
	}
	if w.agents, err = learn.NewAgents(list); err != nil {
		return err
	}
	w.names, w.naming = names(w.agents), newNaming(w.agents)
	return nil
}

func (w *watching) open(path string, cursor []byte) (source.Stream, error) {
	opts, err := w.o.options(w.a, w.agents)
	if err != nil {
		return nil, err
	}
	opts.Whole, w.opened = !w.o.follow, opts.Options
	return source.Open(w.src, path, cursor, opts)
}

// file checks one file from its beginning.
func (w *watching) file(ctx context.Context, path string) error {
	s, err := w.open(path, nil)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // it was only read
	w.stream = s
	records, readable := w.tally.records, w.tally.readable()
	bar := newProgress(w.a)
	defer bar.clear()
	var r source.Record
	for n := 0; ; n++ {
		if n&0xfff == 0 {
			bar.show(s, w.tally.claimed())
			if ctx.Err() != nil {
				return fmt.Errorf("read %s: %w", path, context.Cause(ctx))
			}
		}
		err := s.Next(&r)
		if exhausted(err) {
			w.tally.deafTo(path, records, readable)
			w.tally.losses(w.a, path, s.Stats())
			w.a.sightings(s)
			return nil
		}
		if err := w.take(s, &r, err); err != nil {
			return err
		}
	}
}

// take checks what Next returned: a record, or why there is none. What is new is
// told at once.
func (w *watching) take(s source.Stream, r *source.Record, err error) error {
	if bad, ok := recordError(err); ok {
		w.tally.error(s.File(), bad)
		return nil
	}
	if err == nil {
		w.naming.note(r.Answer)
		w.heard(r.Answer)
	}
	if err != nil || !w.tally.record(r) {
		return err
	}
	both := w.tally.both
	if r.Agent = w.tally.owner(w.a, w.agents, &r.Flow); w.tally.both > both {
		return nil
	}
	w.tally.claim(&r.Flow)
	if r.Agent == "" {
		return nil
	}
	w.naming.name(&r.Flow, r.Hidden)
	w.ageing.note(&r.Flow)
	v, event := w.watch.Observe(&r.Flow)
	if err := w.tell(event); err != nil {
		return err
	}
	return w.partsOf(&r.Flow, v)
}

// finish says what was found, and what could not be told.
func (w *watching) finish(args []string) error {
	if err := w.out.Flush(); err != nil {
		return fmt.Errorf("write alerts: %w", err)
	}
	w.note()
	w.tally.report(w.a)
	w.naming.report(w.a, w.names, w.src.Sees)
	w.tally.stamps(w.a, &w.o.input)
	unexpected := w.unexpected()
	if !unexpected || !w.o.follow {
		if err := w.tally.errNothing(strings.Join(args, " "), w.agents.List()); err != nil {
			return err
		}
	}
	w.a.say("%s of %s: %s allowed, %s drift, %s unexpected, %s forbidden; %s",
		count(w.tally.claimed(), "flow", "flows"), strings.Join(w.names, ", "),
		ipranges.Thousands(w.watch.Flows(enforce.Allowed)), ipranges.Thousands(w.watch.Flows(enforce.Drift)),
		ipranges.Thousands(w.watch.Flows(enforce.Unexpected)), ipranges.Thousands(w.watch.Flows(enforce.Forbidden)), w.findings())
	if unexpected {
		w.tellStale()
		return errFound
	}
	if err := w.tally.errUntold(strings.Join(args, " ")); err != nil {
		return err
	}
	return w.errBlind()
}
