package alert

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"tripline/enforce"
)

// settle notes what became of a load.
func (c *courier) settle(l *load, answer string, err error, now time.Time) {
	if err == nil {
		c.arrived(l, answer, now)
		return
	}
	c.failures++
	c.failing.again(err, now)
	peer, _ := errors.AsType[*PeerError](err)
	switch {
	case l.message.Again:
		c.again = now
		c.failing.delay(now, peer)
	case peer != nil && peer.Refused:
		c.refused(l, now)
	default:
		c.failing.delay(now, peer)
		for _, e := range slices.Backward(l.entries) {
			at := rank(e.Alert)
			c.lanes[at] = slices.Insert(c.lanes[at], 0, e)
		}
	}
}

func (c *courier) arrived(l *load, answer string, now time.Time) {
	c.recovered(now)
	c.answer = answer
	if l.message.Again {
		c.again = now
		return
	}
	c.pace.note(c.Pace, now)
	c.delivered += uint64(len(l.entries))
	for _, e := range l.entries {
		c.forget(e)
		c.sent[e.Key] = now
		c.box.put(c.sentKey(e.Key), fmt.Append(nil, now.Unix()))
		c.stand(e, now)
	}
	c.tellDropped(now)
}

// refused sets apart what the peer will not take. Whether that is the fault of the
// alert or of the configuration shows in whether it takes others.
func (c *courier) refused(l *load, now time.Time) {
	for _, e := range l.entries {
		e.refused++
		if e.refused == 1 {
			e.delivered = c.delivered
		}
		if e.refused >= 3 && c.delivered > e.delivered {
			c.forget(e)
			c.drop(1)
			c.box.warn(fmt.Sprintf("alerts: %s: given up after it was refused three times while others were taken: %s", c.Name, headline(e.Alert)))
			continue
		}
		c.doubtful = append(c.doubtful, e)
	}
	c.failing.tries++
	c.doubtAt = now.Add(backoff(c.failing.tries))
}

// stand keeps what was sent and goes on, for sinks that must be told again.
func (c *courier) stand(e *entry, now time.Time) {
	if c.Pace.Standing == 0 {
		return
	}
	id := idOf(e.Alert)
	if old := c.standing[id]; old != nil {
		delete(c.standing, id)
		c.box.put(c.waitingKey(old), nil)
	}
	if e.Alert.Status == enforce.StatusResolved || slices.Contains(passing, e.Alert.Kind) {
		return
	}
	if len(c.standing) < c.Queue {
		e.Standing, e.At = true, now
		c.standing[id] = e
		c.box.keep(c.waitingKey(e), e)
	}
}
