package alert

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tripline/enforce"
	"tripline/learn"
)

// Kinds of alerts about the sinks themselves.
const (
	// SinkFailed says that nothing arrives at a sink.
	SinkFailed enforce.Kind = "sink_failed"
	// SinkRecovered says that it does again.
	SinkRecovered enforce.Kind = "sink_recovered"
	// Dropped says that the queue of a sink was full.
	Dropped enforce.Kind = "alerts_dropped"
	// QueueFailed says that the queue cannot be written to disk.
	QueueFailed enforce.Kind = "queue_failed"
	// QueueRecovered says that it can again.
	QueueRecovered enforce.Kind = "queue_recovered"
)

// ownKinds are the kinds of alerts that the outbox makes.
var ownKinds = []enforce.Kind{SinkFailed, SinkRecovered, Dropped, QueueFailed, QueueRecovered}

// passing are those that say what happened, not what goes on.
var passing = []enforce.Kind{SinkRecovered, Dropped, QueueRecovered}

// A Route is one sink as it was configured. The caller closes it, unless an
// [Outbox] has it.
type Route struct {
	Name    string
	Kind    Kind
	Sink    Sink
	Filter  Filter
	Pace    Pace
	Queue   int           // alerts that may wait
	Trouble time.Duration // failing for so long is told to the others
}

// What holds where neither the kind nor the configuration says otherwise.
const (
	defaultQueue   = 10_000
	defaultTrouble = 5 * time.Minute
	defaultTimeout = 20 * time.Second
)

// Open opens a configured sink. It touches no network: a peer that is down is no
// reason not to start. stdout is where "file: -" writes; warn is told what is not
// as it should be and yet works.
func Open(conf *learn.Sink, stdout io.Writer, warn func(string)) (*Route, error) {
	kind, rest, err := find(conf.To)
	if err != nil {
		return nil, conf.Wrong("to", err)
	}
	r := &Route{Name: conf.Name, Kind: kind, Pace: pace(conf, kind.Pace)}
	r.Queue, r.Trouble = cmp.Or(conf.Queue, defaultQueue), cmp.Or(conf.Trouble, defaultTrouble)
	s := &Settings{conf: *conf, kind: kind, rest: rest, stdout: stdout, warn: warn}
	if err := s.check(); err != nil {
		return nil, err
	}
	if r.Filter, err = newFilter(conf, r.Pace.Statuses); err != nil {
		return nil, err
	}
	if r.Sink, err = kind.Open(s); err != nil {
		return nil, fmt.Errorf("%w", err)
	}
	return r, nil
}

// pace is that of the kind with what the configuration says.
func pace(conf *learn.Sink, p Pace) Pace {
	p.Batch = max(1, cmp.Or(conf.Batch, p.Batch))
	p.Timeout = cmp.Or(conf.Timeout, p.Timeout, defaultTimeout)
	if conf.Window >= 0 {
		p.Window = conf.Window
	}
	if conf.Rate.Count > 0 {
		p.Rate = conf.Rate
	}
	return p
}

// Test sends an alert that says it is a test, and returns what the peer answered.
func (r *Route) Test(ctx context.Context, now time.Time) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Pace.Timeout)
	defer cancel()
	a := enforce.Finding("test", enforce.Info, now, "", r.Name, "this is a test of tripline; nothing happened")
	return r.Sink.Send(ctx, &Message{ID: messageID([]string{"test", now.String()}), Alerts: []*enforce.Alert{a}, Test: true})
}

// A Filter says what a sink takes. The zero value takes everything.
type Filter struct {
	Min      enforce.Severity
	Kinds    []string
	Agents   []string
	Statuses []string
	After    learn.Threshold
	Quiet    Quiet
}

// statuses that an alert can have.
var statuses = []string{enforce.StatusNew, enforce.StatusActive, enforce.StatusPersistent, enforce.StatusResolved, enforce.StatusMore}

func newFilter(conf *learn.Sink, usual []string) (Filter, error) {
	f := Filter{Min: enforce.Severity(conf.Min), Kinds: conf.Kinds, Agents: conf.Agents, Statuses: usual, After: conf.After}
	if conf.Min != "" && !slices.Contains(enforce.Severities, f.Min) {
		return f, conf.Wrong("min", fmt.Errorf("%q: want info, low, medium, high or critical", learn.Printable(conf.Min)))
	}
	if conf.Statuses != nil {
		f.Statuses = conf.Statuses
	}
	for _, s := range f.Statuses {
		if !slices.Contains(statuses, s) {
			return f, conf.Wrong("statuses", fmt.Errorf("%q: want some of %s", learn.Printable(s), strings.Join(statuses, ", ")))
		}
	}
	for _, k := range conf.Kinds {
		if k == "" || strings.ContainsFunc(k, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') }) {
			return f, conf.Wrong("kinds", fmt.Errorf("%q: want kinds of alerts such as destination or sensor_silent", learn.Printable(k)))
		}
	}
	zone := time.Local
	if conf.Quiet.Zone != "" {
		var err error
		if zone, err = time.LoadLocation(conf.Quiet.Zone); err != nil {
			return f, conf.Wrong("quiet", learn.WithHint(fmt.Errorf("unknown time zone %q", learn.Printable(conf.Quiet.Zone)), "want an IANA name such as Europe/Berlin"))
		}
	}
	f.Quiet = Quiet{conf.Quiet.From, conf.Quiet.To, zone}
	return f, nil
}

// Takes says whether a sink is told of an alert at all. What the sinks themselves
// suffer is of no agent and no status, and is taken by all that are not the
// sufferer.
func (f *Filter) Takes(a *enforce.Alert) bool {
	if slices.Contains(ownKinds, a.Kind) {
		return f.severe(a)
	}
	return f.severe(a) && has(f.Kinds, string(a.Kind)) && (a.Agent == "" || has(f.Agents, a.Agent)) &&
		(a.Status == "" || has(f.Statuses, a.Status))
}

func (f *Filter) severe(a *enforce.Alert) bool {
	return f.Min == "" || rank(a) >= slices.Index(enforce.Severities, f.Min)
}

// has says whether a list holds a word, or holds nothing and so everything.
func has(list []string, word string) bool { return len(list) == 0 || slices.Contains(list, word) }

// Gated says whether an alert must come several times before it is told.
func (f *Filter) Gated(a *enforce.Alert) bool {
	return f.After.Count > 1 && a.Severity != enforce.Critical && !slices.Contains(ownKinds, a.Kind)
}

// Quiet are the hours in which only what is critical is sent.
type Quiet struct {
	From, To int // minutes of the day; the same are none
	Zone     *time.Location
}

// Until returns when the quiet hours end that now is in, and whether it is in some.
func (q Quiet) Until(now time.Time) (time.Time, bool) {
	if q.From == q.To {
		return time.Time{}, false
	}
	local := now.In(q.Zone)
	y, m, d := local.Date()
	// Around midnight, those of yesterday may still last.
	for day := d - 1; day <= d; day++ {
		from := time.Date(y, m, day, 0, q.From, 0, 0, q.Zone)
		to := time.Date(y, m, day, 0, q.To, 0, 0, q.Zone)
		if q.To < q.From {
			to = time.Date(y, m, day+1, 0, q.To, 0, 0, q.Zone)
		}
		if !now.Before(from) && now.Before(to) {
			return to, true
		}
	}
	return time.Time{}, false
}
