package lines_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"tripline/learn"
	"tripline/learn/source/internal/lines"
)

func TestLinesHaveNoEnds(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"empty", "", nil},
		{"LF", "a\nb\n", []string{"a", "b"}},
		{"CRLF", "a\r\n\r\nb\r\r\n", []string{"a", "", "b\r"}},
		{"NUL", "a\x00b\n\x00\n", []string{"a\x00b", "\x00"}},
		{"blank", "\n\n", []string{"", ""}},
		{"torn", "a\nb", []string{"a"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "filter.log")
			write(t, path, 1, test.text)
			r := open(t, path, lines.Cursor{}, lines.Options{})
			if diff := cmp.Diff(test.want, all(t, r)); diff != "" {
				t.Errorf("%q (-want +got):\n%s", test.text, diff)
			}
		})
	}
}

func TestTornLineWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.log")
	write(t, path, 1, "a\nbc")
	r := open(t, path, lines.Cursor{}, lines.Options{})
	if got := all(t, r); len(got) != 1 || r.Stats().Torn != 2 {
		t.Errorf("got %q and %d torn bytes, want a and 2", got, r.Stats().Torn)
	}
	add(t, path, 2, "d\n")
	if got := all(t, r); len(got) != 1 || got[0] != "bcd" {
		t.Errorf("got %q, want bcd", got)
	}
}

func TestWholeReadsTheTornLineToo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.log")
	write(t, path, 1, "a\nbc")
	r := open(t, path, lines.Cursor{}, lines.Options{Whole: true})
	if diff := cmp.Diff([]string{"a", "bc"}, all(t, r)); diff != "" {
		t.Error(diff)
	}
	if got := all(t, r); got != nil {
		t.Errorf("got %q, want nothing more", got)
	}
}

func TestFormatsAreKnownByContent(t *testing.T) {
	text := []byte("one\ntwo\nthree")
	for _, ext := range []string{"", ".gz", ".bz2", ".zst", ".xz"} {
		packed := text
		if ext != "" {
			packed = compress(t, ext, text)
		}
		path := filepath.Join(t.TempDir(), "log")
		write(t, path, 1, string(packed))
		r := open(t, path, lines.Cursor{}, lines.Options{Whole: true})
		head := string(r.Head())
		if diff := cmp.Diff([]string{"one", "two", "three"}, all(t, r)); diff != "" || head != string(text) {
			t.Errorf("%s: head %q (-want +got):\n%s", ext, head, diff)
		}
		if done, total := r.Progress(); done != int64(len(packed)) || total != done {
			t.Errorf("%s: got progress %d of %d, want %d", ext, done, total, len(packed))
		}
		in := iotest.OneByteReader(bytes.NewReader(packed))
		r = open(t, "-", lines.Cursor{}, lines.Options{Stdin: in})
		if diff := cmp.Diff([]string{"one", "two", "three"}, all(t, r)); diff != "" {
			t.Errorf("%s from standard input (-want +got):\n%s", ext, diff)
		}
	}
}

func TestStreamsOfOneFile(t *testing.T) {
	for _, ext := range []string{".gz", ".bz2", ".zst", ".xz"} {
		path := filepath.Join(t.TempDir(), "log")
		write(t, path, 1, string(compress(t, ext, []byte("a\nb")))+string(compress(t, ext, []byte("c\nd\n"))))
		r := open(t, path, lines.Cursor{}, lines.Options{})
		if diff := cmp.Diff([]string{"a", "bc", "d"}, all(t, r)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", ext, diff)
		}
	}
}

func TestCursorInCompressedFile(t *testing.T) {
	for _, ext := range []string{".gz", ".bz2", ".zst", ".xz"} {
		path := filepath.Join(t.TempDir(), "log")
		write(t, path, 1, string(compress(t, ext, []byte(strings.Repeat("0123456789\n", 1000)+"last\n"))))
		r := open(t, path, lines.Cursor{}, lines.Options{})
		for range 1000 {
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
		}
		r = open(t, path, kept(t, r.Cursor()), lines.Options{})
		if got := all(t, r); len(got) != 1 || got[0] != "last" || r.Line() != 1001 {
			t.Errorf("%s: got %q up to line %d, want last and 1001", ext, got, r.Line())
		}
	}
}

