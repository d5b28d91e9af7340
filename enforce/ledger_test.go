package enforce_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"tripline/enforce"
	"tripline/learn"
)

var dawn = time.Date(2026, 11, 9, 10, 0, 0, 0, time.UTC)

// found is a finding of a kind that a part may have.
func found(subject string, at time.Time) *enforce.Alert {
	return enforce.Finding("test", enforce.Medium, at, "bot", subject, "because")
}

// A finding is told when it begins, and again only when its status changes.
func TestStatusChangesAreTold(t *testing.T) {
	l := enforce.NewLedger(enforce.Service())
	var got []string
	for _, after := range []time.Duration{0, time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 59 * time.Minute, time.Hour, 2 * time.Hour} {
		if e := l.Note(found("x", dawn.Add(after))); e != nil {
			got = append(got, fmt.Sprint(e.Status, " ", e.Count, " ", e.Event == e.ID+"-"+e.Status))
		}
	}
	if e := l.Watched(enforce.Service().Resolved - 1); len(e) > 0 {
		t.Errorf("resolved too early: %+v", e)
	}
	for _, e := range l.Watched(1) {
		got = append(got, fmt.Sprint(e.Status, " ", e.Count, " ", e.Event == e.ID+"-"+e.Status))
	}
	want := []string{"new 1 true", "active 4 true", "persistent 7 true", "resolved 8 true"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := len(l.Open()); n != 0 {
		t.Errorf("%d are open", n)
	}
	if e := l.Note(found("x", dawn.Add(48*time.Hour))); e == nil || e.Status != enforce.StatusNew {
		t.Errorf("what comes back after it was resolved: %+v", e)
	}
}

// The ID is that of a finding with its beginning: read again it is the same, and
// everything that tells findings apart gives another one.
func TestIDIsStable(t *testing.T) {
	id := func(change func(*enforce.Alert)) string {
		a := found("x", dawn)
		change(a)
		return enforce.NewLedger(enforce.Report()).Note(a).ID
	}
	seen := map[string]bool{}
	for _, change := range []func(*enforce.Alert){
		func(*enforce.Alert) {},
		func(a *enforce.Alert) { a.Kind = "other" },
		func(a *enforce.Alert) { a.Agent = "web" },
		func(a *enforce.Alert) { a.Verdict = enforce.Forbidden },
		func(a *enforce.Alert) { a.Subject = "y" },
		func(a *enforce.Alert) { a.Dst = "192.0.2.1" },
		func(a *enforce.Alert) { a.Proto, a.Port = "tcp", 443 },
		func(a *enforce.Alert) { a.Proto, a.Port = "udp", 443 },
		func(a *enforce.Alert) { a.Name = "a.example" },
		func(a *enforce.Alert) { a.Time = a.Time.Add(1) },
	} {
		first := id(change)
		if first != id(change) || len(first) != 16 || seen[first] {
			t.Errorf("the ID %q is not that of the finding alone", first)
		}
		seen[first] = true
	}
	if a, b := id(func(*enforce.Alert) {}), id(func(a *enforce.Alert) { a.Why, a.Count, a.Severity = "else", 7, enforce.Low }); a != b {
		t.Errorf("the ID depends on more than the finding: %q, %q", a, b)
	}
}

// What was refused and is let through, or matters more, is told though it repeats.
func TestWorseIsTold(t *testing.T) {
	l := enforce.NewLedger(enforce.Service())
	note := func(action string, s enforce.Severity) string {
		a := found("x", dawn)
		a.Action, a.Severity = action, s
		e := l.Note(a)
		if e == nil {
			return ""
		}
		return strings.TrimPrefix(e.Event, e.ID)
	}
	for i, step := range []struct {
		action   string
		severity enforce.Severity
		want     string
	}{
		{"block", enforce.Low, "-new"},
		{"block", enforce.Low, ""},
		{"pass", enforce.Low, "-new-pass"},
		{"block", enforce.Low, ""},
		{"pass", enforce.Low, ""},
		{"pass", enforce.High, "-new-high"},
		{"pass", enforce.Medium, ""},
	} {
		if got := note(step.action, step.severity); got != step.want {
			t.Errorf("step %d: got %q, want %q", i, got, step.want)
		}
	}
}

// A scan is one alert of its agent, however it is stamped, and is over by itself.
func TestScanIsOneAlert(t *testing.T) {
	for name, at := range map[string]func(i int) time.Time{
		"within a minute":      func(i int) time.Time { return dawn.Add(time.Duration(i) * 60 * time.Microsecond) },
		"to and fro by a year": func(i int) time.Time { return dawn.AddDate(i%2, 0, 0) },
		"back by a year": func(i int) time.Time {
			if i > 500 {
				return dawn.AddDate(-1, 0, 0)
			}
			return dawn
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, told, terms := enforce.NewLedger(enforce.Service()), 0, enforce.Service()
			var last *enforce.Alert
			for i := range 100_000 {
				if e := l.Note(found(fmt.Sprint("s", i), at(i))); e != nil {
					last = e
					told++
				}
			}
			if told > 2*terms.Burst+1 || last.Status != enforce.StatusMore {
				t.Errorf("%d were told, the last is %+v", told, last)
			}
			if e := l.Note(found("s0", at(99_999))); e != nil && e.Status == enforce.StatusMore {
				t.Errorf("a known one is told with the scan: %+v", e)
			}
			over := l.Watched(terms.Calm)
			if len(over) != 1 || over[0].ID != last.ID || over[0].Status != enforce.StatusResolved || over[0].Count < 99_000 {
				t.Errorf("the scan is not over by itself: %+v", over)
			}
			if e := l.Note(found("after", at(99_999).Add(terms.Calm))); e == nil || e.Status != enforce.StatusNew {
				t.Errorf("what comes after the scan: %+v", e)
			}
		})
	}
}

