package store_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"tripline/store"
)

func spooled(t *testing.T, s *store.Spool) map[string]string {
	t.Helper()
	got := map[string]string{}
	must(t, s.Each(func(key string, value []byte) error { got[key] = string(value); return nil }))
	return got
}

func TestSpoolKeepsWhatWasApplied(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dir", "alerts.db")
	s, err := store.OpenSpool(path, store.Options{})
	must(t, err)
	must(t, s.Apply(map[string][]byte{"a": []byte("1"), "b": []byte("2"), "c": {}}))
	must(t, s.Apply(map[string][]byte{"a": nil, "b": []byte("3"), "never": nil}))
	if _, err := store.OpenSpool(path, store.Options{}); !errors.Is(err, store.ErrLocked) {
		t.Errorf("a second process: got %v, want %v", err, store.ErrLocked)
	}
	must(t, s.Close())
	s, err = store.OpenSpool(path, store.Options{})
	must(t, err)
	defer s.Close()
	if got, want := spooled(t, s), (map[string]string{"b": "3", "c": ""}); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestSpoolIsNoDatabase(t *testing.T) {
	dir := t.TempDir()
	db := filepath.Join(dir, "tripline.db")
	s, err := store.Open(db, store.Options{})
	must(t, err)
	must(t, s.Close())
	before, err := os.ReadFile(db)
	must(t, err)
	if _, err := store.OpenSpool(db, store.Options{}); !errors.Is(err, store.ErrNotStore) {
		t.Errorf("a database: got %v, want %v", err, store.ErrNotStore)
	}
	after, err := os.ReadFile(db)
	must(t, err)
	if string(before) != string(after) {
		t.Error("the database was changed")
	}
	spool := filepath.Join(dir, "alerts.db")
	q, err := store.OpenSpool(spool, store.Options{})
	must(t, err)
	must(t, q.Close())
	if _, err := store.Open(spool, store.Options{}); err == nil {
		t.Error("a queue was opened as a database")
	}
	must(t, os.WriteFile(spool, []byte("not one at all, but long enough to read a head of"), 0o600))
	if _, err := store.OpenSpool(spool, store.Options{}); !errors.Is(err, store.ErrNotStore) {
		t.Errorf("text: got %v, want %v", err, store.ErrNotStore)
	}
}
