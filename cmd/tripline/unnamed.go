package main

import (
	"context"
	"net/netip"
	"time"

	"tripline/enforce"
	"tripline/learn"
	"tripline/store"
)

// An unasking is the part of enforce that finds agents which stopped to ask DNS.
type unasking struct {
	w     *watching
	judge enforce.Asking
}

// newAsking makes the part where a source has names, and tells it what was
// learned: the agents that used to ask, and where they went.
func newAsking(w *watching) (part, error) {
	if !w.src.Sees.Names {
		return nil, nil //nolint:nilnil // nobody tells of DNS
	}
	p := &unasking{w: w}
	w.naming.answered = p.judge.Answer
	return p, w.a.read(func(s *store.Store) error {
		for _, name := range w.names {
			ds, err := s.Destinations(name)
			if err != nil {
				return err
			}
			for i := range ds {
				p.knew(&ds[i])
			}
		}
		return nil
	})
}

func (p *unasking) knew(d *learn.Destination) {
	told := uint64(0)
	if d.Evidence == learn.DNS {
		told = d.Flows
	}
	p.judge.Knew(d.Agent, d.Addr, told)
}

// flow implements [part].
func (p *unasking) flow(f *learn.Flow, v enforce.Verdict) error {
	if al := p.judge.Flow(f, v == enforce.Allowed && f.Name == ""); al != nil {
		return p.w.raise(al)
	}
	return nil
}

// tick implements [part].
func (*unasking) tick(context.Context, time.Time) error { return nil }

// close implements [part].
func (*unasking) close() error { return nil }

// whose returns the agent that an answer was given to, "" if it was to nobody's.
func (n *naming) whose(a netip.Addr) string {
	if n.agents == nil {
		return ""
	}
	agent, err := n.agents.Of(&learn.Flow{Src: a})
	if err != nil {
		return ""
	}
	return agent
}
