package main

import (
	"context"
	"slices"
	"time"

	"tripline/enforce"
	"tripline/learn"
	"tripline/store"
)

var baselinesCheck = check{name: "baselines", short: "every agent has an approved baseline that holds and still fits", stored: true, look: lookBaselines}

// baselineOld is when somebody should look again, whatever the figures say.
const baselineOld = 180 * 24 * time.Hour

func lookBaselines(_ context.Context, d *doctor) error {
	return d.a.read(func(s *store.Store) error {
		names, err := agentNames(s, nil)
		if err != nil {
			d.failed("", err)
			return nil
		}
		for _, name := range names {
			if err := d.lookBaseline(s, name); err != nil {
				d.failed(name, err)
			}
		}
		return nil
	})
}

// lookBaseline verifies the chain of one agent and asks whether it is stale.
func (d *doctor) lookBaseline(s *store.Store, name string) error {
	chain, err := s.History(name)
	if err != nil {
		return err
	}
	if len(chain) == 0 {
		d.warn(name, "tripline review", "no baseline was approved: enforce refuses to watch it")
		return nil
	}
	b, err := baseline(s, name)
	if err != nil {
		return err
	}
	p, err := d.a.policy(s, []string{name})
	if err != nil {
		return err
	}
	since := ""
	if b.Approved != nil {
		since = ", approved by " + learn.Printable(b.Approved.By) + " on " + day(b.Approved.At)
		if d.a.now().Sub(b.Approved.At) > baselineOld {
			d.warn(name, "tripline review --agent "+quotedPath(name), "nobody has looked at the baseline for %s", d.a.age(b.Approved.At))
		}
	}
	d.ok(name, "%s, %s in the chain, verified%s", count(uint64(len(b.Rules)), "rule", "rules"), count(uint64(len(chain)), "baseline", "baselines"), since)
	return d.staleBaseline(s, p, b)
}

// staleBaseline compares what was learned since with what was foretold.
func (d *doctor) staleBaseline(s *store.Store, p *enforce.Policy, b *learn.Baseline) error {
	all, err := kept(s, b.Agent)
	if err != nil {
		return err
	}
	k := foretold(b, all)
	if k == nil || k.rules() == nil {
		return nil
	}
	seen, err := s.Destinations(b.Agent)
	if err != nil {
		return err
	}
	g := newAgeing(d.a.now())
	g.agents[b.Agent] = &wakeful{name: b.Agent, hours: hoursOf(seen)}
	if n := g.since(p, k, b.Agent, seen); n.Stale {
		d.warn(b.Agent, "tripline review --agent "+quotedPath(b.Agent), "stale: since %s UTC more came that it does not admit than was foretold", k.until.Format(clockForm))
	}
	return nil
}

func hoursOf(seen []learn.Destination) map[learn.Block]bool {
	hours := map[learn.Block]bool{}
	for i := range seen {
		for b := range slices.Values(seen[i].Blocks) {
			hours[b] = true
		}
	}
	return hours
}