func TestDamageComesAfterTheLinesBeforeIt(t *testing.T) {
	text := []byte(strings.Repeat("a line of a log\n", 40_000))
	for _, ext := range []string{".gz", ".zst", ".xz", ".bz2"} {
		packed := compress(t, ext, text)
		path := filepath.Join(t.TempDir(), "filter.log.0"+ext)
		write(t, path, 1, string(packed[:len(packed)-5]))
		r := open(t, path, lines.Cursor{}, lines.Options{})
		got, err := drain(r)
		bad, ok := errors.AsType[*lines.DamagedError](err)
		if !ok || bad.Lines != int64(len(got)) || !strings.Contains(err.Error(), "data ends in the middle after ") {
			t.Errorf("%s: got %d lines and %v, want data that ends in the middle", ext, len(got), err)
		}
		if got, err := drain(r); got != nil || err != nil || r.Stats().Damaged != 1 {
			t.Errorf("%s: got %d more lines, %v, %d damaged; want nothing more", ext, len(got), err, r.Stats().Damaged)
		}
	}
}

func TestDamagedErrorSaysWhere(t *testing.T) {
	packed := compress(t, ".gz", []byte(strings.Repeat("a line of a log\n", 1234)))
	path := filepath.Join(t.TempDir(), "filter.log.0.gz")
	write(t, path, 1, string(packed[:len(packed)-5]))
	_, err := drain(open(t, path, lines.Cursor{}, lines.Options{}))
	want := "read " + path + ": gzip data ends in the middle after 1,234 lines (byte 19,744)"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	write(t, path, 1, string(packed[:5]))
	_, err = drain(open(t, path, lines.Cursor{}, lines.Options{}))
	want = "read " + path + ": gzip data ends in the middle after 0 lines (byte 0)"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// An xz header may ask for 4 GiB in a hundred bytes.
func TestHugeWindowIsRefused(t *testing.T) {
	packed := compress(t, ".xz", []byte("a\n"))
	packed[16] = 40
	if _, err := drain(open(t, "-", lines.Cursor{}, lines.Options{Stdin: bytes.NewReader(packed)})); err == nil ||
		!strings.Contains(err.Error(), "it wants 4,294,967,296 bytes of memory, at most 134,217,728 are allowed") {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestTooLongLineIsLeftOut(t *testing.T) {
	long := strings.Repeat("x", 10<<20)
	path := filepath.Join(t.TempDir(), "filter.log")
	write(t, path, 1, "a\n"+long+"\nb\n")
	r := open(t, path, lines.Cursor{}, lines.Options{})
	got, err := drain(r)
	if _, ok := errors.AsType[*lines.TooLongError](err); !ok || len(got) != 1 {
		t.Fatalf("got %d lines and %v, want a and a line that is too long", len(got), err)
	}
	if want := "read " + path + ": line 2 is longer than 1,048,576 bytes"; err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	// A restart in the middle of the line does not read its rest as a line.
	for _, r := range []*lines.Reader{open(t, path, kept(t, r.Cursor()), lines.Options{}), r} {
		if got := all(t, r); len(got) != 1 || got[0] != "b" || r.Line() != 3 {
			t.Errorf("got %d lines up to line %d, want b and 3", len(got), r.Line())
		}
	}
	if s := r.Stats(); s.TooLong != 1 || s.Lines != 3 {
		t.Errorf("got %+v, want 3 lines, 1 too long", s)
	}
}

func TestMaxLineIsExact(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.log")
	write(t, path, 1, "12345\n12345\r\n123456\n123456\r\n12345\n")
	r := open(t, path, lines.Cursor{}, lines.Options{MaxLine: 5})
	var got []string
	for {
		line, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			line = []byte("-")
		}
		got = append(got, string(line))
	}
	if diff := cmp.Diff([]string{"12345", "12345", "-", "-", "12345"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret.log")
	write(t, secret, 1, "a\n")
	if err := os.Chmod(secret, 0); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ path, want string }{
		{dir, "read " + dir + ": is a directory, want a log file"},
		{filepath.Join(dir, "none.log"), "read " + filepath.Join(dir, "none.log") + ": no such file or directory"},
		{secret, "read " + secret + ": permission denied"},
	} {
		if test.path == secret && os.Getuid() == 0 {
			continue // root may read everything
		}
		r, err := lines.Open(test.path, lines.Cursor{}, lines.Options{})
		if err == nil || err.Error() != test.want || r != nil {
			t.Errorf("got %v, want %s", err, test.want)
		}
		if test.path == secret && learn.HintOf(err) == "" {
			t.Errorf("%v has no hint", err)
		}
	}
}
