package store_test

import (
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tripline/store"
)

func openNew(t *testing.T, path string, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// TestFirstForecastStays: what is scored is what was shown, not what would be
// shown now.
func TestFirstForecastStays(t *testing.T) {
	s := openNew(t, filepath.Join(t.TempDir(), "t.db"), store.Options{})
	day := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	first := store.Forecast{Until: day, Digest: "aa", Data: []byte("first")}
	other := store.Forecast{Until: day.Add(-time.Hour), Digest: "bb", Data: []byte("other")}
	for _, f := range []store.Forecast{first, {Until: day, Digest: "aa", Data: []byte("again")}, other} {
		if err := s.PutForecast("bot", f); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Forecasts("bot")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]store.Forecast{other, first}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if none, err := s.Forecasts("web"); err != nil || len(none) > 0 {
		t.Errorf("another agent: %v, %v", none, err)
	}
}

func TestOldestForecastsGo(t *testing.T) {
	s := openNew(t, filepath.Join(t.TempDir(), "t.db"), store.Options{})
	for i := range 3 {
		if err := s.PutForecasts("bot", i*400, 400); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Forecasts("bot")
	if err != nil || len(got) != 1000 || got[0].Digest != strconv.Itoa(200) {
		t.Errorf("got %d from %q, %v; want the last 1000", len(got), got[0].Digest, err)
	}
}

// TestMarksComeBackInOrder, of one agent, and are read by Check.
func TestMarksComeBackInOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	s := openNew(t, path, store.Options{})
	want := []store.Mark{
		{Name: "restart", Run: "first", At: time.Date(2026, 3, 2, 8, 0, 0, 7, time.UTC)},
		{Name: "restart", At: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)},
		{Name: "tool:browser", Run: "second", At: time.Date(2026, 3, 4, 8, 0, 0, 0, time.UTC)},
	}
	for _, m := range want {
		if err := s.AddMark("bot", m); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.AddMark("web", want[0]); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Marks("bot"); err != nil || !cmp.Equal(want, got) {
		t.Errorf("got %v, %v", got, err)
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}

// TestStoreWithoutForecastsOrMarks is one of before there were any.
func TestStoreWithoutForecastsOrMarks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	if err := openNew(t, path, store.Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	s := openNew(t, path, store.Options{ReadOnly: true})
	if f, err := s.Forecasts("bot"); err != nil || len(f) > 0 {
		t.Errorf("got %v, %v", f, err)
	}
	if m, err := s.Marks("bot"); err != nil || len(m) > 0 {
		t.Errorf("got %v, %v", m, err)
	}
	if err := s.AddMark("bot", store.Mark{Name: "x"}); err == nil {
		t.Error("a store that is read-only took a mark")
	}
}
