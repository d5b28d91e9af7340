package store

import (
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"tripline/learn"
)

// lasts commits a batch to a store.
func lasts(t *testing.T, s *Store, b Batch) {
	t.Helper()
	b.At = time.Unix(1, 0)
	if err := s.Commit(b); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
}

// recorded is all that is kept, learned or not.
func recorded(t *testing.T, s *Store) (all []Recorded) {
	t.Helper()
	var r Reading
	for {
		page, more, err := s.Page(&r)
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, page...); !more {
			return all
		}
	}
}

// TestWhatLastsIsCountedOnce compares what is known while connections last, and when
// they have ended, with the same flows committed plainly.
func TestWhatLastsIsCountedOnce(t *testing.T) {
	dir, flows := t.TempDir(), log(20, 6)
	path := filepath.Join(dir, "db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	lasts(t, s, Batch{Run: "b", Flows: flows[:10]})
	lasts(t, s, Batch{Run: "a", Lasting: []Lasting{{Key: "1", Flow: flows[10]}, {Key: "2", Flow: flows[11]}}})
	lasts(t, s, Batch{Run: "a", Lasting: []Lasting{{Key: "2", Flow: flows[11]}}}) // seen again
	s.Close()                                                                     // as after a kill
	if s, err = Open(path, Options{}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	same := func(what string, list []learn.Flow) {
		t.Helper()
		plain, err := Open(filepath.Join(dir, what), Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer plain.Close()
		lasts(t, plain, Batch{Run: "b", Flows: flows[:10]})
		lasts(t, plain, Batch{Run: "a", Flows: list})
		got, err := s.Destinations("bot")
		if want, e := plain.Destinations("bot"); err != nil || e != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v, %v", what, got, want, err)
		}
		runs, err := s.Runs()
		if want, e := plain.Runs(); err != nil || e != nil || !reflect.DeepEqual(runs, want) {
			t.Errorf("%s: got runs %+v, want %+v, %v", what, runs, want, err)
		}
		var there, wanted []learn.Flow
		s.Replay("bot", func(f *learn.Flow, _ string) { there = append(there, *f) })
		plain.Replay("bot", func(f *learn.Flow, _ string) { wanted = append(wanted, *f) })
		if !reflect.DeepEqual(there, wanted) {
			t.Errorf("%s: got flows %+v, want %+v", what, there, wanted)
		}
	}
	same("lasting", flows[10:12])
	if all := recorded(t, s); all[9].Lasting || !all[10].Lasting || all[11].Run != "a" || all[11].Checked {
		t.Errorf("got %+v", all[9:])
	}
	ended := flows[10]
	ended.Up, ended.Down, ended.Name = 7, 8, "said.later.example" // which is another destination
	lasts(t, s, Batch{Run: "a", Flows: []learn.Flow{ended}, Ended: []string{"1"}})
	same("ended", []learn.Flow{ended, flows[11]})
}

func TestNothingIsLearnedFromWhatWasChecked(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	flows := log(4, 4)
	lasts(t, s, Batch{Checked: flows[:2], Lasting: []Lasting{{Key: "x", Flow: flows[2], Checked: true}}})
	lasts(t, s, Batch{Run: "r", Flows: flows[3:]})
	if ds, err := s.Destinations(""); err != nil || len(ds) != 1 {
		t.Errorf("got %+v, %v", ds, err)
	}
	n := 0
	for range s.Flows("") {
		n++
	}
	all := recorded(t, s)
	if n != 1 || len(all) != 4 || all[0].Checked || !all[1].Checked || all[3].Run != "" || !all[3].Lasting || !all[3].Checked {
		t.Errorf("%d flows learned, got %+v", n, all)
	}
	if flows, ds, err := s.Prune(time.Now().AddDate(100, 0, 0), nil); err != nil || flows != 4 || ds != 1 || len(recorded(t, s)) != 0 {
		t.Errorf("pruned %d and %d, %v", flows, ds, err)
	}
}

func TestLastingNeedsARun(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Commit(Batch{Lasting: []Lasting{{Key: "1", Flow: log(1, 1)[0]}}}) == nil {
		t.Error("what is learned was kept without its run")
	}
}

// TestPagesGoOnWhileOthersWrite reads one page at a time, and closes the store between
// them: what ends or comes meanwhile is there as it was when reading began.
func TestPagesGoOnWhileOthersWrite(t *testing.T) {
	path, flows := filepath.Join(t.TempDir(), "db"), log(7, 7)
	with := func(fn func(*Store)) {
		t.Helper()
		s, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		fn(s)
	}
	with(func(s *Store) {
		for i := range 3 {
			lasts(t, s, Batch{Run: "r", Flows: flows[i : i+1]})
		}
		lasts(t, s, Batch{Run: "r", Lasting: []Lasting{{Key: "1", Flow: flows[3]}}, Checked: flows[4:5]})
	})
	var r Reading
	var got []learn.Flow
	for more := true; more; {
		with(func(s *Store) {
			page, and, err := s.Page(&r)
			if err != nil {
				t.Fatal(err)
			}
			for i := range page {
				got = append(got, page[i].Flow)
			}
			more = and
			lasts(t, s, Batch{Run: "r", Flows: flows[3:4], Ended: []string{"1"}})
			lasts(t, s, Batch{Run: "r", Flows: flows[5:6], Checked: flows[6:7]})
		})
	}
	if !reflect.DeepEqual(got, flows[:5]) {
		t.Errorf("got %+v, want %+v", got, flows[:5])
	}
}
