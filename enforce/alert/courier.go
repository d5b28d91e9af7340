package alert

import (
	"context"
	"errors"
	"fmt"
	"maps"
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

// A load is what is sent next.
type load struct {
	message *Message
	entries []*entry
}

// next returns what is to be sent now, or how long to wait if nothing comes.
func (c *courier) next(now time.Time) (l *load, wait time.Duration) {
	c.expire(now)
	if wait := c.failing.wait(now); wait > 0 {
		return nil, wait
	}
	least, wait := 0, forever
	if until, is := c.Filter.Quiet.Until(now); is {
		least, wait = rank(&enforce.Alert{Severity: enforce.Critical}), until.Sub(now)
	}
	urgent := len(c.lanes[4]) > 0
	some := slices.ContainsFunc(c.lanes[least:], func(lane []*entry) bool { return len(lane) > 0 })
	if !some {
		return c.rest(now, least, wait)
	}
	if paced := c.pace.wait(c.Pace, now, urgent || c.box.draining); paced > 0 {
		return nil, min(wait, paced)
	}
	return c.load(least), 0
}

// load takes what matters most off the lanes, as much as one message holds.
func (c *courier) load(least int) *load {
	l := &load{}
	for at := len(c.lanes) - 1; at >= least; at-- {
		n := min(len(c.lanes[at]), c.Pace.Batch-len(l.entries))
		l.entries = append(l.entries, c.lanes[at][:n]...)
		c.lanes[at] = c.lanes[at][n:]
	}
	return l.pack(c.Filter.Quiet)
}

// pack makes a message of entries. One that was taken in quiet hours makes it a
// digest, unless it was too urgent to be held back.
func (l *load) pack(q Quiet) *load {
	l.message = &Message{}
	var keys []string
	for _, e := range l.entries {
		keys = append(keys, e.Key)
		l.message.Alerts = append(l.message.Alerts, e.Alert)
		_, held := q.Until(e.At)
		l.message.Digest = l.message.Digest || held && e.Alert.Severity != enforce.Critical
	}
	l.message.ID = messageID(keys)
	return l
}

// rest returns what else is due: what was refused, one at a time, and what goes on.
func (c *courier) rest(now time.Time, least int, wait time.Duration) (*load, time.Duration) {
	if len(c.doubtful) > 0 && least == 0 {
		if due := c.doubtAt.Sub(now); due > 0 {
			return nil, min(wait, due)
		}
		l := &load{entries: c.doubtful[:1:1]}
		c.doubtful = c.doubtful[1:]
		return l.pack(c.Filter.Quiet), 0
	}
	if c.Pace.Standing == 0 || len(c.standing) == 0 || c.box.draining {
		return nil, min(wait, c.gatesWait(now))
	}
	if due := c.again.Add(c.Pace.Standing).Sub(now); due > 0 {
		return nil, min(wait, due)
	}
	return c.repeat(), 0
}

// repeat returns what was sent before and goes on.
func (c *courier) repeat() *load {
	l := &load{message: &Message{Again: true}}
	for _, e := range slices.SortedFunc(maps.Values(c.standing), before) {
		l.message.Alerts = append(l.message.Alerts, e.Alert)
	}
	return l
}

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
