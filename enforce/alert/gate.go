package alert

import (
	"slices"
	"time"

	"tripline/enforce"
)

// A gate holds back what has not come often enough yet, and counts.
type gate struct {
	seen []time.Time // the last few, as many as the threshold wants
	held []*entry
}

// A gateKey is what is counted together.
type gateKey struct {
	agent string
	kind  enforce.Kind
}

// gate counts e and returns what is let through by that: e and what it was waiting
// with, or nothing.
func (c *courier) gate(e *entry, now time.Time) (through []*entry) {
	key := gateKey{e.Alert.Agent, e.Alert.Kind}
	g := c.gates[key]
	if g == nil {
		g = &gate{}
		c.gates[key] = g
	}
	limit := c.Filter.After
	g.seen = append(g.seen, e.At)
	if len(g.seen) > limit.Count {
		g.seen = slices.Delete(g.seen, 0, 1)
	}
	g.held = append(g.held, e)
	c.shut(g, now)
	if len(g.seen) < limit.Count || now.Sub(g.seen[0]) > limit.Within {
		return nil
	}
	through, g.held = g.held, nil
	for _, e := range through {
		e.Gated = false
		c.box.keep(c.waitingKey(e), e)
	}
	return through
}

// shut forgets what waited at a gate for too long: it did not come often enough.
func (c *courier) shut(g *gate, now time.Time) {
	g.held = slices.DeleteFunc(g.held, func(e *entry) bool {
		late := now.Sub(e.At) > c.Filter.After.Within
		if late {
			c.forget(e)
		}
		return late
	})
}

// expire ends what has waited or stood for too long.
func (c *courier) expire(now time.Time) {
	for key, g := range c.gates {
		c.shut(g, now)
		if len(g.held) == 0 && now.Sub(g.seen[len(g.seen)-1]) > c.Filter.After.Within {
			delete(c.gates, key)
		}
	}
	for id, e := range c.standing {
		if now.Sub(e.At) > standingAge {
			delete(c.standing, id)
			c.box.put(c.waitingKey(e), nil)
		}
	}
}

// standingAge is how long what nobody resolves is taken to go on.
const standingAge = 6 * time.Hour

// gatesWait is until the first gate forgets something.
func (c *courier) gatesWait(now time.Time) time.Duration {
	wait := forever
	for _, g := range c.gates {
		for _, e := range g.held {
			wait = min(wait, max(time.Second, e.At.Add(c.Filter.After.Within).Sub(now)))
		}
	}
	return wait
}
