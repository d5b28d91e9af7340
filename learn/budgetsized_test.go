package learn_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tripline/learn"
)

// Hours of which no bytes were seen, as in a sandbox without namespaces, are not hours
// in which nothing was sent: what may be sent is what the others say.
func TestHoursWithoutBytesAreNoHoursOfNothing(t *testing.T) {
	budgetOf := func(sizeless int) learn.Budget {
		u := learn.Usage{Agent: "bot", To: "x", Hours: map[learn.Block]learn.Use{}}
		at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
		for i := range 24 * 20 {
			u.Hours[learn.BlockOf(at.Add(time.Duration(i)*time.Hour))] = learn.Use{Up: uint64(100_000 + i*1000), Down: 10, Flows: 3}
		}
		for i := range sizeless {
			u.Hours[learn.BlockOf(at.Add(-time.Duration(i+1)*time.Hour))] = learn.Use{Flows: 3}
		}
		how := learn.DefaultBudgeting()
		return how.Budgets([]*learn.Usage{&u})[0]
	}
	want, got := budgetOf(0), budgetOf(24*40)
	if got.Hours != 24*60 || got.Words() != want.Words() {
		t.Errorf("got %d hours, %q; want %q", got.Hours, got.Words(), want.Words())
	}
	got.Hours, got.Count = want.Hours, want.Count
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a budget of bytes is another one (-without, +with):\n%s", diff)
	}
}
