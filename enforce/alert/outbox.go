package alert

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"tripline/enforce"
	"tripline/learn"
)

// A Spool keeps what waits across restarts. Apply puts records and removes those
// whose value is nil, all or none, and returns once that is on disk.
type Spool interface {
	Each(f func(key string, value []byte) error) error
	Apply(changes map[string][]byte) error
}

// An Outbox brings alerts to sinks. It is safe for concurrent use; the caller
// closes it.
type Outbox struct {
	mu       sync.Mutex
	couriers []*courier
	journal  journal
	seq      uint64
	found    []*enforce.Alert // about the sinks, until Findings is asked
	draining bool
	tell     func(string)

	stop context.CancelFunc
}

// NewOutbox starts to deliver what spool has left over from before. Without a spool
// (nil) what waits is lost by a restart. warn is told what a person should know at
// once; it is called from any goroutine.
func NewOutbox(routes []*Route, spool Spool, warn func(string)) (*Outbox, error) {
	o := &Outbox{tell: warn}
	o.journal = journal{spool: spool, wake: make(chan struct{}, 1)}
	for _, r := range routes {
		o.couriers = append(o.couriers, &courier{
			Route: r, box: o, wake: make(chan struct{}, 1), gates: map[gateKey]*gate{}, standing: map[string]*entry{},
			waiting: map[string]bool{}, sent: map[string]time.Time{},
		})
	}
	if err := o.load(time.Now()); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	o.stop = stop
	for _, c := range o.couriers {
		go c.run(ctx)
	}
	go o.write(ctx)
	return o, nil
}

func (o *Outbox) next() uint64 {
	o.seq++
	return o.seq
}

// warn tells a person, later and without the lock.
func (o *Outbox) warn(text string) { go o.tell(text) }

// Take puts an alert in line for every sink that takes it. It never waits.
func (o *Outbox) Take(a *enforce.Alert) {
	own := *a // what repeats is counted in the alert that was given
	now := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.couriers {
		c.take(&own, now)
		c.rouse()
	}
	o.flush()
}

// Findings returns what is to be told about the sinks themselves since it was last
// asked: raise it, and it goes to the other sinks.
func (o *Outbox) Findings(now time.Time) []*enforce.Alert {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.couriers {
		c.look(now)
		c.trim(now)
	}
	found := o.found
	o.found = nil
	return found
}

func (o *Outbox) find(kind enforce.Kind, subject, why string, now time.Time) {
	a := enforce.Finding(kind, enforce.High, now.UTC(), "", subject, why)
	a.ID = idOf(a)
	a.Event = keyOf(a)
	o.found = append(o.found, a)
}

// look sees whether a sink has failed for too long, be it that it never answers.
func (c *courier) look(now time.Time) {
	f := &c.failing
	if !f.began.IsZero() && now.Sub(f.began) > 2*c.Pace.Timeout && f.since.IsZero() {
		f.since, f.why = f.began, "it hangs"
	}
	if f.since.IsZero() || f.told || now.Sub(f.since) < c.Trouble {
		return
	}
	f.told = true
	why := fmt.Sprintf("nothing arrives since %s: %s; %s", now.Sub(f.since).Round(time.Second), f.why, c.backlog())
	c.box.find(SinkFailed, c.Name, why, now)
}

func (c *courier) backlog() string {
	text := fmt.Sprintf("%d waiting", len(c.waiting))
	if c.dropped > 0 {
		text += fmt.Sprintf(", %d dropped", c.dropped)
	}
	return text
}

// recovered notes that a sink takes what it is sent.
func (c *courier) recovered(now time.Time) {
	if c.failing.told {
		why := fmt.Sprintf("it takes alerts again, after %s", now.Sub(c.failing.since).Round(time.Second))
		c.box.find(SinkRecovered, c.Name, why, now)
	}
	c.failing = failing{}
}

// tellDropped says how much never arrived, once something does.
func (c *courier) tellDropped(now time.Time) {
	if c.dropped == 0 {
		return
	}
	c.box.find(Dropped, c.Name, fmt.Sprintf("%d alerts never arrived: the queue was full, or they were refused", c.dropped), now)
	c.dropped = 0
	c.box.put(c.droppedKey(), nil)
}

// What was sent is remembered for so long, and no more than so many.
const (
	sentAge = 7 * 24 * time.Hour
	sentMax = 50_000
)

// trim forgets what was sent long ago.
func (c *courier) trim(now time.Time) {
	if len(c.sent) <= sentMax && now.Sub(c.trimmed) < time.Hour {
		return
	}
	c.trimmed = now
	keys := make([]string, 0, len(c.sent))
	for key := range c.sent {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int { return c.sent[a].Compare(c.sent[b]) })
	for i, key := range keys {
		if len(keys)-i > sentMax*9/10 || now.Sub(c.sent[key]) > sentAge {
			delete(c.sent, key)
			c.box.put(c.sentKey(key), nil)
		}
	}
}

// A State is how it stands with a sink.
type State struct {
	Name, Kind string
	Waiting    int    // alerts that were not delivered yet
	Held       int    // of these, what quiet hours or a threshold hold back
	Delivered  uint64 // alerts since the start
	Failures   uint64 // tries that failed since the start
	Dropped    uint64 // alerts that never arrive
	Failing    time.Duration
	Why        string // it fails
	Answer     string // the last one that was yes
}

// States returns how it stands with every sink.
func (o *Outbox) States(now time.Time) (list []State) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.couriers {
		s := State{
			Name: c.Name, Kind: c.Kind.Name, Waiting: len(c.waiting), Held: c.held(now), Delivered: c.delivered, Failures: c.failures,
			Dropped: c.lost, Why: c.failing.why, Answer: learn.Printable(c.answer),
		}
		if !c.failing.since.IsZero() {
			s.Failing = now.Sub(c.failing.since)
		}
		list = append(list, s)
	}
	return list
}

func (c *courier) held(now time.Time) (n int) {
	for _, g := range c.gates {
		n += len(g.held)
	}
	if _, is := c.Filter.Quiet.Until(now); is {
		for _, lane := range c.lanes[:4] {
			n += len(lane)
		}
	}
	return n
}

// Close delivers what can be delivered at once until ctx ends, and stops. What
// waits after that is sent by the next outbox with the same spool.
func (o *Outbox) Close(ctx context.Context) error {
	o.mu.Lock()
	o.draining = true
	for _, c := range o.couriers {
		c.rouse()
	}
	o.mu.Unlock()
	o.wait(ctx)
	o.stop()
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	o.wait(patience) // a sink that hangs is left behind
	err := o.Sync(patience)
	if o.empty() {
		err = nil // nothing is lost by it
	}
	for _, c := range o.couriers {
		if c.idle() {
			err = errors.Join(err, c.Sink.Close())
		}
	}
	return err
}

// empty says whether nothing waits for any sink.
func (o *Outbox) empty() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !slices.ContainsFunc(o.couriers, func(c *courier) bool { return len(c.waiting) > 0 })
}

// wait returns when all couriers have stopped, or ctx has ended.
func (o *Outbox) wait(ctx context.Context) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for slices.ContainsFunc(o.couriers, func(c *courier) bool { return !c.idle() }) {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
