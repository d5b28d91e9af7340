package lines_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tripline/learn/source/internal/lines"
)

// wait waits for one more line, at most ten seconds.
func wait(t *testing.T, r *lines.Reader) string {
	t.Helper()
	end := time.Now().Add(10 * time.Second)
	for time.Now().Before(end) {
		line, err := r.Next()
		if err == nil {
			return string(line)
		}
		if !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if err := r.Wait(t.Context(), 10*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("nothing came")
	return ""
}

func TestWaitHearsOfEachChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.log")
	r := open(t, path, lines.Cursor{}, live)
	steps := []struct {
		want string
		do   func()
	}{
		{"a", func() { add(t, path, 1, "a\n") }},
		{"b", func() { add(t, path, 2, "b\n") }},
		{"c", func() { rename(t, path, path+".0"); write(t, path, 3, "c\n") }},
		{"d", func() { write(t, path+".0", 4, "c\n"); write(t, path, 5, ""); add(t, path, 6, "d\n") }},
	}
	for _, step := range steps {
		done := make(chan struct{})
		go func() { defer close(done); step.do() }()
		if got := wait(t, r); got != step.want {
			t.Errorf("got %q, want %q", got, step.want)
		}
		<-done
	}
}

func TestWaitSettles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.log")
	write(t, path, 1, "a\n")
	r := open(t, path, lines.Cursor{}, lines.Options{Follow: true, Settle: 50 * time.Millisecond})
	wait(t, r)
	rename(t, path, path+".0")
	write(t, path, 2, "b\n")
	if err := os.WriteFile(path+".0", []byte("a\nc\n"), 0o600); err != nil { // now
		t.Fatal(err)
	}
	if got := wait(t, r) + wait(t, r); got != "cb" {
		t.Errorf("got %q, want c and then b", got)
	}
}

func TestWaitEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filter.log")
	write(t, path, 1, "")
	r := open(t, path, lines.Cursor{}, live)
	if err := r.Wait(t.Context(), time.Millisecond); err != nil {
		t.Errorf("got %v after the time has passed, want nil", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Wait(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func TestStandardInputIsFollowed(t *testing.T) {
	in, out := io.Pipe()
	r := open(t, "-", lines.Cursor{}, lines.Options{Follow: true, Stdin: in})
	if got := all(t, r); got != nil {
		t.Errorf("got %q before anything was written", got)
	}
	go func() {
		_, _ = out.Write([]byte("first line\nsecond"))
		_, _ = out.Write([]byte(" line\nlast line"))
		out.Close()
	}()
	for _, want := range []string{"first line", "second line", "last line"} {
		if got := wait(t, r); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want EOF", err)
	}
	if err := r.Wait(t.Context(), time.Hour); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want EOF: nothing will come", err)
	}
}
