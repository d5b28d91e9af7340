package main

import (
	"strings"
	"time"

	"tripline/learn"
	"tripline/store"
)

// A ruleLife is what is known of one rule of a baseline.
type ruleLife struct {
	Agent    string     `json:"agent"`
	To       string     `json:"to"`
	Ports    []string   `json:"ports"`
	From     string     `json:"from"`
	Approved *time.Time `json:"approved,omitempty"` // first
	By       string     `json:"by,omitempty"`
	Baseline string     `json:"baseline"` // the first with it
	Changed  string     `json:"changed_in,omitempty"`
	LastHit  *time.Time `json:"last_hit,omitempty"`
}

func (r *ruleLife) cells() []string {
	at, last := "", "never"
	if r.Approved != nil {
		at = day(*r.Approved)
	}
	if r.LastHit != nil {
		last = day(*r.LastHit)
	}
	return []string{r.Agent, r.To, strings.Join(r.Ports, " "), r.From, at, r.By, r.Baseline[:12], r.Changed[:min(12, len(r.Changed))], last}
}

// livesOf returns what is known of the rules of the newest baseline of a chain.
func livesOf(s *store.Store, chain []*learn.Baseline) ([]ruleLife, error) {
	if len(chain) == 0 {
		return nil, nil
	}
	head := chain[len(chain)-1]
	hits, err := s.Hits(head.Agent)
	if err != nil {
		return nil, err
	}
	ds, err := s.Destinations(head.Agent)
	if err != nil {
		return nil, err
	}
	space, _, err := loadSpace(s)
	if err != nil {
		return nil, err
	}
	last := learn.LastHits(head, ds, hits.Last, space)
	var out []ruleLife
	for _, o := range learn.Origins(chain) {
		r := ruleLife{Agent: head.Agent, To: o.Rule.To.String(), From: o.Rule.From, Baseline: o.First.Digest}
		for _, p := range o.Rule.Ports {
			r.Ports = append(r.Ports, p.String())
		}
		if by := o.First.Approved; by != nil {
			r.Approved, r.By = &by.At, by.By
		}
		if o.Changed != o.First {
			r.Changed = o.Changed.Digest
		}
		if at := last[r.To]; !at.IsZero() {
			r.LastHit = &at
		}
		out = append(out, r)
	}
	return out, nil
}
