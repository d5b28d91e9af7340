package main

import (
	"context"
	"errors"
	"time"

	"tripline/enforce"
	"tripline/learn"
	"tripline/store"
)

// A part of enforce looks at what passes beside the policy, or does something with
// what is found. What is not asked for
// has no part. All calls come from one goroutine.
type part interface {
	// flow is told of each flow of an agent after it was judged, with the verdict.
	// The flow is only lent.
	flow(f *learn.Flow, v enforce.Verdict) error
	// tick is called about every second while following, and once at the end.
	// What a part finds, it raises.
	tick(ctx context.Context, now time.Time) error
	// close ends it.
	close() error
}

// A saver is a part whose state is written with the place in the log, all or
// nothing: after a crash, what was counted is what was read.
type saver interface {
	save(b *store.Batch) error // adds what has changed since it was last called
	unsaved(b *store.Batch)    // it could not be written: it comes with the next one
}

// savers are the parts that have something to keep.
func (w *watching) savers() (out []saver) {
	for _, p := range w.parts {
		if s, ok := p.(saver); ok {
			out = append(out, s)
		}
	}
	return out
}

// begin makes the parts that flags and configuration ask for.
func (w *watching) begin(context.Context) error {
	if w.o.follow {
		w.sight = sight{}
	}
	for _, newPart := range []func(*watching) (part, error){
		newHolding, newPidfile, newCounting, newServing, newSenses, newReloading, newNotifying, newDisk, newAges,
		newOneSided,
		newAsking,
		newFiguring,
		newUpkeep,
		newOffending,
		newSpending, newVaulting, newBypassing,
		newPublishing,
		newAgreeing,
	} {
		p, err := newPart(w)
		if err != nil {
			return err
		}
		if p != nil {
			w.parts = append(w.parts, p)
		}
	}
	return w.openOutbox()
}

// raise takes up what a part found: one way for every alert. What is raised again
// is the same finding, and counted.
func (w *watching) raise(al *enforce.Alert) error { return w.tell(w.watch.Note(al)) }

// partsOf shows a flow to every part.
func (w *watching) partsOf(f *learn.Flow, v enforce.Verdict) error {
	var err error
	for _, p := range w.parts {
		err = errors.Join(err, p.flow(f, v))
	}
	return err
}

func (w *watching) tick(ctx context.Context, now time.Time) error {
	var err error
	for _, p := range w.parts {
		err = errors.Join(err, p.tick(ctx, now))
	}
	return errors.Join(err, w.outbox.tick(now))
}

func (w *watching) closeParts() error {
	var err error
	for _, p := range w.parts {
		err = errors.Join(err, p.close())
	}
	return errors.Join(err, w.outbox.close())
}
