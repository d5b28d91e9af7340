package lines_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"tripline/learn/source/internal/lines"
)

// write makes a file that was last written at hour h of a day long ago, so that
// nothing has to settle.
func write(t testing.TB, path string, h int, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	age(t, path, h)
}

func age(t testing.TB, path string, h int) {
	t.Helper()
	at := time.Date(2024, 1, 1, h, 0, 0, 0, time.UTC)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func add(t testing.TB, path string, h int, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	age(t, path, h)
}

func rename(t testing.TB, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// open opens a log and closes it at the end of the test.
func open(t testing.TB, path string, from lines.Cursor, o lines.Options) *lines.Reader {
	t.Helper()
	r, err := lines.Open(path, from, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// drain reads until there is nothing more now; the lines and the first other
// error.
func drain(r *lines.Reader) (got []string, err error) {
	for {
		line, err := r.Next()
		if errors.Is(err, io.EOF) {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		got = append(got, string(line))
	}
}

// all is drain for logs without errors.
func all(t testing.TB, r *lines.Reader) []string {
	t.Helper()
	got, err := drain(r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// kept is a cursor as it comes back from a store.
func kept(t testing.TB, c lines.Cursor) (back lines.Cursor) {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	return back
}

// compress returns text in a format. There is no bzip2 writer in Go, so without
// the program it is gzip.
func compress(t testing.TB, ext string, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch ext {
	case ".gz":
		w = gzip.NewWriter(&b)
	case ".zst":
		w, err = zstd.NewWriter(&b)
	case ".xz":
		w, err = xz.NewWriter(&b)
	case "":
		return text
	case ".bz2":
		return bzip2(t, text)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func bzip2(t testing.TB, text []byte) []byte {
	t.Helper()
	program, err := exec.LookPath("bzip2")
	if err != nil {
		return compress(t, ".gz", text)
	}
	cmd := exec.CommandContext(t.Context(), program, "-c")
	cmd.Stdin = bytes.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}
