package alert_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tripline/enforce"
	"tripline/enforce/alert"
	"tripline/learn"
)

// A peer is a sink that remembers, and fails as it is told.
type peer struct {
	mu   sync.Mutex
	got  []*alert.Message
	at   []time.Duration
	from time.Time
	fail func(n int, m *alert.Message) error // n counts tries from 1
	n    int
}

func (p *peer) Send(ctx context.Context, m *alert.Message) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	if p.fail != nil {
		if err := p.fail(p.n, m); err != nil {
			if errors.Is(err, errHang) {
				p.mu.Unlock()
				<-ctx.Done()
				p.mu.Lock()
				return "", ctx.Err()
			}
			return "", err
		}
	}
	p.got, p.at = append(p.got, m), append(p.at, time.Since(p.from).Round(time.Second))
	return "taken", nil
}

func (p *peer) Close() error { return nil }

var errHang = errors.New("hang")

func (p *peer) tried() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.n
}

func (p *peer) times() []time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.at)
}

func (p *peer) messages() []*alert.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.got)
}

func last[T any](list []T) T { return list[len(list)-1] }

// names are the subjects of what arrived, messages apart.
func (p *peer) names() (list []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.got {
		var names []string
		for _, a := range m.Alerts {
			names = append(names, a.Subject)
		}
		list = append(list, strings.Join(names, "+"))
	}
	return list
}

// A memory is a spool that outlives an outbox, and may be full.
type memory struct {
	mu   sync.Mutex
	kept map[string][]byte
	full bool
}

func (s *memory) Each(f func(string, []byte) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(s.kept)) {
		if err := f(key, s.kept[key]); err != nil {
			return err
		}
	}
	return nil
}

func (s *memory) Apply(changes map[string][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full {
		return errors.New("no space left on device")
	}
	if s.kept == nil {
		s.kept = map[string][]byte{}
	}
	for key, value := range changes {
		if s.kept[key] = value; value == nil {
			delete(s.kept, key)
		}
	}
	return nil
}

func (s *memory) waiting() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.kept {
		if strings.HasPrefix(key, "q/") {
			n++
		}
	}
	return n
}

func route(name string, s alert.Sink) *alert.Route {
	return &alert.Route{Name: name, Sink: s, Queue: 1000, Trouble: time.Minute, Pace: alert.Pace{Batch: 100, Timeout: 10 * time.Second}}
}

func finding(subject string, severity enforce.Severity) *enforce.Alert {
	return enforce.Finding("test_kind", severity, time.Now(), "bot", subject, "why")
}

func open(t *testing.T, s alert.Spool, routes ...*alert.Route) *alert.Outbox {
	t.Helper()
	o, err := alert.NewOutbox(routes, s, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func shut(t *testing.T, o *alert.Outbox) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := o.Close(ctx); err != nil {
		t.Error(err)
	}
}

func want[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s: got %s, want %s", what, g, w)
	}
}

func TestOutboxDeliversAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &peer{from: time.Now()}
		o := open(t, &memory{}, route("p", p))
		o.Take(finding("a", enforce.High))
		synctest.Wait()
		want(t, "arrived without any time passing", p.names(), []string{"a"})
		shut(t, o)
	})
}

func TestOutboxGroupsWhatFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &peer{from: time.Now()}
		r := route("p", p)
		r.Pace.Window = 30 * time.Second
		o := open(t, nil, r)
		for i, name := range []string{"a", "b", "c", "d"} {
			o.Take(finding(name, enforce.High))
			synctest.Wait()
			time.Sleep(time.Duration(i) * time.Second)
		}
		o.Take(finding("now", enforce.Critical))
		time.Sleep(time.Minute)
		want(t, "messages", p.names(), []string{"a", "now+b+c+d"})
		want(t, "times", p.times(), []time.Duration{0, 6 * time.Second})
		shut(t, o)
	})
}

func TestOutboxTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &peer{from: time.Now(), fail: func(n int, _ *alert.Message) error {
			switch n {
			case 1, 2, 3:
				return errors.New("broken")
			case 4:
				return &alert.PeerError{Answer: "429", After: 90 * time.Second}
			}
			return nil
		}}
		o := open(t, nil, route("p", p))
		o.Take(finding("a", enforce.High))
		time.Sleep(10 * time.Minute)
		want(t, "messages", p.names(), []string{"a"})
		if p.times()[0] < 93*time.Second || p.times()[0] > 97*time.Second { // 0.5..1 + 1..2 + 2..4, and exactly 90
			t.Errorf("arrived after %s, want the backoff and then as long as the peer asked", p.times()[0])
		}
		shut(t, o)
	})
}

