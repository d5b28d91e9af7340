package main

import (
	"context"
	"fmt"
	"time"

	"tripline/enforce"
	"tripline/enforce/alert"
	"tripline/learn"
	"tripline/learn/source"
)

// A counting keeps the metrics of flows and of what was read. It adds up between
// ticks: that of a flow is one addition.
type counting struct {
	w        *watching
	agents   map[string]*counted
	latest   *counted // of the flow before this one, mostly of this one too
	up, down uint64
	all      uint64 // flows, and of them those with a name
	named    uint64
	was      readings
	sent     map[string]alert.State // of sinks, at the last tick
}

// A counted is the flows of one agent since the last tick.
type counted struct {
	name string
	n    [enforce.Forbidden + 1]uint64
}

// Readings are what was counted of the source at the last tick.
type readings struct {
	records, unread uint64
	stats           source.Stats
}

func newCounting(w *watching) (part, error) {
	if w.o.service.Metrics == "" || !w.o.follow {
		return nil, nil //nolint:nilnil // nobody asked for it
	}
	w.metrics = newMetrics()
	w.health.metrics = &w.metrics
	for _, name := range w.names {
		for v := enforce.Allowed; v <= enforce.Forbidden; v++ {
			w.metrics.flows.add(0, name, v.String()) // so that rates begin at 0, not at the first
		}
	}
	for _, reason := range []string{"gap", "dropped", "missing"} {
		w.metrics.lost.add(0, w.src.Name, reason)
	}
	w.metrics.records.add(0, w.src.Name)
	w.metrics.unread.add(0, w.src.Name)
	return &counting{w: w, agents: map[string]*counted{}}, nil
}

func (c *counting) flow(f *learn.Flow, v enforce.Verdict) error {
	a := c.latest
	if a == nil || a.name != f.Agent {
		if a = c.agents[f.Agent]; a == nil {
			a = &counted{name: f.Agent}
			c.agents[f.Agent] = a
		}
		c.latest = a
	}
	a.n[v]++
	c.up, c.down = c.up+f.Up, c.down+f.Down
	if c.all++; f.Name != "" {
		c.named++
	}
	return nil
}

func (c *counting) tick(context.Context, time.Time) error {
	m := &c.w.metrics
	for _, a := range c.agents {
		for v, n := range a.n {
			m.flows.add(n, a.name, enforce.Verdict(v).String())
		}
		a.n = [enforce.Forbidden + 1]uint64{}
	}
	m.bytes.add(c.up, "up")
	m.bytes.add(c.down, "down")
	c.up, c.down = 0, 0
	if c.all > 0 {
		m.named.set(float64(c.named) / float64(c.all))
	}
	if c.w.outbox != nil {
		c.sinks(c.w.outbox.box.States(c.w.a.now()))
	} else if len(c.sent) > 0 {
		c.sinks(nil)
	}
	if c.w.stream != nil {
		c.read(readings{c.w.tally.records, c.w.tally.unread(), c.w.stream.Stats()})
	}
	return nil
}

// read counts what came from the source since the last tick.
func (c *counting) read(now readings) {
	m, name := &c.w.metrics, c.w.src.Name
	m.records.add(now.records-c.was.records, name)
	m.unread.add(now.unread-c.was.unread, name)
	m.lost.add(grown(now.stats.Lost, c.was.stats.Lost), name, "gap")
	m.lost.add(grown(now.stats.Dropped, c.was.stats.Dropped), name, "dropped")
	m.lost.add(grown(now.stats.Missing, c.was.stats.Missing), name, "missing")
	c.was = now
}

// sinks counts what became of alerts since the last tick.
func (c *counting) sinks(list []alert.State) {
	m, was := &c.w.metrics, c.sent
	c.sent = map[string]alert.State{}
	for _, s := range list {
		m.queue.set(float64(s.Waiting), s.Name)
		m.failures.add(grown(int64(s.Failures), int64(was[s.Name].Failures)), s.Name)
		m.sent.add(grown(int64(s.Delivered), int64(was[s.Name].Delivered)), s.Name)
		if c.sent[s.Name] = s; s.Failing > 0 {
			c.w.health.fails("sink "+s.Name, c.w.a.now(), fmt.Sprintf("alerts cannot be sent for %s: %s", lapse(s.Failing), learn.Printable(s.Why)), "tripline alert test "+s.Name)
		} else {
			c.w.health.passes("sink " + s.Name)
		}
	}
	for name := range was {
		if _, still := c.sent[name]; !still { // the configuration names it no more
			c.w.health.passes("sink " + name)
			m.queue.set(0, name)
		}
	}
}

// grown is how much a count has grown; one that began again counts from 0.
func grown(now, was int64) uint64 {
	if now < was {
		was = 0
	}
	return uint64(max(0, now-was))
}

func (c *counting) close() error { return nil }
