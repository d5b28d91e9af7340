package lines_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tripline/learn/source/internal/lines"
)

// live follows without waiting for anything to settle.
var live = lines.Options{Follow: true, Settle: -1}

func want(t *testing.T, r *lines.Reader, lines ...string) {
	t.Helper()
	if diff := cmp.Diff(lines, all(t, r)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestFileAppearsLater(t *testing.T) {
	path := filepath.Join(t.TempDir(), "later", "filter.log")
	r := open(t, path, lines.Cursor{}, live)
	want(t, r)
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	want(t, r)
	write(t, path, 1, "a\n")
	want(t, r, "a")
}

// A log that is deleted and made again later has no predecessor to go back to.
func TestDeletedFileIsNotReplacedByAnOlderOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.log")
	write(t, path+".0", 1, "old\n")
	write(t, path, 2, "a\n")
	r := open(t, path, lines.Cursor{}, live)
	want(t, r, "a")
	remove(t, path)
	want(t, r)
	restarted := open(t, path, kept(t, r.Cursor()), live)
	want(t, restarted)
	write(t, path, 3, "b\n")
	want(t, r, "b")
	want(t, restarted, "b")
}

func TestFreshReadLeavesPredecessorsOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.log")
	write(t, path+".1", 1, "a\n")
	write(t, path+".0", 2, "b\n")
	write(t, path, 3, "c\n")
	want(t, open(t, path, lines.Cursor{}, lines.Options{}), "c")
	want(t, open(t, path, lines.Cursor{}, lines.Options{Predecessors: true}), "a", "b", "c")
	remove(t, path)
	want(t, open(t, path, lines.Cursor{}, live))
}

func TestFreshReadKeepsToItsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.log")
	write(t, path, 1, "")
	r := open(t, path, lines.Cursor{}, live)
	want(t, r)
	add(t, path, 2, "a\n")
	rename(t, path, path+".0")
	write(t, path, 3, "b\n")
	want(t, r, "a", "b")
}

func TestPredecessorsComeInOrder(t *testing.T) {
	for _, names := range [][]string{
		{"filter.log.10.bz2", "filter.log.2.bz2", "filter.log.1", "filter.log.0", "filter.log"},
		{"filter.log-20251231.gz", "filter.log-20260101.gz", "filter.log-20260102", "filter.log"},
		{"filter.log.20251231T2300", "filter.log.20260101T0000", "filter.log"},
		{"filter_20260101.0001.log", "filter_20260101.0002.log", "filter_20260101.log"},
	} {
		dir := t.TempDir()
		for i, name := range names {
			text := []byte(name + "\n")
			if ext := filepath.Ext(name); ext == ".gz" || ext == ".bz2" {
				text = compress(t, ext, text)
			}
			write(t, filepath.Join(dir, name), 20-i, string(text)) // times lie
		}
		for _, other := range []string{"filter.log.bak", "filter.log.0.tmp", "other.log.0", "filter_20260102.log"} {
			write(t, filepath.Join(dir, other), 1, "no\n")
		}
		path := filepath.Join(dir, names[len(names)-1])
		want(t, open(t, path, lines.Cursor{}, lines.Options{Predecessors: true}), names...)
	}
}

func TestRestartAfterTwoRotations(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.log")
	head := strings.Repeat("the same head\n", 100)
	write(t, path, 1, head+"a\n")
	r := open(t, path, lines.Cursor{}, live)
	if got := all(t, r); len(got) != 101 {
		t.Fatalf("got %d lines, want 101", len(got))
	}
	c := kept(t, r.Cursor())
	add(t, path, 2, "b\n")
	write(t, path+".1.gz", 2, string(compress(t, ".gz", []byte(head+"a\nb\n"))))
	remove(t, path)
	write(t, path+".0", 3, head+"c\n")
	write(t, path, 4, head+"d\n")
	again := strings.Split(strings.TrimSuffix(head, "\n"), "\n")
	lines := append([]string{"b"}, again...)
	lines = append(append(append(lines, "c"), again...), "d")
	want(t, r, lines...)
	r = open(t, path, c, live)
	want(t, r, lines...)
	if s := r.Stats(); s.Lost != 0 || s.Rotations != 2 {
		t.Errorf("got %+v, want 2 rotations and no gap", s)
	}
}