// A crash is an outbox that is left behind; what it sends later is not looked at.
func TestOutboxSurvivesCrashes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spool, down := &memory{}, &peer{fail: func(int, *alert.Message) error { return errHang }}
		first := open(t, spool, route("p", down))
		a := finding("a", enforce.High)
		first.Take(a)
		first.Take(finding("b", enforce.Low))
		if err := first.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		shut(t, first)
		want(t, "waiting on disk", spool.waiting(), 2)

		p := &peer{from: time.Now()}
		second := open(t, spool, route("p", p))
		synctest.Wait()
		want(t, "after the restart", p.names(), []string{"a+b"})
		second.Take(a) // read again from the log
		synctest.Wait()
		shut(t, second)

		third := open(t, spool, route("p", p))
		third.Take(a)
		synctest.Wait()
		want(t, "raised again", p.names(), []string{"a+b"})
		want(t, "waiting on disk", spool.waiting(), 0)
		shut(t, third)
	})
}

func TestOutboxDropsTheOldestLeastSevere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		broken.Store(true)
		p := &peer{from: time.Now(), fail: func(int, *alert.Message) error {
			if broken.Load() {
				return errors.New("broken")
			}
			return nil
		}}
		r := route("p", p)
		r.Queue = 4
		o := open(t, &memory{}, r)
		for i, s := range []enforce.Severity{enforce.Low, enforce.High, enforce.Low, enforce.Medium, enforce.High, enforce.Critical, enforce.High, enforce.Info} {
			o.Take(finding(fmt.Sprint(i), s))
			synctest.Wait()
		}
		broken.Store(false)
		time.Sleep(10 * time.Minute)
		want(t, "arrived", p.names(), []string{"5+1+4+6"})
		found := o.Findings(time.Now())
		if len(found) != 1 || found[0].Kind != alert.Dropped || !strings.HasPrefix(found[0].Why, "4 alerts") {
			t.Errorf("got %v, want that 4 were dropped", found)
		}
		want(t, "dropped", o.States(time.Now())[0].Dropped, 4)
		shut(t, o)
	})
}

func TestOutboxTellsOthersOfASinkThatFails(t *testing.T) {
	for name, failure := range map[string]error{"fails": errors.New("broken"), "hangs": errHang} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var broken atomic.Bool
				broken.Store(true)
				bad := &peer{from: time.Now(), fail: func(int, *alert.Message) error {
					if broken.Load() {
						return failure
					}
					return nil
				}}
				good := &peer{from: time.Now()}
				o := open(t, nil, route("bad", bad), route("good", good))
				raise := func() {
					for range 600 {
						time.Sleep(time.Second)
						for _, al := range o.Findings(time.Now()) {
							o.Take(al)
						}
					}
				}
				o.Take(finding("a", enforce.High))
				raise()
				want(t, "good, while bad fails", good.names(), []string{"a", "bad"})
				want(t, "kind", good.got[1].Alerts[0].Kind, alert.SinkFailed)
				broken.Store(false)
				raise()
				want(t, "good", good.names(), []string{"a", "bad", "bad"})
				want(t, "kind", good.got[2].Alerts[0].Kind, alert.SinkRecovered)
				want(t, "bad, never of itself but that it is well", bad.names(), []string{"a", "bad"})
				shut(t, o)
			})
		})
	}
}

func TestOutboxGivesUpOnWhatIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &peer{from: time.Now(), fail: func(_ int, m *alert.Message) error {
			for _, a := range m.Alerts {
				if a.Subject == "poison" {
					return &alert.PeerError{Answer: "400", Refused: true}
				}
			}
			return nil
		}}
		o := open(t, &memory{}, route("p", p))
		o.Take(finding("poison", enforce.Critical))
		o.Take(finding("a", enforce.High))
		o.Take(finding("b", enforce.High))
		time.Sleep(time.Hour)
		got := p.names()
		slices.Sort(got)
		want(t, "arrived", got, []string{"a", "b"})
		s := o.States(time.Now())[0]
		want(t, "waiting and dropped", []int{s.Waiting, int(s.Dropped)}, []int{0, 1})
		shut(t, o)
	})
}

