package main

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"tripline/enforce"
	"tripline/learn"
	"tripline/store"
)

// An ageing says whether what enforce sees is more than was foretold for a
// baseline when it was approved: then the agent's work has changed, and it is the
// baseline that is to be looked at, not each alert.
type ageing struct {
	agents map[string]*wakeful
	latest *wakeful // of the flow before this one, mostly of this one too
	told   map[string]bool
	asked  time.Time // while following
}

// A wakeful is the hours in which an agent was active.
type wakeful struct {
	name  string
	hour  learn.Block // of the flow before this one
	hours map[learn.Block]bool
}

// staleEvery is how often the baselines are asked for their age while following:
// an hour is what forecasts count in.
const staleEvery = time.Hour

func newAgeing(now time.Time) *ageing {
	return &ageing{agents: map[string]*wakeful{}, told: map[string]bool{}, asked: now}
}

// note notes the hour of a flow.
func (g *ageing) note(f *learn.Flow) {
	a := g.latest
	if a == nil || a.name != f.Agent {
		if a = g.agents[f.Agent]; a == nil {
			a = &wakeful{name: f.Agent, hours: map[learn.Block]bool{}}
			g.agents[f.Agent] = a
		}
		g.latest = a
	}
	if b := learn.BlockOf(f.Time); b != a.hour || len(a.hours) == 0 {
		a.hours[b], a.hour = true, b
	}
}

// tell warns of baselines that are stale, each once.
func (g *ageing) tell(w *watching) error {
	found := map[string][]*enforce.Alert{}
	for _, al := range w.watch.Alerts() {
		if al.Kind == enforce.Destination && al.Verdict != enforce.Forbidden && !al.Group {
			found[al.Agent] = append(found[al.Agent], al)
		}
	}
	if len(found) == 0 {
		return nil // at no cost
	}
	return w.a.read(func(s *store.Store) error {
		for _, name := range w.names {
			if len(found[name]) == 0 || g.told[name] {
				continue
			}
			if err := g.tellOne(w, s, name, found[name]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (g *ageing) tellOne(w *watching, s *store.Store, name string, found []*enforce.Alert) error {
	approved, err := baseline(s, name)
	if err != nil {
		return err
	}
	all, err := kept(s, name)
	if err != nil {
		return err
	}
	k := foretold(approved, all)
	if k == nil || k.rules() == nil {
		return nil
	}
	seen, err := s.Destinations(name)
	if err != nil {
		return err
	}
	l, n := k.rules(), g.since(w.watch.Policy(), k, name, append(seen, sighted(found)...))
	if n.Stale {
		g.told[name] = true
		return w.outgrown(name, approved.Digest[:12], fmt.Sprintf("%s: the baseline %s is stale: since %s UTC %d of %s brought something it does not admit, at most %s were foretold: the agent's work has changed",
			name, approved.Digest[:12], k.until.Format(clockForm), n.New, stretches(n.Units, &learn.Forecast{Hours: l.Hours}), chance(n.Bound)))
	}
	return nil
}

// staleDo is what to do about a baseline that is stale.
const staleDo = "Look at it again: tripline learn, tripline review"

// outgrown tells that a baseline is stale: in a report as a warning, while watching as
// a finding that is over when another one is approved.
func (w *watching) outgrown(agent, digest, why string) error {
	if w.sight == nil {
		w.a.warn("%s. %s", why, staleDo)
		return nil
	}
	_, err := w.blind(blindness{
		kind: enforce.BaselineStale, severity: enforce.Medium, agent: agent, subject: "baseline " + digest, check: "baseline of " + agent, why: why, do: staleDo,
	}, w.a.now())
	return err
}

// renewed ends what was told of baselines that hold no longer.
func (w *watching) renewed(p *enforce.Policy) error {
	holds := map[string]bool{}
	for _, a := range p.Agents {
		if len(a.Baseline) >= 12 {
			holds["baseline "+a.Baseline[:12]] = true
		}
	}
	for at := range w.sight {
		if at.kind != enforce.BaselineStale || holds[at.subject] {
			continue
		}
		delete(w.ageing.told, at.agent)
		if err := w.sees(at.kind, at.agent, at.subject, at.agent+": another baseline was approved"); err != nil {
			return err
		}
	}
	return nil
}

// since counts what came since a forecast was made that rules do not admit.
func (g *ageing) since(p *enforce.Policy, k *keptForecast, agent string, seen []learn.Destination) learn.Novelty {
	active := learn.Destination{Agent: agent}
	for b := range g.agents[agent].hours {
		active.Blocks = append(active.Blocks, b)
	}
	slices.Sort(active.Blocks)
	scope, admitted := []learn.Destination{active}, map[learn.Target]bool{active.Target: true}
	for _, d := range seen {
		r := p.Rule(&learn.Flow{Agent: agent, Proto: d.Proto, DstPort: d.Port, Dst: d.Addr, Name: d.Name})
		if r.Verdict != enforce.Forbidden && d.Admissible() {
			scope = append(scope, d)
			admitted[d.Target] = r.Verdict == enforce.Allowed
		}
	}
	outside := learn.Hours(scope, func(d *learn.Destination) string {
		if admitted[d.Target] {
			return ""
		}
		return learn.NameKey(d)
	})
	l := k.rules()
	return outside.In(l.Hours).After(learn.BlockOf(k.until), *l.AtMost)
}

// sighted returns alerts as destinations, each in the hour it was first seen.
func sighted(found []*enforce.Alert) (out []learn.Destination) {
	for _, al := range found {
		addr, err := netip.ParseAddr(al.Dst)
		proto, unknown := learn.ParseProto(al.Proto)
		if errors.Join(err, unknown) != nil {
			continue // a Watch makes none such
		}
		out = append(out, learn.Destination{
			Agent: al.Agent, Target: learn.Target{Service: learn.Service{Proto: proto, Port: al.Port}, Addr: addr, Name: al.Name},
			Flows: 1, Blocks: []learn.Block{learn.BlockOf(al.Time)},
		})
	}
	return out
}

// rules returns what was foretold at the level of rules, nil if nothing was.
func (k *keptForecast) rules() *levelJSON {
	for i := range k.Levels {
		if l := &k.Levels[i]; l.Level == learn.ByRule && l.AtMost != nil {
			return l
		}
	}
	return nil
}

// stale tells of stale baselines at most once an hour while following. What cannot
// be read now can be the next time.
func (w *watching) stale(now time.Time) {
	if now.Sub(w.ageing.asked) < staleEvery {
		return
	}
	w.ageing.asked = now
	w.tellStale()
}

func (w *watching) tellStale() {
	if err := w.ageing.tell(w); err != nil {
		w.a.warn("whether the baseline is stale is not known: %v", fmt.Errorf("read forecasts: %w", err))
	}
}
