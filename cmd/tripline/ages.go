package main

import (
	"context"
	"fmt"
	"time"

	"tripline/enforce"
	"tripline/ipranges/feed"
	"tripline/learn"
	"tripline/store"
)

// Ages are of what a watching rests on: published ranges, and baselines with what was
// foretold of them. They are read beside the watching, once in a while and when the
// policy has changed.
type ages struct {
	w    *watching
	done chan aged
	busy bool
	last time.Time
	of   string // what the policy was compiled from then
}

// An aged is what was read.
type aged struct {
	pulled  time.Time // when ranges were fetched last, zero if never
	rules   map[string]int
	novelty map[string]float64
	err     error
}

const agesEvery = 10 * time.Minute

func newAges(w *watching) (part, error) {
	if !w.o.follow {
		return nil, nil //nolint:nilnil // it ends by itself
	}
	return &ages{w: w, done: make(chan aged, 1)}, nil
}

func (g *ages) flow(*learn.Flow, enforce.Verdict) error { return nil }

func (g *ages) tick(_ context.Context, now time.Time) error {
	select {
	case a := <-g.done:
		g.busy = false
		return g.tell(a, now)
	default:
	}
	if g.busy || now.Sub(g.last) < agesEvery && g.of == g.w.state {
		return nil
	}
	g.busy, g.last, g.of = true, now, g.w.state
	a, names := g.w.a, g.w.names
	go func() { g.done <- a.ages(names) }()
	return nil
}

// ages reads how old everything is.
func (a *app) ages(names []string) (g aged) {
	g.rules, g.novelty = map[string]int{}, map[string]float64{}
	g.err = a.read(func(s *store.Store) error {
		have, err := heads(s)
		if err != nil {
			return err
		}
		for _, f := range feed.All {
			if n, ok := have[f.Name]; ok && !f.Fixed && n.Fetched.After(g.pulled) {
				g.pulled = n.Fetched
			}
		}
		for _, name := range names {
			if err := g.agent(s, name); err != nil {
				return err
			}
		}
		return nil
	})
	return g
}

// agent reads how much a baseline admits, and what was foretold of it.
func (g *aged) agent(s *store.Store, name string) error {
	b, err := baseline(s, name)
	if err != nil || b == nil {
		return err
	}
	g.rules[name] = len(b.Rules)
	all, err := kept(s, name)
	if err != nil {
		return err
	}
	if k := foretold(b, all); k != nil && k.rules() != nil {
		g.novelty[name] = *k.rules().AtMost
	}
	return nil
}

func (g *ages) tell(a aged, now time.Time) error {
	if a.err != nil {
		return nil // the keeper tells of the database
	}
	m := &g.w.metrics
	for name, n := range a.rules {
		m.rules.set(float64(n), name)
	}
	for name, v := range a.novelty {
		m.novelty.set(v, name)
	}
	if a.pulled.IsZero() {
		return nil // nobody wanted any
	}
	m.ranges.set(float64(a.pulled.Unix()))
	if now.Sub(a.pulled) <= rangesOld {
		return g.w.sees(enforce.RangesStale, "", "ranges", "published ranges are fresh again")
	}
	_, err := g.w.blind(blindness{
		kind: enforce.RangesStale, severity: enforce.Low, subject: "ranges", check: "ranges",
		why: fmt.Sprintf("published ranges were fetched %s ago: what providers added since is told as drift or unexpected", lapse(now.Sub(a.pulled))),
		do:  "tripline ranges pull, best once a day",
	}, now)
	return err
}

func (g *ages) close() error { return nil }
