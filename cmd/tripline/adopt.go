package main

import (
	"context"
	"errors"
	"reflect"

	"tripline/enforce"
	"tripline/learn"
	"tripline/learn/source"
	"tripline/store"
)

// A reloader is a part that takes something from the configuration while it runs.
// What it cannot use it tells itself.
type reloader interface{ reload() }

// A successor is what a configuration makes of a watching, before any of it holds.
type successor struct {
	*watching // its agents, and their names
	policy    *enforce.Policy
	options   source.Options
}

// adopt goes on with the configuration of the app, which was old before. All of it
// is tried before any of it holds.
func (w *watching) adopt(ctx context.Context, k *keeper, old *learn.Config) error {
	n, err := w.succeed(ctx)
	if err == nil {
		err = w.resend(old)
	}
	if err != nil {
		return err
	}
	w.agents, w.names, w.state = n.agents, n.names, n.state
	w.naming.agents, w.naming.all = n.agents, n.naming.all
	errs := errors.Join(w.tellAll(w.watch.Replace(n.policy)), w.export(), w.move(k))
	if !reflect.DeepEqual(w.opened, n.options) {
		errs = errors.Join(errs, w.reopen())
	}
	for _, p := range w.parts {
		if r, ok := p.(reloader); ok {
			r.reload()
		}
	}
	w.untaken(old)
	return errs
}

// succeed makes what the configuration says of agents, sources and what is never to
// be admitted.
func (w *watching) succeed(ctx context.Context) (*successor, error) {
	n := &successor{watching: &watching{a: w.a, o: w.o}}
	err := w.a.read(func(s *store.Store) (err error) {
		if err := n.find(s); err != nil {
			return err
		}
		if n.policy, err = w.a.policy(s, n.names); err == nil {
			n.state, err = w.a.fingerprint(s, n.names)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if w.a.containers == nil {
		if err := w.o.find(ctx, w.a, w.src, n.agents); err != nil {
			return nil, err
		}
	}
	w.a.locate(n.agents)
	if err := resolve(ctx, n.agents); err != nil {
		w.a.warn("%v; it is asked for again every minute", err)
	}
	options, err := w.o.options(w.a, n.agents)
	n.options = options.Options
	return n, err
}

// resend sends alerts to the sinks of the configuration, where they have changed.
// What waits stays in its queue on disk.
func (w *watching) resend(old *learn.Config) error {
	if reflect.DeepEqual(old.Alerts, w.a.config.Alerts) {
		return nil
	}
	if _, err := w.a.routes(); err != nil { // before those that work are closed
		return err
	}
	err := w.outbox.close()
	w.outbox = nil
	if err := errors.Join(err, w.openOutbox()); err != nil {
		w.a.config = *old
		return errors.Join(err, w.openOutbox())
	}
	return nil
}

// move keeps the place in the log for the agents that are watched now, so that a
// restart goes on there.
func (w *watching) move(k *keeper) error {
	was, now := k.key, w.key(w.path)
	if was == now {
		return nil
	}
	k.key, k.dirty = now, true
	return w.a.write("enforce", func(s *store.Store) error {
		cursor, err := s.Cursor(was)
		kept, lost := s.Watch(was)
		if err := errors.Join(err, lost); err != nil || cursor == nil {
			return err
		}
		if kept != nil {
			kept.Name = now
			for i := range kept.Alerts {
				kept.Alerts[i].Watch = now
			}
		}
		return s.Commit(store.Batch{At: w.a.now(), Cursors: map[string][]byte{now: cursor}, Watch: kept})
	})
}

// reopen reads on at the same place in another way.
func (w *watching) reopen() error {
	cursor, err := w.stream.Cursor()
	if err != nil {
		return err
	}
	w.tally.lose(w.a, w.path, w.stream.Stats())
	if err := w.stream.Close(); err != nil {
		return err
	}
	s, err := w.open(w.path, cursor)
	if err != nil {
		return err
	}
	w.look(s)
	return nil
}

// look watches over a stream.
func (w *watching) look(s source.Stream) {
	w.stream, w.vigil = s, newVigil(w.a, w.src, w.path)
	w.vigil.found = w.senses.lost
}

// untaken says what of a configuration waits for a restart.
func (w *watching) untaken(old *learn.Config) {
	was, now := *old, w.a.config
	for _, c := range []*learn.Config{&was, &now} {
		c.Agents, c.Zone, c.Local, c.Inside, c.Outside, c.Firewall, c.Never, c.Alerts = nil, "", nil, nil, nil, nil, learn.Never{}, nil
	}
	if !reflect.DeepEqual(was, now) {
		w.a.warn("the configuration changed in more than agents, source, never and alerts: the rest holds after a restart")
	}
}
