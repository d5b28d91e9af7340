package learn_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tripline/learn"
)

// hoursAt is a destination that was seen at these times.
func hoursAt(to string, times ...string) learn.Destination {
	d := learn.Destination{Agent: "bot", Target: learn.Target{Service: learn.Service{Proto: learn.TCP, Port: 443}, Addr: netip.MustParseAddr(to)}}
	for _, text := range times {
		at, err := time.Parse("2006-01-02T15", text)
		if err != nil {
			panic("tripline: internal error: " + err.Error())
		}
		d.Add(&learn.Flow{Time: at}, "first")
	}
	return d
}

// TestNotYetNamesWhatWasNeverSeen: Monday and Tuesday, 8 to 10 o'clock.
func TestNotYetNamesWhatWasNeverSeen(t *testing.T) {
	ds := []learn.Destination{hoursAt("203.0.113.1", "2026-03-02T08", "2026-03-02T09", "2026-03-03T08", "2026-03-03T09")}
	list := learn.Opportunities(ds, learn.Observed{Runs: 1, Marks: []string{"tool:search", "idle"}, Tools: []string{"search", "browser"}})
	want := []string{
		"Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "first of a month", "a second run",
		"restart (1 likely, after silences)", "update", "tool browser", "IPv6", "00-08 h 10-24 h UTC",
	}
	if diff := cmp.Diff(want, learn.NotYet(list, "UTC")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestHoursAreThoseOfTheZone(t *testing.T) {
	ds := []learn.Destination{hoursAt("203.0.113.1", "2026-03-01T23")}
	list := learn.Opportunities(ds, learn.Observed{Zone: time.FixedZone("east", 2*3600)})
	for _, o := range list {
		if o.Seen > 0 != (o.Name == "01:00" || o.Name == "Monday") {
			t.Errorf("got %+v; want 01:00 on Monday 2 March alone", o)
		}
	}
}

func TestWhatWasMarkedIsSeen(t *testing.T) {
	ds := []learn.Destination{hoursAt("203.0.113.1", "2026-03-02T08"), hoursAt("2001:db8::1", "2026-03-02T08")}
	list := learn.Opportunities(ds, learn.Observed{Runs: 3, Marks: []string{"restart", "update", "restart", "tool:a"}, Tools: []string{"a"}})
	got := map[string]int{}
	for _, o := range list {
		got[o.Name] = o.Seen
	}
	for name, want := range map[string]int{"restart": 2, "update": 1, "a": 1, "IPv6": 1, "a second run": 2} {
		if got[name] != want {
			t.Errorf("%s: got %d, want %d", name, got[name], want)
		}
	}
}

func TestEverythingSeenIsNothingNotYet(t *testing.T) {
	d := hoursAt("2001:db8::1")
	for h := range 31 * 24 {
		d.Blocks = append(d.Blocks, learn.Block(492000+h))
	}
	list := learn.Opportunities([]learn.Destination{d}, learn.Observed{Runs: 2, Marks: []string{"restart", "update"}})
	if got := learn.NotYet(list, "UTC"); len(got) > 0 {
		t.Errorf("got %q, want nothing", got)
	}
}

func TestMarksAreWords(t *testing.T) {
	for _, name := range []string{"restart", "tool:browser", "step-2.1_x"} {
		if err := learn.CheckMark(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", "a b", "x\x1b[31m", "é", strings.Repeat("x", 65)} {
		if err := learn.CheckMark(name); err == nil || learn.HintOf(err) == "" {
			t.Errorf("%q: got %v, want an error with a hint", name, err)
		}
	}
}
