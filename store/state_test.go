package store_test

import (
	"path/filepath"
	"testing"

	"tripline/store"
)

func TestStateIsRemembered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	for i, want := range []string{"", "first", "second"} {
		s, err := store.Open(path, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.State("rhythm\x00a")
		if err != nil || string(got) != want || (got == nil) != (i == 0) {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
		if i < 2 {
			err = s.PutState("rhythm\x00a", []byte([]string{"first", "second"}[i]))
		}
		if err != nil {
			t.Error(err)
		}
		if err := s.Check(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
