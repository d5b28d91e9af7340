package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"tripline/learn"
	"tripline/learn/sandbox"
	"tripline/store"
)

// TestWhatCouldNotBeKeptComesAgain goes through what can happen to a connection
// between two rounds of which the first could not be written.
func TestWhatCouldNotBeKeptComesAgain(t *testing.T) {
	told := func(n uint64, open bool, up uint64) *sandbox.Told {
		return &sandbox.Told{Flow: learn.Flow{Up: up}, Number: n, Open: open}
	}
	c := newChecking(nil)
	c.note(told(1, true, 1))  // goes on
	c.note(told(2, true, 1))  // is told again before it is known that it could not be kept
	c.note(told(3, true, 1))  // ends before that
	c.note(told(4, false, 1)) // has ended
	var first store.Batch
	if err := c.save(&first); err != nil || len(first.Lasting) != 3 || len(first.Checked) != 1 || c.open.pending() {
		t.Fatalf("got %+v, %v", first, err)
	}
	c.note(told(2, true, 2))
	c.note(told(3, false, 3))
	c.unsaved(&first)
	var second store.Batch
	if err := c.save(&second); err != nil {
		t.Fatal(err)
	}
	up := map[uint64]uint64{}
	for _, l := range second.Lasting {
		up[l.Flow.Up]++
		if !l.Checked {
			t.Errorf("got %+v", l)
		}
	}
	if len(second.Lasting) != 2 || up[1] != 1 || up[2] != 1 {
		t.Errorf("got %+v, want the first as it was and the second as it is", second.Lasting)
	}
	if len(second.Ended) != 1 || len(second.Checked) != 2 || second.Checked[0].Up != 1 || second.Checked[1].Up != 3 {
		t.Errorf("got %+v, want what had ended and what ended since, in this order", second)
	}
	c.note(told(1, false, 4))
	var third store.Batch
	if err := c.save(&third); err != nil || len(third.Ended) != 1 || len(third.Lasting) != 0 || len(c.open.kept) != 1 {
		t.Errorf("got %+v, %v, and %v kept", third, err, c.open.kept)
	}
}

// What waits for a database is bounded by what it weighs, and what is let go is said:
// what is in the record of it stays there without its end.
func TestWhatWaitsIsBounded(t *testing.T) {
	var said bytes.Buffer
	b := newBacklog(&app{stderr: &said}, true)
	heavy := &learn.Payload{Exchanges: make([]learn.Exchange, 600)}
	b.most = 10 * weight(&learn.Flow{Payload: heavy})
	at := time.Date(2026, 11, 9, 10, 0, 0, 0, time.UTC)
	note := func(n uint64, open bool, p *learn.Payload) {
		b.note(&sandbox.Told{Flow: learn.Flow{Time: at.Add(time.Duration(n) * time.Second), Payload: p}, Number: n, Open: open})
	}
	note(20, true, nil)
	var kept store.Batch
	b.open.save(&kept)
	for n := range uint64(30) {
		note(n, false, heavy)
	}
	if len(b.flows) != 10 || b.lost != 20 || len(b.open.ended) != 0 {
		t.Errorf("%d wait, %d were let go, %d have ended", len(b.flows), b.lost, len(b.open.ended))
	}
	const want = "20 connections that began from 2026-11-09 10:00:10 to 2026-11-09 10:00:29 UTC: "
	if err := b.errLost(); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	if n := strings.Count(said.String(), "\n"); n != 1 {
		t.Errorf("it is said %d times: %s", n, &said)
	}
	list := b.take()
	b.back(list)
	if note(40, false, nil); b.lost != 21 {
		t.Error("what was taken back weighs nothing")
	}
	if b.take(); b.pending() {
		t.Error("something is left")
	}
	if note(41, false, nil); len(b.flows) != 1 {
		t.Error("there is room again, and no use of it")
	}
}
