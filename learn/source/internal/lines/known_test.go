package lines_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tripline/learn/source/internal/lines"
)

// longHead is more than cursors look at.
var longHead = strings.Repeat("# all files begin like this one\n", 40)

// readTo reads n lines and returns the cursor behind them, as it is kept.
func readTo(t *testing.T, r *lines.Reader, n int) lines.Cursor {
	t.Helper()
	for range n {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	return kept(t, r.Cursor())
}

func TestKnownContentIsNotReadAgainByAnotherName(t *testing.T) {
	for _, ext := range []string{"", ".gz", ".bz2", ".zst", ".xz"} {
		path := filepath.Join(t.TempDir(), "filter.log")
		text := strings.Repeat("a line\n", 1000)
		write(t, path, 1, text)
		c := readTo(t, open(t, path, lines.Cursor{}, lines.Options{}), 1000)
		write(t, path+".0"+ext, 2, string(compress(t, ext, []byte(text+"b\n"))))
		write(t, path, 3, "c\n")
		byName := open(t, path+".0"+ext, lines.Cursor{}, lines.Options{Known: []lines.Cursor{c}})
		want(t, byName, "b")
		if got := byName.Stats(); got.Known != 1000 || got.Lines != 1 || byName.Known() != 0 || byName.Line() != 1001 {
			t.Errorf("%s: got %+v behind known %d, line %d", ext, got, byName.Known(), byName.Line())
		}
		again := open(t, path, c, lines.Options{Known: []lines.Cursor{kept(t, byName.Cursor())}})
		want(t, again, "c")
		if got := again.Finished(); len(got) != 1 || got[0].ID != c.ID || got[0].Offset != int64(len(text))+2 {
			t.Errorf("%s: got %+v, want the end of the first content", ext, got)
		}
	}
}

// Where files begin alike, the bytes before a place tell them apart.
func TestKnownPlacesOfFilesThatBeginAlike(t *testing.T) {
	for _, ext := range []string{"", ".gz"} {
		path := filepath.Join(t.TempDir(), "filter.log")
		var known []lines.Cursor
		for i, end := range []string{"1\n2\n", "1\n3\n4\n", "one more line, far from the others\n" + longHead} {
			write(t, path, i, longHead+end)
			known = append(known, readTo(t, open(t, path, lines.Cursor{}, lines.Options{}), 42))
		}
		slices.Reverse(known) // their order does not matter
		for end, left := range map[string][]string{
			"1\n2\n":       nil,
			"1\n2\n5\n":    {"5"},
			"1\n3\n4\n5\n": {"4", "5"},
		} {
			write(t, path+".0"+ext, 9, string(compress(t, ext, []byte(longHead+end))))
			want(t, open(t, path+".0"+ext, lines.Cursor{}, lines.Options{Known: known}), left...)
		}
		write(t, path+".0"+ext, 9, string(compress(t, ext, []byte(longHead+"6\n"))))
		if got := all(t, open(t, path+".0"+ext, lines.Cursor{}, lines.Options{Known: known})); len(got) != 41 {
			t.Errorf("got %d lines of a new file, want 41", len(got))
		}
	}
}

// A content is the same one while it grows past what cursors look at, and
// across restarts.
func TestGrowingContentKeepsItsName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.log")
	write(t, path, 1, "")
	var c lines.Cursor
	ids := map[string]int{}
	for i := range 100 {
		add(t, path, i%24, "one more line\n")
		c = readTo(t, open(t, path, c, lines.Options{}), 1)
		ids[c.ID]++
	}
	if ids[c.ID] != 100 || c.ID == "" {
		t.Errorf("got %v, want one name", ids)
	}
	write(t, path, 23, "new\n")
	if next := readTo(t, open(t, path, c, lines.Options{}), 1); next.ID == c.ID {
		t.Error("got the same name for a new content")
	}
}

func TestFinishedSaysWhatWasLeft(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.log")
	for i, name := range []string{path + ".2", path + ".1", path + ".0", path} {
		write(t, name, i, name+"\n")
	}
	r := open(t, path, lines.Cursor{}, lines.Options{Predecessors: true})
	all(t, r)
	ends := map[string]bool{}
	for _, c := range append(r.Finished(), r.Cursor()) {
		ends[filepath.Base(c.File)] = true
	}
	names := slices.Sorted(maps.Keys(ends))
	if !slices.Equal(names, []string{"filter.log", "filter.log.0", "filter.log.1", "filter.log.2"}) {
		t.Errorf("got %v", names)
	}
	if got := r.Finished(); got != nil {
		t.Errorf("got %v again", got)
	}
}

// What a name led to is not forgotten when it leads to something else.
func TestReplacedCursorIsFinished(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.log.0")
	write(t, path, 1, "a\n")
	c := readTo(t, open(t, path, lines.Cursor{}, lines.Options{}), 1)
	write(t, path, 2, "b\n")
	r := open(t, path, c, lines.Options{Known: []lines.Cursor{c}})
	want(t, r, "b")
	if got := r.Finished(); len(got) != 1 || got[0].ID != c.ID {
		t.Errorf("got %+v, want %+v", got, c)
	}
}

// While a file of the past is being compressed, half of it is no file to read.
func TestHalfCompressedNameIsReadPlain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.log.0")
	text := []byte(strings.Repeat("a\n", 3))
	packed := compress(t, ".gz", text)
	write(t, path, 1, string(text))
	write(t, path+".gz", 2, string(packed[:len(packed)/2]))
	want(t, open(t, path+".gz", lines.Cursor{}, lines.Options{}), "a", "a", "a")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := drain(open(t, path+".gz", lines.Cursor{}, lines.Options{})); err == nil {
		t.Error("got no error for half a file alone")
	}
}