// A scan that goes on slowly is no scan any more: what comes is told one by one.
func TestScanThatSlowsDown(t *testing.T) {
	l, terms := enforce.NewLedger(enforce.Service()), enforce.Service()
	at := dawn
	note := func() *enforce.Alert { return l.Note(found(at.String(), at)) }
	for range 10 * terms.Burst {
		at = at.Add(time.Millisecond)
		note()
	}
	alone := 0
	for range 30 {
		at = at.Add(time.Minute)
		if e := note(); e != nil && e.Status == enforce.StatusNew {
			alone++
		}
	}
	if alone < 15 {
		t.Errorf("%d of 30 were told one by one after the scan", alone)
	}
}

// What is beyond the bound is bounded too, for every kind apart.
func TestLedgerIsBounded(t *testing.T) {
	terms := enforce.Report()
	terms.Most = 100
	l := enforce.NewLedger(terms)
	for i := range 1000 {
		l.Note(found(fmt.Sprint(i), dawn))
	}
	if n := len(l.Open()); n != 101 {
		t.Errorf("%d are open, want 101", n)
	}
	if e := l.Note(enforce.Finding("another", enforce.Low, dawn, "bot", "x", "")); e == nil || e.Status != enforce.StatusNew {
		t.Errorf("a finding of another kind: %+v", e)
	}
	l.Watched(terms.Resolved)
	if e := l.Note(found("x", dawn)); e == nil || e.Status != enforce.StatusNew {
		t.Errorf("when there is room again: %+v", e)
	}
}

// A twin is a ledger that keeps everything and looks at it again each time.
type twin struct {
	terms enforce.Terms
	seen  []*twinFinding
	now   time.Duration
}

type twinFinding struct {
	subject string
	first   time.Time
	heard   time.Duration
	count   uint64
	told    []string
	over    bool
}

func (w *twin) note(subject string, at time.Time) (status string) {
	for _, f := range w.seen {
		if f.subject == subject && !f.over {
			f.count++
			f.heard = w.now
			status = "new"
			if at.Sub(f.first) >= w.terms.Again || slices.Contains(f.told, "active") {
				status = "active"
			}
			if at.Sub(f.first) >= w.terms.Persistent || slices.Contains(f.told, "persistent") {
				status = "persistent"
			}
			if slices.Contains(f.told, status) {
				return ""
			}
			f.told = append(f.told, status)
			return status
		}
	}
	w.seen = append(w.seen, &twinFinding{subject: subject, first: at, heard: w.now, count: 1, told: []string{"new"}})
	return "new"
}

