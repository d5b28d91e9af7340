package main

import (
	"context"
	"slices"
	"time"

	"tripline/enforce"
	"tripline/ipranges"
	"tripline/learn"
	"tripline/learn/sandbox"
	"tripline/store"
)

// A checking keeps what a command said that was held to a baseline: there is no log
// to read it from again. Nothing is learned from it.
type checking struct {
	a     *app
	open  *lasting
	flows []learn.Flow
	lost  uint64
}

// mostUnkept bounds what waits for a database that cannot be written.
const mostUnkept = 1 << 17

func newChecking(a *app) *checking { return &checking{a: a, open: newLasting(true)} }

// note takes what was told of a connection.
func (c *checking) note(t *sandbox.Told) {
	c.open.note(t)
	if t.Open {
		return
	}
	if len(c.flows) >= mostUnkept {
		c.lost++
		return
	}
	c.flows = append(c.flows, t.Flow)
}

func (c *checking) flow(*learn.Flow, enforce.Verdict) error   { return nil }
func (c *checking) tick(_ context.Context, _ time.Time) error { return nil }

// save implements saver.
func (c *checking) save(b *store.Batch) error { //nolint:unparam // as saver has it
	b.Checked, c.flows = c.flows, nil
	c.open.save(b)
	return nil
}

// unsaved implements saver.
func (c *checking) unsaved(b *store.Batch) {
	c.flows = slices.Concat(b.Checked, c.flows)
	c.open.unsaved(b)
}

func (c *checking) close() error {
	if c.lost > 0 {
		c.a.warn("%s connections are not in the record: it could not be written", ipranges.Thousands(c.lost))
	}
	return nil
}
