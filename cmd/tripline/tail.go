package main

import (
	"context"
	"errors"
	"strings"

	"tripline/enforce"
	"tripline/learn/source"
	"tripline/store"
)

// follow checks what is appended until it is interrupted.
func (w *watching) follow(ctx context.Context, path string) error {
	key := w.key(path)
	var cursor []byte
	err := w.a.read(func(s *store.Store) (err error) {
		cursor, err = s.Cursor(key)
		return err
	})
	if err != nil {
		return err
	}
	s, err := w.open(path, cursor)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // it was only read
	w.vigil, w.stream = newVigil(w.a, w.src, path), s
	if err := w.tail(ctx, s, key); err != nil {
		return err
	}
	w.tally.losses(w.a, path, s.Stats())
	w.a.sightings(s)
	if w.tally.records == 0 && cursor != nil {
		w.a.say("nothing was appended to %s", path)
		return w.tally.errUntold(path)
	}
	return w.finish([]string{path})
}

// key is where the place in a log is kept. Standard input has none.
func (w *watching) key(path string) string {
	if path == "-" {
		return "enforce\x00-"
	}
	return "enforce\x00" + w.src.Name + "\x00" + w.src.Absolute(path) + "\x00" + strings.Join(w.names, ",")
}

func (w *watching) tail(ctx context.Context, s source.Stream, key string) error {
	var r source.Record
	dirty, saved := false, w.a.now()
	for ctx.Err() == nil {
		next := s.Next(&r)
		if !exhausted(next) {
			dirty = true
			w.vigil.heard(w.a.now())
			if err := w.take(s, &r, next); err != nil {
				return err
			}
		}
		// Only now: the place that is kept is behind what Next returned, and what
		// was not told before it would be lost to a crash.
		if exhausted(next) || w.a.now().Sub(saved) > followAge {
			kept, err := w.pause(ctx, s, key, dirty)
			if err != nil {
				return err
			}
			dirty, saved = dirty && !kept, w.a.now()
		}
		if exhausted(next) {
			if err := s.Wait(ctx, followAge); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
	_, err := w.pause(ctx, s, key, dirty)
	return err
}

// pause keeps the place in the log, behind what was told, and takes up new
// addresses of agents, a new baseline or new ranges. While another process
// writes to the database, watching goes on and all of that waits.
func (w *watching) pause(ctx context.Context, s source.Stream, key string, dirty bool) (kept bool, err error) {
	w.vigil.look(w.a.now(), w.tally, s.Stats())
	if err := w.tick(ctx, w.a.now()); err != nil {
		return false, err
	}
	w.health.turn(w.a.now())
	if dirty && !strings.HasSuffix(key, "\x00-") {
		err = w.keep(s, key)
	}
	if err == nil && ctx.Err() == nil && w.a.now().Sub(w.polled) >= followAge {
		w.polled = w.a.now()
		w.lookups.again(ctx, w.a, w.agents)
		err = w.refresh()
		w.stale(w.a.now())
	}
	if errors.Is(err, store.ErrLocked) {
		w.a.warn("%v; watching goes on", err)
		return false, nil
	}
	return err == nil, err
}

func (w *watching) keep(s source.Stream, key string) error {
	cursor, err := s.Cursor()
	if err != nil {
		return err
	}
	places := map[string][]byte{key: cursor}
	if cursor == nil { // what happens now happens once
		places = nil
	}
	err = w.a.write("enforce", func(s *store.Store) error {
		return s.Commit(store.Batch{At: w.a.now(), Cursors: places, Hits: w.watch.Hits()})
	})
	if err == nil {
		w.watch.Noted()
	}
	return err
}

// refresh compiles the policy again where what it is made of has changed, and
// writes the alias files again.
func (w *watching) refresh() error {
	var p *enforce.Policy
	err := w.a.read(func(s *store.Store) error {
		state, err := w.a.fingerprint(s, w.names)
		if err != nil || state == w.state {
			return err
		}
		w.state = state
		p, err = w.a.policy(s, w.names)
		return err
	})
	if err != nil || p == nil {
		return err
	}
	w.a.say("the baseline or the ranges have changed: checking against the new ones")
	return errors.Join(w.tellAll(w.watch.Replace(p)), w.export(p))
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