func (w *twin) watched(d time.Duration) (over []string) {
	w.now += d
	for _, f := range w.seen {
		if !f.over && w.now-f.heard >= w.terms.Resolved {
			f.over = true
			over = append(over, f.subject)
		}
	}
	slices.Sort(over)
	return over
}

// The ledger says what its slow twin says, whatever the order of times; and one
// that was kept and taken up again at any moment says the same.
func TestLedgerIsItsTwin(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		terms := enforce.Report()
		slow, l := &twin{terms: terms}, enforce.NewLedger(terms)
		at := dawn
		for step := range 600 {
			if r.IntN(20) == 0 {
				d := time.Duration(r.IntN(30)) * time.Hour
				var over []string
				for _, e := range l.Watched(d) {
					over = append(over, e.Subject)
				}
				slices.Sort(over)
				if want := slow.watched(d); !slices.Equal(over, want) {
					t.Fatalf("seed %d, step %d: resolved %q, want %q", seed, step, over, want)
				}
				continue
			}
			at = at.Add(time.Duration(r.IntN(600)-100) * time.Second)
			subject := fmt.Sprint(r.IntN(12))
			got := ""
			if e := l.Note(found(subject, at)); e != nil {
				got = e.Status
			}
			if want := slow.note(subject, at); got != want {
				t.Fatalf("seed %d, step %d: %s is %q, want %q", seed, step, subject, got, want)
			}
		}
		for _, a := range l.Open() {
			i := slices.IndexFunc(slow.seen, func(f *twinFinding) bool { return f.subject == a.Subject && !f.over })
			if i < 0 || slow.seen[i].count != a.Count || !slow.seen[i].first.Equal(a.Time) {
				t.Errorf("seed %d: %s counts %d", seed, a.Subject, a.Count)
			}
		}
	}
}

// What a new baseline admits is resolved, and nothing else is.
func TestApprovingResolves(t *testing.T) {
	w := enforce.NewWatch(compile(t, rule("203.0.113.8", https)), enforce.Service())
	w.Observe(flow("192.0.2.9", https, ""))
	w.Observe(flow("192.0.2.10", https, ""))
	w.Note(found("x", dawn))
	events := w.Replace(compile(t, rule("192.0.2.9", https)))
	if len(events) != 1 || events[0].Dst != "192.0.2.9" || events[0].Status != enforce.StatusResolved {
		t.Errorf("got %+v", events)
	}
	if n := len(w.Alerts()); n != 2 {
		t.Errorf("%d are left", n)
	}
}

// BenchmarkFindings is a flow that is allowed, one that repeats a finding, and one of
// a scan.
func BenchmarkFindings(b *testing.B) {
	for name, next := range map[string]func(i int) *learn.Flow{
		"allowed": func(int) *learn.Flow { return flow("203.0.113.8", https, "") },
		"repeats": func(int) *learn.Flow { return flow("192.0.2.9", https, "") },
		"scan": func(i int) *learn.Flow {
			return flow(fmt.Sprintf("11.%d.%d.%d", i>>16&255, i>>8&255, i&255), https, "")
		},
	} {
		var flows [1 << 12]*learn.Flow
		for i := range flows {
			flows[i] = next(i)
		}
		b.Run(name, func(b *testing.B) {
			w := enforce.NewWatch(compile(b, rule("203.0.113.8", https)), enforce.Service())
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				w.Observe(flows[i&(len(flows)-1)])
				i++
			}
		})
	}
}

// A ledger that is kept and taken up again at any moment says what one says that
// went on.
func TestLedgerIsTakenUpAgain(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 2))
		terms := enforce.Service()
		terms.Burst, terms.Calm, terms.Most = 5, 20*time.Minute, 30
		whole, parts, disk := enforce.NewLedger(terms), enforce.NewLedger(terms), map[string]enforce.Kept{}
		at := dawn
		for step := range 500 {
			if r.IntN(10) == 0 {
				parts = again(t, parts, terms, disk)
			}
			if r.IntN(20) == 0 {
				d := time.Duration(r.IntN(900)) * time.Minute
				same(t, seed, step, parts.Watched(d), whole.Watched(d))
				continue
			}
			at = at.Add(time.Duration(r.IntN(200)-20) * time.Second)
			a := found(fmt.Sprint(r.IntN(80)), at)
			a.Dst, a.Proto, a.Port, a.Name = "2001:db8::7", "udp", 443, "a.example"
			same(t, seed, step, list(parts.Note(a)), list(whole.Note(a)))
		}
		same(t, seed, 500, parts.Open(), whole.Open())
	}
}

