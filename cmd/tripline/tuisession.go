package main

import (
	"fmt"
	"slices"

	"tripline/learn"
	"tripline/store"
)

// A session is a review while a person decides: nothing is kept before they say
// so.
type session struct {
	a    *app
	by   string
	base *reviewed // as it was when they began
	now  *reviewed
	took []tookOne
}

// A tookOne is a decision of a session.
type tookOne struct {
	taken

	of row
}

func newSession(a *app, base *reviewed, by string) *session {
	return &session{a: a, by: by, base: base, now: base}
}

// take decides one row and folds again. On an error nothing is changed.
func (s *session) take(of row, verb learn.Verb, choice string) error {
	t, err := s.a.decision(s.now, &of, ruling{verb, of.Row, choice}, s.by)
	if err != nil {
		return err
	}
	s.took = append(s.took, tookOne{*t, of})
	if err := s.again(); err != nil {
		s.took = s.took[:len(s.took)-1]
		return err
	}
	return nil
}

// undo takes the last decision back.
func (s *session) undo() (tookOne, bool, error) {
	n := len(s.took)
	if n == 0 {
		return tookOne{}, false, nil
	}
	last := s.took[n-1]
	s.took = s.took[:n-1]
	return last, true, s.again()
}

// again folds with the decisions so far.
func (s *session) again() error {
	now := *s.base
	now.drafts, now.options.Skips = nil, slices.Clone(s.base.options.Skips)
	decisions := map[string][]learn.Decision{}
	for _, d := range s.base.drafts {
		decisions[d.agent] = slices.Clone(d.decisions)
	}
	for i := range s.took {
		if err := s.took[i].count(decisions, &now.options); err != nil {
			return err
		}
	}
	for _, was := range s.base.drafts {
		d := *was
		d.decisions, d.tested = decisions[d.agent], nil
		if err := s.a.afterDecisions(&d, now.options, now.space, was.proposed.Ranges); err != nil {
			return err
		}
		now.drafts = append(now.drafts, &d)
	}
	if err := now.seal(); err != nil {
		return err
	}
	s.now = &now
	return nil
}

// count adds a decision to those that were kept, as the store would have it.
func (t *tookOne) count(decisions map[string][]learn.Decision, fold *foldFlags) error {
	kept := map[string][]store.Decided{}
	if err := t.keep(&t.of, kept, fold); err != nil {
		return err
	}
	list := decisions[t.of.Agent]
	for _, k := range kept[t.of.Agent] {
		list = slices.DeleteFunc(list, func(d learn.Decision) bool { return d.Key() == k.Key })
		if len(k.Data) > 0 {
			list = append(list, t.Decision)
		}
	}
	decisions[t.of.Agent] = list
	return nil
}

// keep keeps the decisions of the session and remembers what they lead to. It
// fails if what they were taken of has changed meanwhile.
func (s *session) keep(db *store.Store) error {
	now, err := s.a.fold(db, s.base.options)
	if err != nil {
		return err
	}
	if now.digest != s.base.digest {
		return learn.WithHint(fmt.Errorf("what is proposed has changed since %s was shown: nothing was kept", s.base.digest[:12]), "look at what it is now: tripline review --interactive")
	}
	kept := map[string][]store.Decided{}
	var fold foldFlags // skips are kept with what was shown
	for i := range s.took {
		if err := s.took[i].keep(&s.took[i].of, kept, &fold); err != nil {
			return err
		}
	}
	for agent, list := range kept {
		if err := db.PutDecisions(agent, list); err != nil {
			return err
		}
	}
	doc, err := s.now.doc()
	if err != nil {
		return err
	}
	return db.PutShown(s.now.digest, s.a.now(), doc)
}
