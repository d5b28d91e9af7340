package source_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tripline/learn/source"
)

// logged appends lines to a log.
func logged(t *testing.T, path string, csv ...string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range csv {
		if _, err := fmt.Fprintf(f, "%s\n", stamped(i, line)); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func opened(t *testing.T, path string, cursor []byte, known ...[]byte) source.Stream {
	t.Helper()
	src, err := source.Find("filterlog")
	if err != nil {
		t.Fatal(err)
	}
	s, err := source.Open(src, path, cursor, source.StreamOptions{Options: home, Known: known, Keep: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// next reads one record and returns what is said of it.
func next(t *testing.T, s source.Stream) source.Why {
	t.Helper()
	var r source.Record
	if err := s.Next(&r); err != nil {
		t.Fatal(err)
	}
	return r.Why
}

func cursorOf(t *testing.T, s source.Stream) []byte {
	t.Helper()
	cursor, err := s.Cursor()
	if err != nil {
		t.Fatal(err)
	}
	return cursor
}

// What the parser knew at a place is known again where reading begins there,
// though the file has another name.
func TestKnownPlaceRestoresTheParser(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.log")
	in := tcp("in em1 pass", "192.168.1.50", "50000", "203.0.113.7", "443", "S", 7)
	out := tcp("out em0 pass", wan, "60000", "203.0.113.7", "443", "S", 7)
	logged(t, path, in, out)
	s := opened(t, path, nil)
	if got := next(t, s); got != source.Outbound {
		t.Fatalf("got %q, want %q", got, source.Outbound)
	}
	known := cursorOf(t, s)
	together := next(t, s)
	if err := os.Rename(path, path+".0"); err != nil {
		t.Fatal(err)
	}
	byName := opened(t, path+".0", nil, known)
	if got := next(t, byName); got != together || got == source.OutboundNAT {
		t.Errorf("got %q by another name, %q in one go", got, together)
	}
	if got := byName.Stats().Known; got != 1 {
		t.Errorf("got %d known lines, want 1", got)
	}
}

func TestPlaceIsThatOfTheText(t *testing.T) {
	dir := t.TempDir()
	in := tcp("in em1 pass", "192.168.1.50", "50000", "203.0.113.7", "443", "S", 7)
	var places []string
	for _, name := range []string{"a", "b"} {
		logged(t, filepath.Join(dir, name), in, in)
		s := opened(t, filepath.Join(dir, name), nil)
		for range 2 {
			next(t, s)
			places = append(places, source.Place(cursorOf(t, s)))
		}
	}
	if places[0] != places[2] || places[1] != places[3] || places[0] == places[1] {
		t.Errorf("got %q", places)
	}
	if got := source.Place(nil); got != "" {
		t.Errorf("got %q for no cursor", got)
	}
}

func TestFinishedAndRelevantPlaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.log")
	for i := range 3 {
		logged(t, path, tcp("in em1 pass", "192.168.1.50", "50000", "203.0.113.7", "443", "S", i))
		if err := os.Rename(path, fmt.Sprintf("%s.%d", path, 2-i)); err != nil {
			t.Fatal(err)
		}
	}
	logged(t, path, tcp("in em1 pass", "192.168.1.50", "50000", "203.0.113.7", "443", "S", 3))
	s := opened(t, path+".2", nil)
	next(t, s)
	oldest := cursorOf(t, s)
	s = opened(t, path, oldest)
	for range 3 {
		next(t, s)
	}
	left, err := s.Finished()
	if err != nil || len(left) != 3 {
		t.Fatalf("got %d places, %v, want 3", len(left), err)
	}
	places := [][]byte{cursorOf(t, s)}
	for _, place := range left {
		places = append(places, place)
	}
	if err := os.Remove(path + ".1"); err != nil {
		t.Fatal(err)
	}
	relevant, err := source.Relevant(path, places)
	if err != nil || len(relevant) != 3 {
		t.Errorf("got %d places, %v, want 3: one file is gone", len(relevant), err)
	}
	if again, err := s.Finished(); again != nil || err != nil {
		t.Errorf("got %v, %v again", again, err)
	}
}

func TestDamagedPlaceIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.log")
	logged(t, path, "x")
	src, err := source.Find("filterlog")
	if err != nil {
		t.Fatal(err)
	}
	_, err = source.Open(src, path, nil, source.StreamOptions{Known: [][]byte{[]byte("{")}})
	if err == nil || !strings.HasPrefix(err.Error(), "read "+path+": stored cursor: ") {
		t.Errorf("got %v", err)
	}
	if _, err = source.Relevant(path, [][]byte{[]byte("{")}); err == nil {
		t.Error("got no error")
	}
}
