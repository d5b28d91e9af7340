package enforce_test

import (
	"testing"
	"time"

	"tripline/enforce"
	"tripline/learn"
)

func TestLastHitOfEachRule(t *testing.T) {
	w := enforce.NewWatch(compile(t, rule("203.0.113.8", https), rule("203.0.113.0/24", https), rule("198.51.100.7", ssh)), enforce.Report())
	at := time.Date(2026, 3, 2, 23, 0, 0, 0, time.UTC)
	see := func(dst string, s learn.Service, after time.Duration) {
		f := flow(dst, s, "")
		f.Time = at.Add(after)
		w.Observe(f)
	}
	see("203.0.113.8", https, 2*time.Hour)
	see("203.0.113.8", https, time.Hour) // logs are not always in order
	see("203.0.113.9", https, 0)
	see("198.51.100.8", ssh, 50*time.Hour) // no rule admits it, and yet the agent was observed
	got := w.Hits()
	if len(got) != 1 || got[0].Agent != "bot" || len(got[0].Last) != 2 {
		t.Fatalf("got %v", got)
	}
	for to, want := range map[string]time.Duration{"203.0.113.8": 2 * time.Hour, "203.0.113.0/24": 0} {
		if last := got[0].Last[to]; !last.Equal(at.Add(want)) {
			t.Errorf("%s: last hit %s, want %s", to, last, at.Add(want))
		}
	}
	if d := got[0].Days; len(d) != 3 || !d[0].Time().Equal(at.Truncate(24*time.Hour)) || d[2] != learn.DayOf(at.Add(50*time.Hour)) {
		t.Errorf("days: got %v", d)
	}
	w.Noted()
	if n := len(w.Hits()); n != 0 {
		t.Errorf("%d agents after all was noted, want 0", n)
	}
}

// BenchmarkObserve is one allowed flow with all that is noted of it.
func BenchmarkObserve(b *testing.B) {
	w := enforce.NewWatch(compile(b, rule("203.0.113.8", https), rule("198.51.100.7", ssh)), enforce.Report())
	f := flow("203.0.113.8", https, "")
	f.Time = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	b.ReportAllocs()
	for b.Loop() {
		f.Time = f.Time.Add(time.Millisecond)
		w.Observe(f)
	}
}
