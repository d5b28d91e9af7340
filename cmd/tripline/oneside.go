package main

import (
	"context"
	"time"

	"tripline/enforce"
	"tripline/ipranges"
	"tripline/learn"
	"tripline/learn/source"
)

// lonely streams know what only some of several sources saw.
type lonely interface {
	Lone() (list []source.Lone, over uint64)
}

// A oneSided is the part of enforce that finds connections which one source saw
// and another one, that could have, did not.
type oneSided struct {
	w     *watching
	found enforce.OneSided
	over  uint64 // connections that were not looked at for want of room
}

// newOneSided makes the part where there are several sources of connections.
func newOneSided(w *watching) (part, error) {
	n := 0
	for _, in := range w.src.Parts {
		if !in.Source.Sees.Evidence {
			n++
		}
	}
	if n < 2 {
		return nil, nil //nolint:nilnil // there is no such part
	}
	return &oneSided{w: w}, nil
}

// flow implements [part].
func (o *oneSided) flow(*learn.Flow, enforce.Verdict) error { return nil }

// tick implements [part].
func (o *oneSided) tick(context.Context, time.Time) error {
	s, ok := o.w.stream.(lonely)
	if !ok {
		return nil
	}
	list, over := s.Lone()
	o.over = max(o.over, over)
	for i := range list {
		if err := o.judge(&list[i]); err != nil {
			return err
		}
	}
	return nil
}

func (o *oneSided) judge(l *source.Lone) error {
	agent, err := o.w.agents.Of(&l.Flow)
	if err != nil || agent == "" {
		return nil //nolint:nilerr // what two agents claim was said already
	}
	l.Flow.Agent = agent
	al := o.found.Observe(&l.Flow, &enforce.Side{
		Source: l.Missing, By: l.By, Host: l.Host, Alike: l.Alike, Service: l.Service, From: l.From, To: l.To,
		Passed: l.Sees.Passed, Lossy: l.Lossy, Follow: l.Follow, Lasting: l.Lasting,
	})
	if al == nil {
		return nil
	}
	return o.w.raise(al)
}

// close implements [part]. It says what could not be judged: no finding is to
// mean that there was nothing to find.
func (o *oneSided) close() error {
	for _, why := range byCount(o.found.Aside, func(n uint64) uint64 { return n }) {
		o.w.a.say("%s that one source saw alone and that prove nothing: %s", count(o.found.Aside[why], "connection", "connections"), why)
	}
	if o.over > 0 {
		o.w.a.warn("%s connections were not compared between the sources: there were too many at once", ipranges.Thousands(o.over))
	}
	return nil
}
