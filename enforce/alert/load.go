package alert

import (
	"maps"
	"slices"
	"time"

	"tripline/enforce"
)

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
