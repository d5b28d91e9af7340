package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tripline/enforce"
	"tripline/learn"
	"tripline/store"
)

// A spending is the part of enforce that holds agents to their budgets.
type spending struct {
	w       *watching
	how     learn.Budgeting
	meter   *enforce.Meter
	policy  *enforce.Policy // that the budgets are for
	digests string
	told    bool // that no flow has bytes
}

// newSpending makes the part where a flag or the configuration asks for it.
func newSpending(w *watching) (part, error) {
	if w.a.config.Budgets == nil && !w.o.budgets {
		return nil, nil
	}
	s := &spending{w: w, how: w.a.budgeting()}
	if err := s.learn(); err != nil {
		return nil, err
	}
	if w.o.follow {
		if err := s.restore(); err != nil {
			return nil, err
		}
	}
	if !w.src.Sees.Bytes {
		s.off(w.src.Name + " has no bytes")
	}
	return s, nil
}

// off says once that bytes are not looked at.
func (s *spending) off(why string) {
	if !s.told {
		s.told = true
		s.w.a.warn("budgets of bytes are OFF: %s. Volume, direction, caps and slow leaks are not looked at; connections and rhythms are", why)
	}
}

// sizeless says, where budgets are asked for and a command has no namespaces, that none
// of bytes is judged.
func (w *watching) sizeless(so bool) {
	for _, p := range w.parts {
		if s, ok := p.(*spending); ok && so {
			s.off("bytes are not seen without namespaces")
		}
	}
}

// learn trains on what was learned before the baselines were approved.
func (s *spending) learn() error {
	p := s.w.watch.Policy()
	var budgets []learn.Budget
	err := s.w.a.read(func(st *store.Store) (err error) {
		budgets, err = train(st, p, s.how)
		return err
	})
	if err != nil {
		return fmt.Errorf("budgets of %s: %w", budgetAgents(p), err)
	}
	s.policy, s.digests = p, approvals(p)
	if s.meter != nil {
		s.meter.Replace(p, budgets)
		return nil
	}
	s.w.a.warnSizeless(budgets)
	kept := time.Duration(0)
	if !s.w.o.follow {
		kept = batchOpen
	}
	s.meter = enforce.NewMeter(p, s.how, budgets, kept, s.w.a.now())
	return nil
}

// batchOpen is how old a flow may be when files are read in any order.
const batchOpen = 90 * 24 * time.Hour

// approvals names the baselines of a policy.
func approvals(p *enforce.Policy) string {
	var text strings.Builder
	for _, agent := range p.Agents {
		text.WriteString(agent.Name + " " + agent.Baseline + "\n")
	}
	return text.String()
}

func (s *spending) restore() error {
	return s.w.a.read(func(st *store.Store) error {
		for _, name := range s.w.names {
			uses, err := st.Uses(name)
			if err != nil {
				return err
			}
			for to, text := range uses {
				if err := s.meter.Restore(name, to, text); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (s *spending) flow(f *learn.Flow, v enforce.Verdict) error {
	err := s.raise(s.meter.Observe(f, v))
	if s.meter.Sized == 0 && s.meter.Seen == sizelessFlows {
		s.off(fmt.Sprintf("none of the first %d flows has any", sizelessFlows))
	}
	return err
}

// sizelessFlows is how many flows without bytes make it plain that there are none.
const sizelessFlows = 1000

func (s *spending) raise(found []*enforce.Alert) error {
	var err error
	for _, al := range found {
		err = errors.Join(err, s.w.raise(al))
	}
	return err
}

func (s *spending) tick(_ context.Context, now time.Time) error {
	if !s.w.o.follow {
		if s.meter.Seen > 0 && s.meter.Sized == 0 {
			s.off("no flow that was read has any")
		}
		return s.raise(s.meter.Finish())
	}
	if p := s.w.watch.Policy(); p != s.policy {
		if err := s.again(p); err != nil {
			return err
		}
	}
	return s.raise(s.meter.Tick(now))
}

// again learns once more where another baseline was approved. With new ranges
// alone the budgets stay.
func (s *spending) again(p *enforce.Policy) error {
	if approvals(p) == s.digests {
		s.policy = p
		s.meter.Use(p)
		return nil
	}
	if err := s.learn(); err != nil {
		if !errors.Is(err, store.ErrLocked) {
			return err
		}
		s.w.a.warn("%v; the budgets of before hold", err)
	}
	return nil
}

// save puts what is used into what is written with the place in the log.
func (s *spending) save(b *store.Batch) (err error) {
	b.Uses, err = s.meter.Changed()
	return err
}

func (s *spending) unsaved(b *store.Batch) { s.meter.Unkept(b.Uses) }

func (s *spending) close() error { return nil }
