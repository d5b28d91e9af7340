package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tripline/enforce"
	"tripline/enforce/export"
	"tripline/learn"
	"tripline/store"
)

// Kinds of what is found of the firewall's tables.
const (
	tableSkew  enforce.Kind = "table_skew"  // a table blocks what is admitted, or opens more
	tableAsked enforce.Kind = "table_asked" // the command that prints a table fails
)

// An agreeing compares, every so often, what the firewall's tables hold with what
// agents used meanwhile.
type agreeing struct {
	w    *watching
	used *uses
	next time.Time
	busy bool
	done chan agreed
}

type agreed struct {
	with export.Agreement
	err  error
}

// mostUses bounds what is remembered between two comparisons.
const mostUses = 20_000

func newAgreeing(w *watching) (part, error) {
	if len(w.a.config.Agree.Command) == 0 {
		return nil, nil //nolint:nilnil // nobody asked for it
	}
	g := &agreeing{w: w, used: newUses(), next: w.a.now().Add(time.Minute), done: make(chan agreed, 1)}
	g.used.most = mostUses
	return g, nil
}

func (g *agreeing) flow(f *learn.Flow, v enforce.Verdict) error {
	if v == enforce.Allowed {
		g.used.add(f)
	}
	return nil
}

func (g *agreeing) tick(ctx context.Context, now time.Time) error {
	last := !g.w.o.follow
	if g.busy {
		select {
		case d := <-g.done:
			if g.busy = false; ctx.Err() != nil {
				return nil
			}
			return g.take(d, now)
		default:
			return nil
		}
	}
	if len(g.used.at) == 0 || !last && now.Before(g.next) || ctx.Err() != nil {
		return nil
	}
	used, policy := g.used.list(), g.w.watch.Policy()
	g.used = newUses()
	g.used.most, g.next = mostUses, now.Add(g.w.a.config.Agree.Every)
	if last {
		return g.take(g.compare(ctx, policy, used), now)
	}
	g.busy = true
	go func() { g.done <- g.compare(ctx, policy, used) }()
	return nil
}

func (g *agreeing) compare(ctx context.Context, policy *enforce.Policy, used []export.Use) agreed {
	var tables []export.Table
	err := g.w.a.read(func(s *store.Store) (err error) {
		tables, err = g.w.a.tables(s, g.w.names, export.Options{Prefix: g.w.o.export.prefix, Most: g.w.o.export.most})
		return err
	})
	if err != nil {
		return agreed{err: err}
	}
	held, err := heldBy(ctx, g.w.a.config.Agree.Command, tables)
	if err != nil {
		return agreed{err: err}
	}
	return agreed{with: export.Agree(policy, tables, held, used)}
}

// take tells what was found, each table once, and ends what is well again.
func (g *agreeing) take(d agreed, now time.Time) error {
	if d.err != nil {
		return g.w.raise(enforce.Finding(tableAsked, enforce.Medium, now, "", g.w.a.config.Agree.Command[0],
			fmt.Sprintf("what the firewall holds is not known: %v", d.err)))
	}
	whys := map[string][]string{}
	agents := map[string]string{}
	for _, l := range d.with.Lacks {
		agents[l.Table] = l.Agent
		whys[l.Table] = append(whys[l.Table], fmt.Sprintf("%s to %s would have been blocked (%d were): %s", count(l.Flows, "flow", "flows"), toOf(l), l.Blocked, l.Why))
	}
	for _, s := range d.with.Surplus {
		agents[s.Table] = s.Agent
		whys[s.Table] = append(whys[s.Table], fmt.Sprintf("it opens %s addresses that the policy does not admit, the first %s", s.Opens, s.First))
	}
	err := g.w.tellAll(g.w.watch.Ledger().Resolve(func(a *enforce.Alert) bool {
		return a.Kind == tableAsked || a.Kind == tableSkew && whys[a.Subject] == nil
	}))
	for _, name := range sortedKeys(whys) {
		list := whys[name]
		if more := len(list) - 3; more > 0 {
			list = append(list[:3], fmt.Sprintf("and %d more: tripline agree", more))
		}
		if raised := g.w.raise(enforce.Finding(tableSkew, enforce.Medium, now, agents[name], name, strings.Join(list, "; "))); err == nil {
			err = raised
		}
	}
	return err
}

// close waits for a command that is under way: it ends with the program's context.
func (g *agreeing) close() error {
	if g.busy {
		<-g.done
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
