package store

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"tripline/learn"
)

// TestOlderSchemaIsMigratedInOneTransaction pretends that there are schemas 2
// and 3.
func TestOlderSchemaIsMigratedInOneTransaction(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "x.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fails := errors.New("no")
	note := func(k string) step {
		return func(tx *bbolt.Tx) error { return tx.Bucket([]byte(bMeta)).Put([]byte(k), []byte("done")) }
	}
	err = s.update(func(tx *bbolt.Tx) error {
		return migrate(tx, 1, []step{note("a"), func(*bbolt.Tx) error { return fails }})
	})
	if !errors.Is(err, fails) || !strings.Contains(err.Error(), "migrate from schema 2 to 3") {
		t.Errorf("got %v", err)
	}
	if got := s.meta(t, "a"); got != "" {
		t.Errorf("half of a migration was kept: %q", got)
	}
	if err := s.update(func(tx *bbolt.Tx) error { return migrate(tx, 1, []step{note("a"), note("b")}) }); err != nil {
		t.Fatal(err)
	}
	if a, b, v := s.meta(t, "a"), s.meta(t, "b"), s.meta(t, kSchema); a+b != "donedone" || v != "3" {
		t.Errorf("got %q, %q and schema %s", a, b, v)
	}
}

func (s *Store) meta(t *testing.T, key string) (v string) {
	t.Helper()
	err := s.view(func(tx *bbolt.Tx) error {
		v = string(tx.Bucket([]byte(bMeta)).Get([]byte(key)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestOlderSchemaCannotBeReadOnly(t *testing.T) {
	err := fits("x.db", 1, 2, true)
	if err == nil || learn.HintOf(err) == "" {
		t.Errorf("got %v, want an error with a hint", err)
	}
	if err := fits("x.db", 1, 2, false); err != nil {
		t.Errorf("got %v for writing", err)
	}
}

func TestThereIsAStepFromEverySchema(t *testing.T) {
	if len(steps()) != schema-1 {
		t.Errorf("%d steps to schema %d", len(steps()), schema)
	}
}

// TestPanicOfTheLibraryIsDamage stands for what bbolt does with pages that make
// no sense; the file must be usable by others afterwards.
func TestPanicOfTheLibraryIsDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.update(func(*bbolt.Tx) error { panic("assertion failed") }); !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v, want ErrDamaged", err)
	}
	if err := s.Commit(Batch{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("after it: got %v, want ErrDamaged", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	again, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
