package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tripline/enforce"
	"tripline/learn"
	"tripline/store"
)

// Kinds of what is found about alias files.
const (
	tableRefused   enforce.Kind = "table_refused"   // a table that would lose too much was not put in place
	tableUnwritten enforce.Kind = "table_unwritten" // the files could not be written
)

// An upkeep keeps the alias files fresh while flows are checked: after approvals
// and new ranges, with what names were resolved to since, and once a disk that was
// full has room again. Files are written beside the checking: a slow disk holds up
// no flow.
type upkeep struct {
	w     *watching
	names *resolving
	done  chan exported
	busy  bool
	due   bool      // the policy has changed
	again time.Time // when to try once more, zero if nothing went wrong
	told  bool      // that the files cannot be written
}

// An exported is what became of writing the files.
type exported struct {
	turnover *turnover
	err      error
}

// keepAgain is how long to wait after the files could not be written.
const keepAgain = 30 * time.Second

func newUpkeep(w *watching) (part, error) {
	if w.o.export.out == "" {
		return nil, nil //nolint:nilnil // there are no files to keep
	}
	k := &upkeep{w: w, names: newResolving(w.watch.Policy), done: make(chan exported, 1)}
	w.upkeep = k
	return k, errors.Join(k.raise(w.refused), w.a.read(func(s *store.Store) error { return k.names.recall(s, w.names) }))
}

// export writes the alias files where they have to change. The first time trouble
// ends the program; later it is told, and tried again.
func (w *watching) export() error {
	switch {
	case w.o.export.out == "":
		return nil
	case w.upkeep != nil:
		w.upkeep.due = true
		return nil
	}
	t, err := w.exportNow()
	if err != nil {
		return err
	}
	t.tell(w.a)
	w.refused = t.refused
	return nil
}

func (w *watching) exportNow() (*turnover, error) {
	var p *enforce.Policy
	err := w.a.read(func(s *store.Store) (err error) {
		p, err = w.a.filtered(s, w.names)
		return err
	})
	if err != nil {
		return nil, err
	}
	return w.o.export.fresh(p, float64(w.o.publish.MaxShrink)/100)
}

func (k *upkeep) flow(f *learn.Flow, v enforce.Verdict) error {
	if v == enforce.Allowed {
		k.names.flow(f)
	}
	return nil
}

// tick takes up what was written, and writes what has to change. At the end it
// waits for both.
func (k *upkeep) tick(ctx context.Context, now time.Time) error {
	last := !k.w.o.follow || ctx.Err() != nil
	if k.busy {
		select {
		case e := <-k.done:
			k.busy = false
			if err := k.take(e, now); err != nil {
				return err
			}
		default:
			if !last {
				return nil
			}
			k.busy = false
			if err := k.take(<-k.done, now); err != nil {
				return err
			}
		}
	}
	if !k.wants(now) {
		return nil
	}
	known := k.names.keep(now)
	k.due, k.again = false, time.Time{}
	if last {
		return k.take(k.round(known), now)
	}
	k.busy = true
	go func() { k.done <- k.round(known) }()
	return nil
}

func (k *upkeep) wants(now time.Time) bool {
	return k.due || k.names.due(now) || !k.again.IsZero() && !now.Before(k.again)
}

// round keeps what names were resolved to and writes the files.
func (k *upkeep) round(known map[string][]learn.Resolved) exported {
	err := k.w.a.write("enforce", func(s *store.Store) error {
		for agent, all := range known {
			if err := s.PutResolved(agent, all); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return exported{err: err}
	}
	t, err := k.w.exportNow()
	return exported{t, err}
}

// take says what became of writing. What went wrong is told once, and tried again.
func (k *upkeep) take(e exported, now time.Time) error {
	if e.err == nil {
		e.turnover.tell(k.w.a)
		k.told = false
		return errors.Join(k.resolve(e.turnover.refused), k.raise(e.turnover.refused))
	}
	if k.again = now.Add(keepAgain); errors.Is(e.err, store.ErrLocked) {
		k.again = now.Add(time.Second)
		return nil
	}
	if k.told {
		return nil
	}
	k.told = true
	why := fmt.Sprintf("the alias files are not fresh: %v; tried again every %s", e.err, keepAgain)
	return k.w.raise(enforce.Finding(tableUnwritten, enforce.High, now, "", k.w.o.export.out, why))
}

// resolve ends what was found of files that are as they should be again.
func (k *upkeep) resolve(refused []refusal) error {
	return k.w.tellAll(k.w.watch.Ledger().Resolve(func(a *enforce.Alert) bool {
		still := slices.ContainsFunc(refused, func(r refusal) bool { return r.table == a.Subject })
		return a.Kind == tableUnwritten || a.Kind == tableRefused && !still
	}))
}

// raise tells of tables that were not put in place.
func (k *upkeep) raise(refused []refusal) error {
	var err error
	for _, r := range refused {
		why := fmt.Sprintf("not put in place, the last one stays: %v. If it is right: tripline export --to %s -o %s", r.why, k.w.o.export.to, quotedPath(k.w.o.export.out))
		err = errors.Join(err, k.w.raise(enforce.Finding(tableRefused, enforce.High, k.w.a.now(), r.agent, r.table, why)))
	}
	return err
}

// close waits for writing that is under way.
func (k *upkeep) close() error {
	if k.busy {
		<-k.done
		k.busy = false
	}
	return nil
}

// heard shows an answer of DNS to who keeps the alias files: the table has the
// address before the connection that it would not let pass.
func (w *watching) heard(a *learn.Answer) {
	if w.upkeep != nil && a != nil {
		if agent, err := w.agents.Of(&learn.Flow{Src: a.Client, Time: a.Time}); err == nil && agent != "" {
			w.upkeep.names.answer(agent, a)
		}
	}
}
