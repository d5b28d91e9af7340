package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"tripline/learn"
)

// A journal is what is still to be written to the spool. Sending does not wait for
// it: what is lost by a crash in between is read again from the log, and what is
// told twice has the same ID.
type journal struct {
	spool   Spool
	changes map[string][]byte
	wake    chan struct{}
	busy    bool // changes are being written
	stale   bool // writing failed: the spool is not what it should be
	retryAt time.Time
	told    bool
}

// journalRetry is how long to leave a disk alone that could not be written.
const journalRetry = 5 * time.Second

func (o *Outbox) keep(key string, e *entry) {
	if o.journal.spool != nil {
		o.put(key, e.encode())
	}
}

func (o *Outbox) put(key string, value []byte) {
	j := &o.journal
	if j.spool == nil || j.stale {
		return // what is stale is written as a whole
	}
	if j.changes == nil {
		j.changes = map[string][]byte{}
	}
	j.changes[key] = value
}

// flush has the journal written soon.
func (o *Outbox) flush() {
	select {
	case o.journal.wake <- struct{}{}:
	default:
	}
}

// write keeps the spool up to date until the outbox has stopped.
func (o *Outbox) write(ctx context.Context) {
	for ctx.Err() == nil {
		timer := time.NewTimer(journalRetry)
		select {
		case <-ctx.Done():
		case <-o.journal.wake:
		case <-timer.C:
		}
		timer.Stop()
		o.save(time.Now())
	}
}

// save writes what has changed, or all of it where the spool is stale.
func (o *Outbox) save(now time.Time) {
	o.mu.Lock()
	j := &o.journal
	// Another call is writing: its changes come first.
	if j.spool == nil || j.busy || len(j.changes) == 0 && (!j.stale || now.Before(j.retryAt)) {
		o.mu.Unlock()
		return
	}
	changes, stale := j.changes, j.stale
	if stale {
		changes = o.whole()
	}
	j.changes, j.busy, j.stale = nil, true, false
	o.mu.Unlock()
	err := apply(j.spool, changes, stale)
	o.mu.Lock()
	j.busy = false
	o.saved(err, now)
	o.mu.Unlock()
}

// apply writes changes; the whole state takes away what is not in it.
func apply(s Spool, changes map[string][]byte, whole bool) error {
	if whole {
		err := s.Each(func(key string, _ []byte) error {
			if _, ok := changes[key]; !ok {
				changes[key] = nil
			}
			return nil
		})
		if err != nil {
			return err //nolint:wrapcheck // the spool says its place
		}
	}
	return s.Apply(changes) //nolint:wrapcheck // the spool says its place
}

// saved notes whether the disk took it.
func (o *Outbox) saved(err error, now time.Time) {
	j := &o.journal
	if err == nil {
		if j.told {
			o.find(QueueRecovered, "queue", "what waits is on disk again", now)
		}
		j.told = false
		return
	}
	j.stale, j.changes, j.retryAt = true, nil, now.Add(journalRetry)
	if !j.told {
		j.told = true
		why := "alerts leave from memory alone, a restart would lose what waits: " + learn.Printable(err.Error())
		o.find(QueueFailed, "queue", why, now)
	}
}

// whole returns everything that belongs into the spool.
func (o *Outbox) whole() map[string][]byte {
	all := map[string][]byte{}
	for _, c := range o.couriers {
		for _, e := range c.entries() {
			all[c.waitingKey(e)] = e.encode()
		}
		for key, at := range c.sent {
			all[c.sentKey(key)] = fmt.Append(nil, at.Unix())
		}
		if c.dropped > 0 {
			all[c.droppedKey()] = fmt.Append(nil, c.dropped)
		}
	}
	return all
}

// Sync waits until everything taken so far is on disk. An error says that it is in
// memory only, or not there in time; it is tried again.
func (o *Outbox) Sync(ctx context.Context) error {
	for {
		o.save(time.Now())
		o.mu.Lock()
		clean, stale := len(o.journal.changes) == 0 && !o.journal.busy, o.journal.stale
		o.mu.Unlock()
		switch {
		case stale:
			return errors.New("alerts: the queue cannot be written: a restart would lose what waits")
		case clean:
			return nil
		}
		timer := time.NewTimer(time.Millisecond)
		select {
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("alerts: the queue is not written yet: %w", context.Cause(ctx))
		case <-timer.C:
		}
	}
}

// load takes over what an earlier process left.
func (o *Outbox) load(now time.Time) error {
	if o.journal.spool == nil {
		return nil
	}
	byName := map[string]*courier{}
	for _, c := range o.couriers {
		byName[c.Name] = c
	}
	strangers := map[string]int{}
	err := o.journal.spool.Each(func(key string, value []byte) error {
		what, rest, _ := strings.Cut(key, "/")
		name, id, _ := strings.Cut(rest, "/")
		if c := byName[name]; c != nil {
			return c.restore(what, id, value, now)
		}
		if what == "q" {
			strangers[name]++
		}
		return nil
	})
	for _, name := range slices.Sorted(maps.Keys(strangers)) {
		o.tell(fmt.Sprintf("alerts: %d wait for %s, which the configuration does not have any more", strangers[name], learn.Printable(name)))
	}
	return err //nolint:wrapcheck // the spool says its place
}

// restore takes over one record. One that cannot be read is an alert that was lost.
func (c *courier) restore(what, id string, value []byte, now time.Time) error {
	switch what {
	case "q":
		var e entry
		if err := json.Unmarshal(value, &e); err != nil || e.Alert == nil {
			c.drop(1)
			c.box.put("q/"+c.Name+"/"+id, nil)
			return nil //nolint:nilerr // it is counted
		}
		c.box.seq = max(c.box.seq, e.Seq)
		if e.Standing {
			c.standing[idOf(e.Alert)] = &e
			return nil
		}
		c.waiting[e.Key] = true
		c.place(&e, now)
	case "s":
		if at, err := strconv.ParseInt(string(value), 10, 64); err == nil {
			c.sent[id] = time.Unix(at, 0)
		}
	case "d":
		n, _ := strconv.ParseUint(string(value), 10, 64) // 0 where it cannot be read
		c.dropped += n
		c.lost += n
	}
	return nil
}
