package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"tripline/store"
)

func TestAlertsAreKeptWithTheirPlace(t *testing.T) {
	s, _ := opened(t)
	at := time.Date(2026, 11, 9, 10, 0, 0, 5, time.UTC)
	put := func(cursor string, list ...store.Alert) {
		t.Helper()
		if err := s.Commit(store.Batch{Cursors: map[string][]byte{"w": []byte(cursor)}, Watch: &store.Watch{Name: "w", State: []byte("state " + cursor), Alerts: list}}); err != nil {
			t.Fatal(err)
		}
	}
	put("1", store.Alert{ID: "a", Watch: "w", Open: true, Last: at, Data: []byte("one")}, store.Alert{ID: "b", Watch: "w", Open: true, Last: at, Data: []byte("two")})
	put("2", store.Alert{ID: "b", Watch: "w", Last: at.Add(time.Hour), Data: []byte("over")})
	if err := s.PutAlerts([]store.Alert{{ID: "a", Last: at.Add(time.Hour), Data: []byte("of a report")}, {ID: "c", Last: at.Add(-time.Hour), Data: []byte("alone")}}, at); err != nil {
		t.Fatal(err)
	}
	w, err := s.Watch("w")
	if err != nil || string(w.State) != "state 2" || len(w.Alerts) != 1 || w.Alerts[0].ID != "a" || string(w.Alerts[0].Data) != "one" {
		t.Errorf("a watch goes on with %+v, %v", w, err)
	}
	if w, err := s.Watch("another"); w != nil || err != nil {
		t.Errorf("a watch that is not known: %+v, %v", w, err)
	}
	list, err := s.Alerts()
	if got := fmt.Sprintf("%s %s %s", list[0].ID, list[1].ID, list[2].ID); err != nil || got != "b a c" || !list[0].Last.Equal(at.Add(time.Hour)) {
		t.Errorf("got %s, %v; want those last seen first", got, err)
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}

func TestPruneAlerts(t *testing.T) {
	s, _ := opened(t)
	at := time.Date(2026, 11, 9, 10, 0, 0, 0, time.UTC)
	var list []store.Alert
	for i := range 10 {
		list = append(list, store.Alert{ID: fmt.Sprint(i), Open: i < 2, Last: at.Add(time.Duration(i) * time.Hour), Data: []byte("x")})
	}
	written := func(i int) error { return s.PutAlerts(list[i:i+1], list[i].Last) }
	for i := range list {
		if err := written(i); err != nil {
			t.Fatal(err)
		}
	}
	_, unsaid := s.PutSaid(store.Said{Key: "1", Data: []byte("of 1")})
	_, muted := s.PutSaid(store.Said{Key: "mute", Data: []byte("of all")})
	if err := errors.Join(unsaid, muted); err != nil {
		t.Fatal(err)
	}
	if n, err := s.PruneAlerts(at, 5); n != 3 || err != nil { // 2, 3 and 4; what is open stays
		t.Errorf("dropped %d, %v; want 3", n, err)
	}
	if n, err := s.PruneAlerts(at.Add(2*time.Hour), 100); n != 2 || err != nil {
		t.Errorf("dropped %d, %v; want those that are too old, open or not", n, err)
	}
	said, err := s.Said()
	if err != nil || len(said) != 1 || said[0].Key != "mute" {
		t.Errorf("said is %+v, %v; want what was said of alerts gone with them", said, err)
	}
	if was, err := s.PutSaid(store.Said{Key: "mute"}); !was || err != nil {
		t.Errorf("taking back: %t, %v", was, err)
	}
	if was, err := s.PutSaid(store.Said{Key: "mute"}); was || err != nil {
		t.Errorf("taking back again: %t, %v", was, err)
	}
}
