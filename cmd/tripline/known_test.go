package main

import (
	"fmt"
	"io"
	"path/filepath"
	"testing"

	"tripline/store"
)

// Only so many contents are remembered: the newest.
func TestOldestContentsAreForgotten(t *testing.T) {
	db := filepath.Join(t.TempDir(), "tripline.db")
	s, err := store.Open(db, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	prefix := "filterlog\x00" + content + "\x00bot\x00"
	cursors := map[string][]byte{"filterlog\x00content\x00other\x001": []byte("{}")}
	for i := range mostContents + 5 {
		cursors[fmt.Sprintf("%s%06d", prefix, i)] = []byte("{}")
	}
	if err := s.Commit(store.Batch{Cursors: cursors}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join("..", "..", "testdata", "script", "log", "week.log")
	args := []string{"learn", "--db", db, "--agent", "bot=192.0.2.50", log}
	if code := run(t.Context(), args, nil, io.Discard, t.Output()); code != 0 {
		t.Fatalf("exit status %d", code)
	}
	if s, err = store.Open(db, store.Options{ReadOnly: true}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	kept, err := s.Cursors(prefix)
	if err != nil || len(kept) != mostContents || kept[prefix+"000000"] != nil || kept[prefix+"001004"] == nil {
		t.Errorf("got %d cursors, %v, want the newest %d", len(kept), err, mostContents)
	}
	if all, err := s.Cursors(""); err != nil || len(all) != mostContents+2 {
		t.Errorf("got %d cursors, %v: want those of others and of the file too", len(all), err)
	}
}
