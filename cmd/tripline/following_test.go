package main

import (
	"strings"
	"testing"
	"time"

	"tripline/learn/source"
)

// A silence is said once, and the next one again.
func TestSilenceIsToldOnce(t *testing.T) {
	var talk strings.Builder
	a := &app{stderr: &talk, quiet: true}
	v := newVigil(a, source.Source{}, "-")
	begin, counted := v.since, newTally()
	for _, at := range []struct {
		after time.Duration
		heard bool
		told  int
	}{
		{longSilence - time.Second, false, 0},
		{longSilence, false, 1},
		{2 * longSilence, false, 1},
		{2*longSilence + time.Second, true, 1},
		{3 * longSilence, false, 1},
		{4 * longSilence, false, 2},
	} {
		now := begin.Add(at.after)
		if at.heard {
			v.heard(now)
		}
		v.look(now, counted, source.Stats{})
		if got := strings.Count(talk.String(), "restart syslogd"); got != at.told {
			t.Errorf("after %s: told %d times, want %d", at.after, got, at.told)
		}
	}
}

// Gaps are told when there are more, unreadable records when there are many more.
func TestGapsAndUnreadableAreToldOnceEach(t *testing.T) {
	var talk strings.Builder
	v, counted := newVigil(&app{stderr: &talk}, source.Source{}, "-"), newTally()
	for i := range 20 {
		counted.error("fw.log", &source.RecordError{Cause: source.TooLong})
		v.look(v.since, counted, source.Stats{Lost: int64(i / 10)})
	}
	if got := strings.Count(talk.String(), "unreadable"); got != 2 {
		t.Errorf("unreadable records told %d times, want 2:\n%s", got, talk.String())
	}
	if got := strings.Count(talk.String(), "1 gap"); got != 1 {
		t.Errorf("gaps told %d times, want 1:\n%s", got, talk.String())
	}
}
