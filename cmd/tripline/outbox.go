package main

import (
	"context"
	"errors"
	"time"

	"tripline/enforce"
	"tripline/enforce/alert"
	"tripline/ipranges"
	"tripline/learn"
	"tripline/store"
)

// How long enforce waits for its outbox: for the disk each time before the place
// in the log is kept, and for the sinks when it ends.
const (
	outboxSync  = 5 * time.Second
	outboxDrain = 5 * time.Second
)

// An outbox sends what is raised to the sinks of the configuration. A nil one sends
// nothing.
type outbox struct {
	w     *watching
	box   *alert.Outbox
	spool *store.Spool // nil where alerts are in memory alone
	shown map[string]alert.State
}

// openOutbox starts to send, where there is somewhere to send to.
func (w *watching) openOutbox() error {
	if len(w.a.config.Alerts) == 0 || !w.o.follow && !w.o.send {
		return nil
	}
	routes, err := w.a.routes()
	if err != nil {
		return err
	}
	o := &outbox{w: w}
	if o.spool, err = w.openSpool(); err != nil {
		return err
	}
	if o.box, err = o.begin(routes); err != nil {
		return errors.Join(err, o.spool.Close())
	}
	w.outbox = o
	return nil
}

func (o *outbox) begin(routes []*alert.Route) (*alert.Outbox, error) {
	warn := func(text string) { o.w.a.warn("%s", text) }
	if o.spool == nil { // not a nil pointer in an interface
		return alert.NewOutbox(routes, nil, warn)
	}
	return alert.NewOutbox(routes, o.spool, warn)
}

// openSpool opens the queue on disk. Where that is not possible, alerts leave from
// memory: that is said, and better than none. Only a queue that another process
// sends from is an error.
func (w *watching) openSpool() (*store.Spool, error) {
	path := w.o.queue
	if path == "" {
		path = queueOf(w.a)
	}
	s, err := store.OpenSpool(path, store.Options{Wait: wait, Holder: "tripline enforce"})
	switch {
	case err == nil:
		return s, nil
	case errors.Is(err, store.ErrLocked):
		return nil, learn.WithHint(err, "give each enforce a queue of its own: --queue FILE")
	case errors.Is(err, store.ErrNotStore):
		return nil, learn.WithHint(err, "choose another file with --queue, or move this one away to start anew")
	}
	w.a.warn("%v; alerts are sent, but what waits is kept in memory alone", err)
	return nil, nil
}

// queueOf is where alerts wait unless another place is named.
func queueOf(a *app) string { return a.path() + ".alerts" }

// routes opens the sinks of the configuration.
func (a *app) routes() (list []*alert.Route, err error) {
	for i := range a.config.Alerts {
		r, err := alert.Open(&a.config.Alerts[i], a.stdout, func(text string) { a.warn("%s", text) })
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// take puts an alert in line. It never waits for a sink.
func (o *outbox) take(al *enforce.Alert) {
	if o != nil {
		o.box.Take(al)
	}
}

// tick raises what is to be told of the sinks themselves.
func (o *outbox) tick(now time.Time) error {
	if o == nil {
		return nil
	}
	var err error
	for _, al := range o.box.Findings(now) {
		err = errors.Join(err, o.tell(al))
	}
	o.show(now)
	return err
}

// show has metrics and health say how it stands with every sink.
func (o *outbox) show(now time.Time) {
	if o.shown == nil {
		o.shown = map[string]alert.State{}
	}
	for _, s := range o.box.States(now) {
		was := o.shown[s.Name]
		o.w.metrics.sent.add(s.Delivered-was.Delivered, s.Name)
		o.w.metrics.failures.add(s.Failures-was.Failures, s.Name)
		o.w.metrics.queue.set(float64(s.Waiting), s.Name)
		o.shown[s.Name] = s
		if s.Failing < sinkSick {
			o.w.health.passes("sink " + s.Name)
			continue
		}
		o.w.health.fails("sink "+s.Name, now, "nothing arrives since "+s.Failing.Round(time.Second).String()+": "+s.Why, "tripline alert test "+s.Name)
	}
}

// sinkSick is how long a sink may fail before the whole is called unwell: the
// others have been told of it by then.
const sinkSick = 5 * time.Minute

// sync has what was taken on disk, before the place in the log is kept.
func (o *outbox) sync() {
	if o == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), outboxSync)
	defer cancel()
	_ = o.box.Sync(ctx) // what cannot be written is a finding, and tried again
}

// tell tells of the sinks themselves. That one fails lasts until it is well again;
// the rest happens once.
func (o *outbox) tell(al *enforce.Alert) error {
	over := enforce.Kind("")
	switch al.Kind {
	case alert.SinkFailed, alert.QueueFailed:
		return o.w.raise(al)
	case alert.SinkRecovered:
		over = alert.SinkFailed
	case alert.QueueRecovered:
		over = alert.QueueFailed
	default: // of the sinks there are no others that end
	}
	events := o.w.watch.Ledger().Resolve(func(a *enforce.Alert) bool { return a.Kind == over && a.Subject == al.Subject })
	return errors.Join(o.w.tellAll(events), o.w.tell(al))
}

// close sends what can be sent at once, and says what could not.
func (o *outbox) close() error {
	if o == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), outboxDrain)
	defer cancel()
	err := o.box.Close(ctx)
	for _, s := range o.box.States(o.w.a.now()) {
		o.left(s)
	}
	if o.spool != nil {
		err = errors.Join(err, o.spool.Close())
	}
	return err
}

// left says what a sink was not told.
func (o *outbox) left(s alert.State) {
	if s.Dropped > 0 {
		o.w.a.warn("alerts: %s: %s never arrived", s.Name, count(s.Dropped, "alert", "alerts"))
	}
	if s.Waiting == 0 {
		return
	}
	fate := "sent when enforce runs again"
	if o.spool == nil {
		fate = "lost"
	}
	why := ""
	if s.Why != "" {
		why = ": " + s.Why
	}
	o.w.a.warn("alerts: %s: %s not delivered, to be %s%s", s.Name, ipranges.Thousands(uint64(s.Waiting)), fate, why)
}
