package lines_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"tripline/learn/source/internal/lines"
)

// TestLiveLog reads while another goroutine writes and rotates, as fast as both
// can: nothing stands still between two looks of the reader.
func TestLiveLog(t *testing.T) {
	const total, each = 30_000, 500
	path := filepath.Join(t.TempDir(), "filter.log")
	r := open(t, path, lines.Cursor{}, lines.Options{Follow: true, Predecessors: true, Settle: -1})
	failed := make(chan error, 1)
	go func() { failed <- writeAndRotate(t, path, total, each) }()
	for i := range total {
		if got := wait(t, r); got != strconv.Itoa(i) {
			t.Fatalf("got line %q of %s, want %d; %+v", got, r.File(), i, r.Stats())
		}
		if i%7000 == 6999 { // a restart
			c := kept(t, r.Cursor())
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			r = open(t, path, c, lines.Options{Follow: true, Predecessors: true, Settle: -1})
		}
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	if got := r.Stats().Lost; got != 0 {
		t.Errorf("got %d gaps, want none", got)
	}
}

// writeAndRotate rotates by renaming and by copying in turn, and compresses the
// file before the last.
func writeAndRotate(t *testing.T, path string, total, each int) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { f.Close() }()
	for i := range total {
		if _, err := fmt.Fprintln(f, i); err != nil {
			return err
		}
		if i%each != each-1 {
			continue
		}
		if err := shift(t, path, i/each); err != nil {
			return err
		}
		if i/each%2 == 0 {
			if err := copyTruncate(path); err != nil {
				return err
			}
			continue
		}
		f.Close()
		if err := os.Rename(path, path+".0"); err != nil {
			return err
		}
		if f, err = os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func copyTruncate(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".0", text, 0o600); err != nil {
		return err
	}
	return os.Truncate(path, 0)
}

// shift makes room for .0 among n predecessors.
func shift(t *testing.T, path string, n int) error {
	for i := n - 1; i >= 0; i-- {
		for _, ext := range []string{"", ".gz"} {
			err := os.Rename(path+"."+strconv.Itoa(i)+ext, path+"."+strconv.Itoa(i+1)+ext)
			if err != nil && !os.IsNotExist(err) {
				return err
			}
		}
	}
	if n < 2 {
		return nil
	}
	text, err := os.ReadFile(path + ".2")
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".2.gz", compress(t, ".gz", text), 0o600); err != nil {
		return err
	}
	return os.Remove(path + ".2")
}
