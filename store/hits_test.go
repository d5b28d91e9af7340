package store_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tripline/learn"
	"tripline/store"
)

// TestHitsCountOnce holds the later hit, whatever the order and however often
// the same log is read.
func TestHitsCountOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 2, 8, 0, 0, 7, time.UTC)
	first := learn.Hits{Agent: "bot", Days: []learn.Day{learn.DayOf(at)}, Last: map[string]time.Time{"203.0.113.7": at, "a.example": at.Add(time.Hour)}}
	later := learn.Hits{Agent: "bot", Days: []learn.Day{learn.DayOf(at), learn.DayOf(at) + 3}, Last: map[string]time.Time{"203.0.113.7": at.Add(72 * time.Hour)}}
	for _, h := range []learn.Hits{later, first, first, later} {
		if err := s.Commit(store.Batch{At: at, Hits: []learn.Hits{h}, Cursors: map[string][]byte{"k": {1}}}); err != nil {
			t.Fatal(err)
		}
	}
	want := first
	want.Merge(later)
	got, err := s.Hits("bot")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if none, err := s.Hits("other"); err != nil || len(none.Last)+len(none.Days) > 0 {
		t.Errorf("another agent: %v, %v", none, err)
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestStoreWithoutHits is one of before there were any.
func TestStoreWithoutHits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	for _, readOnly := range []bool{false, true} {
		s, err := store.Open(path, store.Options{ReadOnly: readOnly})
		if err != nil {
			t.Fatal(err)
		}
		if h, err := s.Hits("bot"); err != nil || len(h.Last) > 0 {
			t.Errorf("got %v, %v", h, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
