package alert

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tripline/enforce"
)

// A courier brings alerts to one sink. Its fields are guarded by the lock of its
// outbox; only sending is done without.
type courier struct {
	*Route
	box  *Outbox
	wake chan struct{}

	lanes    [5][]*entry // what waits, by severity, in the order it was taken
	doubtful []*entry    // what the peer refused, to be tried alone
	gates    map[gateKey]*gate
	standing map[string]*entry // what was sent and goes on, by its ID
	waiting  map[string]bool   // keys of all but the standing ones
	sent     map[string]time.Time
	pace     pacer

	failing   failing
	doubtAt   time.Time // when the next doubtful one is due
	again     time.Time // when the standing ones were sent last
	delivered uint64
	failures  uint64
	dropped   uint64 // since it was told
	lost      uint64 // dropped or refused, in all
	answer    string
	trimmed   time.Time // when what was sent long ago was forgotten
	sending   []*entry
	done      bool
}

// idle says whether it has stopped, so that its sink may be closed.
func (c *courier) idle() bool {
	c.box.mu.Lock()
	defer c.box.mu.Unlock()
	return c.done
}

// entries are all that belong into the spool.
func (c *courier) entries() []*entry {
	list := slices.Concat(c.sending, c.doubtful)
	for _, lane := range c.lanes {
		list = append(list, lane...)
	}
	for _, g := range c.gates {
		list = append(list, g.held...)
	}
	for _, e := range c.standing {
		list = append(list, e)
	}
	return list
}

// take puts an alert in line, unless it is not for this sink or there already.
func (c *courier) take(a *enforce.Alert, now time.Time) {
	if !c.Filter.Takes(a) || (a.Kind == SinkFailed && a.Subject == c.Name) {
		return
	}
	key := keyOf(a)
	if _, sent := c.sent[key]; sent || c.waiting[key] {
		return
	}
	e := &entry{Key: key, Seq: c.box.next(), At: now, Alert: a, Gated: c.Filter.Gated(a)}
	if !c.room(e) {
		return
	}
	c.waiting[key] = true
	c.box.keep(c.waitingKey(e), e)
	c.place(e, now)
}

// place puts an entry where it waits.
func (c *courier) place(e *entry, now time.Time) {
	if !e.Gated {
		c.lanes[rank(e.Alert)] = append(c.lanes[rank(e.Alert)], e)
		return
	}
	for _, e := range c.gate(e, now) {
		c.lanes[rank(e.Alert)] = append(c.lanes[rank(e.Alert)], e)
	}
}

// room sees to it that there is room for one more: the oldest of the least severe
// goes, be it the new one itself.
func (c *courier) room(e *entry) bool {
	if len(c.waiting) < c.Queue {
		return true
	}
	c.drop(1)
	for at := 0; at <= rank(e.Alert); at++ {
		if len(c.lanes[at]) > 0 {
			c.forget(c.lanes[at][0])
			c.lanes[at] = c.lanes[at][1:]
			return true
		}
	}
	if len(c.doubtful) > 0 {
		c.forget(c.doubtful[0])
		c.doubtful = c.doubtful[1:]
		return true
	}
	return false
}

func (c *courier) drop(n uint64) {
	c.dropped += n
	c.lost += n
	c.box.put(c.droppedKey(), fmt.Append(nil, c.dropped))
}

// forget takes an entry off the queue.
func (c *courier) forget(e *entry) {
	delete(c.waiting, e.Key)
	c.box.put(c.waitingKey(e), nil)
}

// run sends until the outbox closes.
func (c *courier) run(ctx context.Context) {
	for ctx.Err() == nil {
		l, wait := c.begin(time.Now())
		switch {
		case l != nil:
			answer, err := c.send(ctx, l)
			c.end(l, answer, err, time.Now())
		case wait == 0:
			return
		default:
			c.sleep(ctx, wait)
		}
	}
	c.box.mu.Lock()
	defer c.box.mu.Unlock()
	c.done = true
}

// begin returns what to send now, or how long to wait; neither once all is done.
func (c *courier) begin(now time.Time) (*load, time.Duration) {
	c.box.mu.Lock()
	defer c.box.mu.Unlock()
	l, wait := c.next(now)
	switch {
	case l != nil:
		c.failing.began, c.sending = now, l.entries
	case c.box.draining:
		c.done = true
		return nil, 0
	}
	return l, max(wait, time.Millisecond)
}

func (c *courier) end(l *load, answer string, err error, now time.Time) {
	c.box.mu.Lock()
	defer c.box.mu.Unlock()
	c.failing.began, c.sending = time.Time{}, nil
	c.settle(l, answer, err, now)
	c.box.flush()
}

func (c *courier) send(ctx context.Context, l *load) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Pace.Timeout)
	defer cancel()
	return c.Sink.Send(ctx, l.message)
}

func (c *courier) sleep(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-c.wake:
	case <-timer.C:
	}
}

// rouse lets it look again.
func (c *courier) rouse() {
	select {
	case c.wake <- struct{}{}:
	default: // it will look anyway
	}
}