func TestLostFileIsSaid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.log")
	write(t, path, 2, "a\n")
	r := open(t, path, lines.Cursor{}, live)
	want(t, r, "a")
	remove(t, path)
	write(t, path+".2", 1, "read long ago\n")
	write(t, path+".1", 3, "c\n")
	write(t, path+".0", 4, "d\n")
	write(t, path, 5, "e\n")
	for _, r := range []*lines.Reader{r, open(t, path, kept(t, r.Cursor()), live)} {
		want(t, r, "c", "d", "e")
		if got := r.Stats().Lost; got != 1 {
			t.Errorf("got %d gaps, want 1", got)
		}
	}
}

// A file that is deleted with its last lines unseen may have had successors that
// are deleted as well. One that did not grow any more had none that matter.
func TestDeletedFileIsAGapUnlessAllOfItWasSeen(t *testing.T) {
	for grown, gaps := range map[string]int64{"": 0, "b\n": 1, "torn": 1} {
		path := filepath.Join(t.TempDir(), "filter.log")
		write(t, path, 1, "a\n")
		r := open(t, path, lines.Cursor{}, live)
		want(t, r, "a")
		add(t, path, 2, grown)
		remove(t, path)
		write(t, path, 3, "c\n")
		want(t, r, append(strings.Fields(grown), "c")...)
		if got := r.Stats().Lost; got != gaps {
			t.Errorf("%q unseen: got %d gaps, want %d", grown, got, gaps)
		}
	}
}

func TestDeletedFileWithTheNextOneThereIsNoGap(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.log")
	write(t, path+".0", 1, "a\nb\n")
	write(t, path, 2, "c\n")
	r := open(t, path, lines.Cursor{}, lines.Options{Follow: true, Predecessors: true, Settle: -1})
	if line, err := r.Next(); err != nil || string(line) != "a" {
		t.Fatalf("got %q, %v", line, err)
	}
	remove(t, path+".0")
	want(t, r, "b", "c")
	if got := r.Stats().Lost; got != 0 {
		t.Errorf("got %d gaps, want none", got)
	}
}

// A name of the past leads to another file after each rotation. That is a new
// file to read, no gap, and no file takes its place while it is read.
func TestNameOfThePastIsOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.log.0")
	write(t, path, 1, "a\nb\n")
	r := open(t, path, lines.Cursor{}, lines.Options{})
	rename(t, path, strings.TrimSuffix(path, "0")+"1")
	write(t, path, 2, "c\n")
	want(t, r, "a", "b")
	r = open(t, path, kept(t, r.Cursor()), lines.Options{})
	want(t, r, "c")
	if got := r.Stats().Lost; got != 0 {
		t.Errorf("got %d gaps, want none", got)
	}
}

func TestProgressCountsWhatIsLeft(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.log")
	write(t, path+".0", 1, "a\n")
	write(t, path, 2, "bc\n")
	r := open(t, path, lines.Cursor{}, lines.Options{Predecessors: true})
	if done, total := r.Progress(); done != 0 || total != 5 {
		t.Errorf("got %d of %d bytes, want 0 of 5", done, total)
	}
	want(t, r, "a", "bc")
	if done, total := r.Progress(); done != 5 || total != 5 {
		t.Errorf("got %d of %d bytes, want 5 of 5", done, total)
	}
	add(t, path, 3, "def\n")
	r = open(t, path, r.Cursor(), lines.Options{})
	if done, total := r.Progress(); done != 0 || total != 4 {
		t.Errorf("got %d of %d bytes, want 0 of 4", done, total)
	}
	want(t, r, "def")
	if done, total := r.Progress(); done != 4 || total != 4 {
		t.Errorf("got %d of %d bytes, want 4 of 4", done, total)
	}
}

func TestOldFileIsDrainedFirst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.log")
	write(t, path, 1, "a\n")
	r := open(t, path, lines.Cursor{}, live)
	want(t, r, "a")
	rename(t, path, path+".0")
	add(t, path+".0", 2, "b\n")
	want(t, r, "b")
	write(t, path, 3, "") // made, but the writer does not know yet
	add(t, path+".0", 4, "c\n")
	want(t, r, "c")
	add(t, path+".0", 5, "d\n")
	add(t, path, 6, "e\n")
	want(t, r, "d", "e")
}

// Between copying and truncating, the same text is there twice.
func TestCopyIsNotReadTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.log")
	text := strings.Repeat("a line that is long enough\n", 50)
	write(t, path, 1, text)
	write(t, path+".0", 2, text)
	r := open(t, path, lines.Cursor{}, lines.Options{Follow: true, Predecessors: true, Settle: -1})
	if got := all(t, r); len(got) != 50 {
		t.Errorf("got %d lines, want 50", len(got))
	}
	write(t, path, 3, "b\n")
	want(t, r, "b")
}

