package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"tripline/enforce"
	"tripline/learn/source"
	"tripline/store"
)

// follow checks what is appended until it is interrupted.
func (w *watching) follow(ctx context.Context, path string) error {
	key, err := w.key(path)
	if err != nil {
		return err
	}
	var cursor []byte
	err = w.a.read(func(s *store.Store) (err error) {
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
	if err := w.tail(ctx, s, key); err != nil {
		return err
	}
	w.tally.losses(w.a, path, s.Stats())
	if w.tally.records == 0 {
		w.a.say("nothing was appended to %s", path)
		return nil
	}
	return w.finish([]string{path})
}

// key is where the place in a log is kept. Standard input has none.
func (w *watching) key(path string) (string, error) {
	if path == "-" {
		return "enforce\x00-", nil
	}
	abs, err := filepath.Abs(path)
	return "enforce\x00" + w.src.Name + "\x00" + abs + "\x00" + strings.Join(w.names, ","), err
}

func (w *watching) tail(ctx context.Context, s *source.Stream, key string) error {
	var r source.Record
	dirty, saved := false, w.a.now()
	for ctx.Err() == nil {
		err := s.Next(&r)
		if exhausted(err) || w.a.now().Sub(saved) > followAge {
			if err := w.pause(ctx, s, key, dirty); err != nil {
				return err
			}
			dirty, saved = false, w.a.now()
		}
		if exhausted(err) {
			if err := s.Wait(ctx, followAge); err != nil && ctx.Err() == nil {
				return err
			}
			continue
		}
		dirty = true
		al, isNew, err := w.take(s, &r, err)
		if err != nil {
			return err
		}
		if isNew {
			if err := errors.Join(w.print(al), w.out.Flush()); err != nil {
				return fmt.Errorf("write alert: %w", err)
			}
		}
	}
	return w.pause(ctx, s, key, dirty)
}

// pause keeps the place in the log, behind what was told, and takes up a new
// baseline or new ranges.
func (w *watching) pause(ctx context.Context, s *source.Stream, key string, dirty bool) error {
	if dirty && !strings.HasSuffix(key, "\x00-") {
		cursor, err := s.Cursor()
		if err != nil {
			return err
		}
		err = w.a.write("enforce", func(s *store.Store) error {
			return s.Commit(store.Batch{At: w.a.now(), Cursors: map[string][]byte{key: cursor}})
		})
		if err != nil {
			return err
		}
	}
	if ctx.Err() != nil || w.a.now().Sub(w.polled) < followAge {
		return nil
	}
	w.polled = w.a.now()
	return w.refresh()
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
	w.watch.Replace(p)
	return w.export(p)
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