// What is refused for the configuration's sake waits until that is mended.
func TestOutboxKeepsWhatAllIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		broken.Store(true)
		p := &peer{from: time.Now(), fail: func(int, *alert.Message) error {
			if broken.Load() {
				return &alert.PeerError{Answer: "400 chat not found", Refused: true}
			}
			return nil
		}}
		o := open(t, &memory{}, route("p", p))
		for i := range 5 {
			o.Take(finding(fmt.Sprint(i), enforce.High))
		}
		time.Sleep(5 * time.Hour)
		want(t, "waiting", o.States(time.Now())[0].Waiting, 5)
		if n := p.tried(); n > 100 {
			t.Errorf("the peer was asked %d times in five hours", n)
		}
		broken.Store(false)
		time.Sleep(time.Hour)
		want(t, "waiting", o.States(time.Now())[0].Waiting, 0)
		want(t, "arrived", len(p.names()), 5)
		shut(t, o)
	})
}

func TestOutboxSendsFromMemoryWhenTheDiskIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, spool := &peer{from: time.Now()}, &memory{full: true}
		r := route("p", p)
		r.Pace.Gap = time.Minute
		o := open(t, spool, r)
		o.Take(finding("a", enforce.High))
		o.Take(finding("b", enforce.High))
		if err := o.Sync(t.Context()); err == nil {
			t.Error("got no error, want that it is in memory alone")
		}
		synctest.Wait()
		want(t, "arrived", p.names()[0][:1], "a")
		found := o.Findings(time.Now())
		if len(found) != 1 || found[0].Kind != alert.QueueFailed {
			t.Errorf("got %v, want %s", found, alert.QueueFailed)
		}
		o.Take(finding("c", enforce.High))
		spool.mu.Lock()
		spool.full = false
		spool.mu.Unlock()
		time.Sleep(10 * time.Second)
		if found := o.Findings(time.Now()); len(found) != 1 || found[0].Kind != alert.QueueRecovered {
			t.Errorf("got %v, want %s", found, alert.QueueRecovered)
		}
		want(t, "on disk is what waits", spool.waiting(), o.States(time.Now())[0].Waiting)
		time.Sleep(5 * time.Minute)
		want(t, "waiting on disk", spool.waiting(), 0)
		shut(t, o)
	})
}

func TestOutboxThreshold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, spool := &peer{from: time.Now()}, &memory{}
		anew := func() *alert.Route {
			r := route("p", p)
			r.Filter.After = learn.Threshold{Count: 3, Within: 5 * time.Minute}
			return r
		}
		o := open(t, spool, anew())
		o.Take(finding("old", enforce.High))
		time.Sleep(6 * time.Minute)
		o.Take(finding("a", enforce.High))
		time.Sleep(time.Minute)
		o.Take(finding("b", enforce.High))
		o.Take(finding("critical", enforce.Critical))
		synctest.Wait()
		want(t, "below the threshold", p.names(), []string{"critical"})
		shut(t, o)
		o = open(t, spool, anew()) // it counts across restarts
		time.Sleep(time.Minute)
		o.Take(finding("c", enforce.High))
		synctest.Wait()
		want(t, "at the threshold", p.names(), []string{"critical", "a+b+c"})
		o.Take(finding("d", enforce.High))
		synctest.Wait()
		want(t, "above the threshold", p.names(), []string{"critical", "a+b+c", "d"})
		time.Sleep(time.Hour)
		o.Take(finding("e", enforce.High))
		time.Sleep(time.Hour)
		want(t, "below the threshold", len(p.names()), 3)
		want(t, "waiting on disk", spool.waiting(), 0)
		shut(t, o)
	})
}

func TestOutboxQuietHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it begins on 2000-01-01 at 00:00 UTC
		p, spool := &peer{from: time.Now()}, &memory{}
		anew := func() *alert.Route {
			r := route("p", p)
			r.Filter.Quiet = alert.Quiet{From: 22 * 60, To: 7 * 60, Zone: time.UTC}
			return r
		}
		o := open(t, spool, anew())
		o.Take(finding("a", enforce.High))
		o.Take(finding("critical", enforce.Critical))
		time.Sleep(time.Hour)
		o.Take(finding("b", enforce.High))
		shut(t, o)
		o = open(t, spool, anew())
		time.Sleep(8 * time.Hour)
		want(t, "arrived", p.names(), []string{"critical", "a+b"})
		want(t, "times", p.times(), []time.Duration{0, 7 * time.Hour})
		want(t, "digest", p.messages()[1].Digest, true)
		want(t, "critical is none", p.messages()[0].Digest, false)
		o.Take(finding("c", enforce.High))
		synctest.Wait()
		want(t, "by day no digest", p.messages()[2].Digest, false)
		shut(t, o)
	})
}

func TestOutboxRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &peer{from: time.Now()}
		r := route("p", p)
		r.Pace.Rate = learn.Rate{Count: 2, Per: time.Minute}
		o := open(t, nil, r)
		for i := range 90 {
			o.Take(finding(fmt.Sprint(i), enforce.High))
			time.Sleep(time.Second)
		}
		time.Sleep(2 * time.Minute)
		want(t, "times", p.times(), []time.Duration{0, time.Second, time.Minute, 61 * time.Second, 2 * time.Minute})
		if n := len(p.messages()[2].Alerts); n < 58 {
			t.Errorf("the third message has %d alerts, want all that had to wait", n)
		}
		shut(t, o)
	})
}

func TestOutboxRepeatsWhatGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, spool := &peer{from: time.Now()}, &memory{}
		anew := func() *alert.Route {
			r := route("p", p)
			r.Pace.Standing = time.Minute
			return r
		}
		o := open(t, spool, anew())
		a := finding("a", enforce.High)
		o.Take(a)
		o.Take(finding("b", enforce.High))
		time.Sleep(90 * time.Second)
		want(t, "repeated", last(p.names()), "a+b")
		shut(t, o)
		o = open(t, spool, anew())
		over := *a
		over.Status = enforce.StatusResolved
		o.Take(&over)
		time.Sleep(90 * time.Second)
		want(t, "after a was resolved", last(p.names()), "b")
		want(t, "again", last(p.messages()).Again, true)
		time.Sleep(7 * time.Hour)
		n := len(p.names())
		time.Sleep(time.Hour)
		want(t, "in the end it is forgotten", len(p.names()), n)
		want(t, "on disk", spool.waiting(), 0)
		shut(t, o)
	})
}

// Taking never waits, whatever the sink does.
func TestOutboxNeverBlocks(t *testing.T) {
	stuck := make(chan struct{})
	defer close(stuck)
	o := open(t, &memory{}, route("p", &deaf{stuck}))
	began := time.Now()
	for i := range 5000 {
		o.Take(finding(fmt.Sprint(i), enforce.High))
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("taking 5000 alerts took %s", took)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := o.Close(ctx); err != nil {
		t.Error(err)
	}
	want(t, "dropped, of 5000 with room for 1000", o.States(time.Now())[0].Dropped+uint64(o.States(time.Now())[0].Waiting), 5000)
}

// A deaf sink does not even hear that time is up.
type deaf struct{ until chan struct{} }

func (d *deaf) Send(context.Context, *alert.Message) (string, error) { <-d.until; return "", nil }
func (d *deaf) Close() error                                         { return nil }

func TestQuietUntil(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	q := alert.Quiet{From: 22 * 60, To: 7 * 60, Zone: berlin}
	for now, want := range map[string]string{
		"2026-11-09T20:59:59Z": "",
		"2026-11-09T21:00:00Z": "2026-11-10T06:00:00Z",
		"2026-11-10T05:59:59Z": "2026-11-10T06:00:00Z",
		"2026-11-10T06:00:00Z": "",
		"2026-03-28T22:00:00Z": "2026-03-29T05:00:00Z", // the night the clock goes forward
		"2026-10-24T22:00:00Z": "2026-10-25T06:00:00Z", // and back
	} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		until, is := q.Until(at)
		got := ""
		if is {
			got = until.UTC().Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", now, got, want)
		}
	}
	if _, is := (alert.Quiet{From: 9 * 60, To: 17 * 60, Zone: berlin}).Until(time.Date(2026, 11, 9, 12, 0, 0, 0, berlin)); !is {
		t.Error("noon is not between nine and five")
	}
}
