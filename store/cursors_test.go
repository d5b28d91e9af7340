package store_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tripline/store"
)

func TestCursorsByPrefix(t *testing.T) {
	s, _ := opened(t)
	must(t, s.Commit(store.Batch{Cursors: map[string][]byte{
		"a\x001": []byte("one"), "a\x002": []byte("two"), "ab": []byte("other"), "b\x001": []byte("other"),
	}}))
	for prefix, want := range map[string]map[string][]byte{
		"a\x00": {"a\x001": []byte("one"), "a\x002": []byte("two")},
		"c":     {},
	} {
		got, err := s.Cursors(prefix)
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", prefix, diff)
		}
	}
}

func TestForgetCursorsKeepsTheLast(t *testing.T) {
	s, path := opened(t)
	must(t, s.Commit(store.Batch{Cursors: map[string][]byte{
		"a1": {1}, "a2": {2}, "a3": {3}, "b": {4},
	}}))
	for _, newest := range []int{3, 2} {
		must(t, s.ForgetCursors("a", newest))
		if got, err := s.Cursors("a"); err != nil || len(got) != newest || got["a3"] == nil {
			t.Errorf("got %v, %v, want the last %d", got, err, newest)
		}
	}
	if err := s.ForgetCursors("a", -1); err == nil {
		t.Error("got no error for a negative number")
	}
	must(t, s.Close())
	s, err := store.Open(path, store.Options{ReadOnly: true})
	must(t, err)
	defer s.Close()
	if got, err := s.Cursors(""); err != nil || len(got) != 3 {
		t.Errorf("got %v, %v, want 3 cursors", got, err)
	}
	if err := s.ForgetCursors("a", 0); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("got %v, want %v", err, store.ErrReadOnly)
	}
}
