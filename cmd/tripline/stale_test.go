package main

import (
	"io"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tripline/enforce"
	"tripline/ipranges"
	"tripline/learn"
)

// TestStaleIsAskedOnceAnHourAndOnlyWithFindings while a log is followed: the
// database of this test is not there, so to ask is to warn.
func TestStaleIsAskedOnceAnHourAndOnlyWithFindings(t *testing.T) {
	var talk strings.Builder
	never := learn.NewNever(nil, nil)
	p, err := enforce.Compile([]*learn.Baseline{{Agent: "bot"}}, ipranges.Space{}, never)
	if err != nil {
		t.Fatal(err)
	}
	a := &app{stdout: io.Discard, stderr: &talk, dbPath: filepath.Join(t.TempDir(), "none.db")}
	start := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	w := &watching{a: a, names: []string{"bot"}, watch: enforce.NewWatch(p, enforce.Report()), ageing: newAgeing(start)}
	ask := func(after time.Duration) bool {
		talk.Reset()
		w.stale(start.Add(after))
		return strings.Contains(talk.String(), "whether the baseline is stale is not known: read forecasts: there is no database")
	}
	if ask(2 * time.Hour) {
		t.Error("nothing was found, and the database was asked")
	}
	f := learn.Flow{Agent: "bot", Time: start, Proto: learn.TCP, DstPort: 443, Dst: netip.MustParseAddr("203.0.113.9")}
	w.ageing.note(&f)
	if _, event := w.watch.Observe(&f); event == nil {
		t.Fatal("no finding")
	}
	for after, want := range map[time.Duration]bool{150 * time.Minute: false, 3 * time.Hour: true} {
		w.ageing.asked = start.Add(2 * time.Hour)
		if got := ask(after); got != want {
			t.Errorf("asked after %v: %v, want %v", after, got, want)
		}
	}
}
