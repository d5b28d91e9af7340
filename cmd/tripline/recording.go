package main

import (
	"errors"
	"fmt"

	"tripline/store"
)

// A recording keeps what a command says that is learned from, beside its running: a
// disk that is full, or another process that has the database, costs no connection.
type recording struct {
	*backlog
	run     string
	done    chan written
	busy    bool
	failing bool
}

// A written is a batch, and why it could not be written.
type written struct {
	batch *store.Batch
	err   error
}

func newRecording(a *app, run string) *recording {
	return &recording{backlog: newBacklog(a, false), run: run, done: make(chan written, 1)}
}

// step begins to write what there is, unless that is under way.
func (r *recording) step() error {
	select {
	case w := <-r.done:
		r.settle(w)
	default:
	}
	if !r.busy && r.pending() {
		b := r.batch()
		r.busy = true
		go func() { r.done <- written{b, r.a.write("learn", func(s *store.Store) error { return s.Commit(*b) })} }()
	}
	return nil
}

// batch moves what waits into a batch.
func (r *recording) batch() *store.Batch {
	b := &store.Batch{Run: r.run, At: r.a.now(), Flows: r.take()}
	r.open.save(b)
	n := uint64(len(b.Flows) + len(b.Lasting)) // some are counted twice: it only matters that there are any
	b.Counters = map[string]uint64{sandboxCounter: n}
	return b
}

// settle takes up what became of a batch.
func (r *recording) settle(w written) {
	r.busy = false
	switch {
	case w.err != nil:
		r.back(w.batch.Flows)
		r.open.unsaved(w.batch)
		if !r.failing {
			r.a.warn("%v; the command goes on, and what it says waits in memory", w.err)
		}
	case r.failing:
		r.a.say("%s can be written again: what waited is recorded", r.a.path())
	}
	r.failing = w.err != nil
}

// end writes the rest.
func (r *recording) end() error {
	if r.busy {
		r.settle(<-r.done)
	}
	if !r.pending() {
		return r.errLost()
	}
	b := r.batch()
	if err := r.a.lastly("learn", func(s *store.Store) error { return s.Commit(*b) }); err != nil {
		return fmt.Errorf("%s and more are not in the record: %w", count(r.lost+uint64(len(b.Flows)), "connection", "connections"), err)
	}
	return r.errLost()
}

// lastWaits is how often what would be lost waits for the database.
const lastWaits = 6

// lastly writes what would be lost otherwise: as long as another process has the
// database, it waits.
func (a *app) lastly(command string, f func(*store.Store) error) error {
	err := a.write(command, f)
	for i := 1; i < lastWaits && errors.Is(err, store.ErrLocked); i++ {
		if i == 1 {
			a.say("%v: waiting for it", err)
		}
		err = a.write(command, f)
	}
	return err
}
