package main

import (
	"context"
	"time"

	"tripline/enforce"
	"tripline/learn"
	"tripline/store"
)

// A checking keeps what a command said that was held to a baseline. Nothing is learned
// from it.
type checking struct{ *backlog }

func newChecking(a *app) *checking { return &checking{newBacklog(a, true)} }

func (c *checking) flow(*learn.Flow, enforce.Verdict) error   { return nil }
func (c *checking) tick(_ context.Context, _ time.Time) error { return nil }

// save implements saver.
func (c *checking) save(b *store.Batch) error { //nolint:unparam // as saver has it
	b.Checked = c.take()
	c.open.save(b)
	return nil
}

// unsaved implements saver.
func (c *checking) unsaved(b *store.Batch) {
	c.back(b.Checked)
	c.open.unsaved(b)
}

func (c *checking) close() error {
	if n := len(c.flows); n > 0 {
		c.a.warn("%s not in the record: it could not be written", count(uint64(n), "connection is", "connections are"))
	}
	if err := c.errLost(); err != nil {
		c.a.warn("%v", err)
	}
	return nil
}
