package store_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tripline/store"
)

// TestUses: what was used is written with the cursor it belongs to, replaced and
// removed, each agent by itself.
func TestUses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tripline.db")
	commit := func(cursor string, uses map[string]map[string][]byte) {
		t.Helper()
		s, err := store.Open(path, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(store.Batch{At: time.Unix(1, 0), Cursors: map[string][]byte{"c": []byte(cursor)}, Uses: uses}); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	commit("1", map[string]map[string][]byte{"bot": {"a": []byte("1"), "b": []byte("2")}, "other": {"a": []byte("9")}})
	commit("2", map[string]map[string][]byte{"bot": {"a": []byte("3"), "b": nil}})
	s, err := store.Open(path, store.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for agent, want := range map[string]map[string][]byte{"bot": {"a": []byte("3")}, "other": {"a": []byte("9")}, "none": {}} {
		got, err := s.Uses(agent)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v %s", agent, err, d)
		}
	}
	if cursor, err := s.Cursor("c"); string(cursor) != "2" || err != nil {
		t.Errorf("cursor %q, %v", cursor, err)
	}
}