func list(a *enforce.Alert) []*enforce.Alert {
	if a == nil {
		return nil
	}
	return []*enforce.Alert{a}
}

func same(t *testing.T, seed uint64, step int, got, want []*enforce.Alert) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("seed %d, step %d: %d events, want %d", seed, step, len(got), len(want))
	}
	for i := range got {
		if got[i].Event != want[i].Event || got[i].Count != want[i].Count || !got[i].Last.Equal(want[i].Last) {
			t.Fatalf("seed %d, step %d: got %+v, want %+v", seed, step, got[i], want[i])
		}
	}
}

// What two found at once is one finding for the next, the older, with what both counted;
// the next tells of it once more where it is asked to, and that is no event.
func TestTwoAtOnceAreOneLater(t *testing.T) {
	for _, first := range []int{0, 1} {
		var open [][]byte
		for i := range 2 {
			l := enforce.NewLedger(enforce.Command())
			l.Note(found("x", dawn.Add(time.Duration(i)*time.Second)))
			l.Note(found("x", dawn.Add(10*time.Second)))
			list, err := l.Changed(10)
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, list[0].Data)
		}
		next := enforce.NewLedger(enforce.Command())
		if err := next.Restore([]byte("{}"), [][]byte{open[first], open[1-first]}); err != nil {
			t.Fatal(err)
		}
		list, err := next.Changed(10)
		if err != nil || len(list) != 2 || list[0].Open == list[1].Open {
			t.Errorf("one of two goes on: %+v, %v", list, err)
		}
		a := next.Note(found("x", dawn.Add(11*time.Second)))
		if a == nil || a.Event != "" || a.Count != 5 || !a.Time.Equal(dawn) {
			t.Errorf("got %+v, want what was found at %s, 5 times and no event", a, dawn)
		}
		if a := next.Note(found("x", dawn.Add(12*time.Second))); a != nil {
			t.Errorf("it is told twice: %+v", a)
		}
	}
}

// again keeps a ledger, as a store does, and takes it up again.
func again(t *testing.T, l *enforce.Ledger, terms enforce.Terms, disk map[string]enforce.Kept) *enforce.Ledger {
	t.Helper()
	changed, err := l.Changed(enforce.MaxFindings)
	if err != nil {
		t.Fatal(err)
	}
	l.Unkept(changed) // the disk was full the first time
	if changed, err = l.Changed(enforce.MaxFindings); err != nil {
		t.Fatal(err)
	}
	for _, k := range changed {
		disk[k.ID] = k
	}
	state, err := l.State()
	if err != nil {
		t.Fatal(err)
	}
	var open [][]byte
	for _, k := range disk {
		if k.Open {
			open = append(open, k.Data)
		}
	}
	next := enforce.NewLedger(terms)
	if err := next.Restore(state, open); err != nil {
		t.Fatal(err)
	}
	return next
}

// What is to be kept is bounded as well, however long nothing can be.
func TestUnkeptIsBounded(t *testing.T) {
	terms := enforce.Report()
	terms.Most = 10
	l := enforce.NewLedger(terms)
	for i := range 60_000 {
		l.Note(found(fmt.Sprint(i), dawn))
		if i%10 == 0 {
			l.Watched(terms.Resolved)
		}
		if i%5000 == 0 {
			changed, err := l.Changed(0)
			if err != nil {
				t.Fatal(err)
			}
			l.Unkept(changed)
		}
	}
	if changed, err := l.Changed(0); err != nil || len(changed) > 4*enforce.MaxFindings+5010 {
		t.Errorf("%d wait to be kept, %v", len(changed), err)
	}
}