// What rotates may write the first line of the new file while the log's writer
// still has the old one.
func TestOldFileMustBeQuiet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.log")
	write(t, path, 1, "a\n")
	r := open(t, path, lines.Cursor{}, lines.Options{Follow: true})
	want(t, r, "a")
	rename(t, path, path+".0")
	write(t, path, 2, "turned over\n")
	if err := os.WriteFile(path+".0", []byte("a\nb"), 0o600); err != nil { // now
		t.Fatal(err)
	}
	want(t, r)
	add(t, path+".0", 3, "c\n")
	want(t, r, "bc", "turned over")
}

func TestTruncationWithoutACopyIsSaid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.log")
	write(t, path, 1, "a\nb\ntorn")
	r := open(t, path, lines.Cursor{}, live)
	want(t, r, "a", "b")
	write(t, path, 2, "c\n")
	want(t, r, "c")
	if s := r.Stats(); s.Truncations != 1 || s.Lost != 1 || s.LostBytes != 4 {
		t.Errorf("got %+v, want one truncation, one gap of 4 bytes or more", s)
	}
}

func TestDailyLinkIsFollowed(t *testing.T) {
	dir := t.TempDir()
	day := func(name string) string { return filepath.Join(dir, "filter_"+name+".log") }
	link := filepath.Join(dir, "latest.log")
	turn := func(to string) {
		t.Helper()
		os.Remove(link)
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	write(t, day("20260101"), 1, "old\n")
	write(t, day("20260102"), 2, "a\n")
	turn(day("20260102"))
	r := open(t, link, lines.Cursor{}, live)
	want(t, r, "a")
	c := kept(t, r.Cursor())
	add(t, day("20260102"), 3, "b\n")
	rename(t, day("20260102"), day("20260102.0001")) // the link leads nowhere
	want(t, r, "b")
	write(t, day("20260102"), 4, "c\n")
	want(t, r, "c")
	add(t, day("20260102"), 5, "d\n")
	write(t, day("20260103"), 6, "e\n")
	want(t, r, "d", "e") // before the link is turned
	remove(t, link)
	want(t, r)
	turn(day("20260103"))
	add(t, day("20260103"), 7, "f\n")
	want(t, r, "f")
	want(t, open(t, link, c, live), "b", "c", "d", "e", "f")
}

func TestLinkToAnotherPlace(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "log")
	write(t, filepath.Join(dir, "a"), 1, "a\n")
	if err := os.Symlink("a", link); err != nil {
		t.Fatal(err)
	}
	r := open(t, link, lines.Cursor{}, live)
	want(t, r, "a")
	c := kept(t, r.Cursor())
	add(t, filepath.Join(dir, "a"), 2, "rest\n")
	write(t, filepath.Join(dir, "b"), 3, "b\n")
	remove(t, link)
	if err := os.Symlink("b", link); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*lines.Reader{r, open(t, link, c, live)} {
		want(t, r, "rest", "b")
		if got := r.Stats().Lost; got != 0 {
			t.Errorf("got %d gaps, want none: nothing was deleted", got)
		}
	}
}

func TestDamagedPredecessorDoesNotStopTheLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.log")
	packed := compress(t, ".gz", []byte("a\n"))
	write(t, path+".0.gz", 1, string(packed[:len(packed)-4]))
	write(t, path, 2, "b\n")
	r := open(t, path, lines.Cursor{}, lines.Options{Predecessors: true})
	got, err := drain(r)
	if err == nil || len(got) != 1 {
		t.Errorf("got %q and %v, want a and an error", got, err)
	}
	want(t, r, "b")
}

// An unreadable file could be the one that holds the cursor: better an error
// than a gap.
func TestUnreadablePredecessorIsAnError(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read everything")
	}
	path := filepath.Join(t.TempDir(), "filter.log")
	write(t, path, 1, "a\n")
	r := open(t, path, lines.Cursor{}, live)
	want(t, r, "a")
	rename(t, path, path+".0")
	write(t, path, 2, "b\n")
	if err := os.Chmod(path+".0", 0); err != nil {
		t.Fatal(err)
	}
	if _, err := lines.Open(path, r.Cursor(), live); err == nil {
		t.Error("got no error")
	}
}
