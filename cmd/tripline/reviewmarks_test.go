package main

import (
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tripline/learn"
	"tripline/store"
)

// TestReviewTellsMarksAndNames of an agent in two runs, one of them marked.
func TestReviewTellsMarksAndNames(t *testing.T) {
	var out strings.Builder
	a := &app{stdout: &out, stderr: io.Discard, dbPath: filepath.Join(t.TempDir(), "x.db")}
	a.config.Never = learn.NewNever(nil, nil)
	flows := talk([]string{"a.example"})
	err := a.write("test", func(s *store.Store) error {
		return errors.Join(
			s.PutAgent("bot", []byte("bot=192.0.2.50")),
			s.Commit(store.Batch{Run: "first", Flows: flows[:2]}),
			s.Commit(store.Batch{Run: "second", Flows: flows[2:]}),
			s.AddMark("bot", store.Mark{Name: "tool:browser", Run: "second", At: flows[0].Time.AddDate(1, 0, 0)}),
			s.AddMark("bot", store.Mark{Name: "restart", At: flows[1].Time}),
			s.AddMark("bot", store.Mark{Name: "idle", At: flows[1].Time.AddDate(1, 0, 0)}),
		)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := (&reviewOptions{format: "table", sort: "attention", what: "review"}).run(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if want := "Names:    bot: 25 % of 4 flows named: 25 % by SNI.\n"; !strings.Contains(out.String(), want) {
		t.Errorf("the review says\n%s\nwant %s", out.String(), want)
	}
	for to, want := range map[string]string{
		"192.0.2.130":   "",
		"198.51.100.53": "Marks:    restart: 1 of 1 first seen in an hour with this mark",
		"a.example":     "Marks:    tool:browser: 1 of 1 seen only in runs with it",
	} {
		got := slices.DeleteFunc(rowOf(t, a, to), func(line string) bool { return !strings.HasPrefix(line, "Marks:") })
		if strings.Join(got, "\n") != want {
			t.Errorf("%s: got %q, want %q", to, got, want)
		}
	}
}

// rowOf opens the row for a destination.
func rowOf(t *testing.T, a *app, to string) (lines []string) {
	t.Helper()
	err := a.read(func(s *store.Store) error {
		r, err := a.fold(s, foldFlags{})
		if err != nil {
			return err
		}
		rows := r.rows()
		i := slices.IndexFunc(rows, func(x row) bool { return strings.HasPrefix(x.To, to) })
		if i < 0 {
			return errors.New("no row for " + to)
		}
		lines = r.opened(&rows[i]).lines()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}
