package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"tripline/enforce"
	"tripline/learn/source"
	"tripline/store"
)

// follow checks what is appended until it is interrupted.
func (w *watching) follow(ctx context.Context, path string) error {
	key := w.key(path)
	cursor, err := w.resume(key)
	if err != nil {
		return err
	}
	s, err := w.open(path, cursor)
	if err != nil {
		return err
	}
	w.look(s)
	defer func() { _ = w.stream.Close() }() // it was only read
	w.recall(w.a.now())
	if err := w.tail(ctx, key); err != nil {
		return err
	}
	w.tally.lose(w.a, path, w.stream.Stats())
	w.a.sightings(w.stream)
	if w.tally.records == 0 && cursor != nil && !w.unexpected() {
		w.a.say("nothing was appended to %s", path)
		return w.tally.errUntold(path)
	}
	return w.finish([]string{path})
}

// resume reads how far a log was read, and takes up what was found up to there.
func (w *watching) resume(key string) (cursor []byte, err error) {
	var kept *store.Watch
	err = w.a.read(func(s *store.Store) error {
		var lost, err error
		cursor, err = s.Cursor(key)
		kept, lost = s.Watch(key)
		return errors.Join(err, lost)
	})
	if err != nil || kept == nil || key == stdinKey {
		return cursor, err
	}
	open := make([][]byte, len(kept.Alerts))
	for i := range kept.Alerts {
		open[i] = kept.Alerts[i].Data
	}
	over, err := w.watch.Restore(kept.State, open)
	return cursor, errors.Join(err, w.tellAll(over))
}

// stdinKey is the key of standard input, which has no place to go back to.
const stdinKey = "enforce\x00-"

// key is where the place in a log is kept. Standard input has none.
func (w *watching) key(path string) string {
	if path == "-" {
		return stdinKey
	}
	return "enforce\x00" + w.src.Name + "\x00" + w.src.Absolute(path) + "\x00" + strings.Join(w.names, ",")
}

func (w *watching) tail(ctx context.Context, key string) error {
	k := newKeeper(w, key)
	defer k.wait()
	var r source.Record
	var ended error
	turned, read := w.a.now(), false
	now := turned
	for n := 0; ctx.Err() == nil; n++ {
		s := w.stream // another one after a reload
		next := s.Next(&r)
		if !exhausted(next) {
			k.dirty, read = true, true
			w.senses.heard(s, &r, next, now)
			if err := w.take(s, &r, next); err != nil {
				return err
			}
			if n%64 != 0 { // the clock is not asked for each of a million records
				continue
			}
		}
		// Only now: the place that is kept is behind what Next returned, and what
		// was not told before it would be lost to a crash.
		now = w.a.now()
		if passed := now.Sub(turned); passed >= followAge {
			if err := w.turn(ctx, k, s, read, passed); err != nil {
				return err
			}
			turned, read = now, false
		}
		if exhausted(next) {
			if ended = s.Wait(ctx, followAge-min(now.Sub(turned), followAge-minWait)); ended != nil {
				break
			}
			now = w.a.now()
		}
	}
	if ctx.Err() != nil || exhausted(ended) {
		ended = nil
	}
	return errors.Join(w.turn(ctx, k, w.stream, read, 0), k.end(w.stream), ended)
}

// minWait is for how long is waited at least for what may come.
const minWait = 10 * time.Millisecond

// turn is done about every second: it says what else has happened, and keeps the
// place in the log, behind what was told.
func (w *watching) turn(ctx context.Context, k *keeper, s source.Stream, read bool, passed time.Duration) error {
	now := w.a.now()
	if read {
		w.vigil.heard(now)
	}
	w.vigil.look(now, w.tally, s.Stats())
	w.vigil.rates(now, source.Senders(s))
	if err := w.tick(ctx, now); err != nil {
		return err
	}
	w.health.turn(now)
	if !w.senses.silence() { // nobody sees what happens while nothing comes
		if err := w.tellAll(w.watch.Watched(min(passed, 10*followAge))); err != nil {
			return err
		}
	}
	w.stale(now)
	if err := errors.Join(k.settle(), w.reload(ctx, k)); err != nil {
		return err
	}
	return k.step(ctx, w.stream)
}

// replace checks against a new policy from now on, and writes the alias files
// again.
func (w *watching) replace(p *enforce.Policy) error {
	w.a.say("the baseline or the ranges have changed: checking against the new ones")
	return errors.Join(w.renewed(p), w.tellAll(w.watch.Replace(p)), w.export())
}

// fingerprint names everything a policy is compiled from.
func (a *app) fingerprint(s *store.Store, names []string) (string, error) {
	var b strings.Builder
	for _, name := range names {
		digest, _, err := s.Baseline(name)
		if err != nil && !errors.Is(err, store.ErrNoBaseline) {
			return "", err
		}
		b.WriteString(name + " " + digest + "\n")
	}
	list, err := s.Snapshots()
	for _, n := range list {
		b.WriteString(n.Name + " " + n.SHA256 + "\n")
	}
	return b.String(), err
}
