package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A configuration is read again when its file has changed and stands still, not while
// it is being written.
func TestReloadWaitsForTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tripline.yaml")
	a := &app{configPath: path}
	w := &watching{a: a, o: &enforceOptions{input: input{follow: true}}}
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("never: []\n")
	p, err := newReloading(w)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	r := w.reloading
	for i, step := range []struct {
		text string
		due  bool
	}{{"", false}, {"never: [a", false}, {"never: [a.example", false}, {"never: [a.example]\n", false}, {"", true}} {
		if step.text != "" {
			write(step.text)
		}
		if err := p.tick(t.Context(), time.Time{}); err != nil || r.due != step.due {
			t.Errorf("step %d: due %v, %v; want %v", i, r.due, err, step.due)
		}
	}
	r.due, r.held = false, r.seen
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for range 500 {
		if err := p.tick(t.Context(), time.Time{}); err != nil || r.due {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("SIGHUP is not taken up")
}

// A brimful takes so many bytes and is full then.
type brimful struct {
	strings.Builder
	room int
}

func (b *brimful) Write(p []byte) (int, error) {
	n := min(len(p), b.room)
	b.room -= n
	b.Builder.Write(p[:n])
	if n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

// What a full disk does not take is written when there is room, in order, and nothing
// twice; what is too much for memory is lost line by line, and counted.
func TestHolding(t *testing.T) {
	out := &brimful{room: 10}
	p := &holding{out: out}
	for _, line := range []string{"one\n", "two\n", "three\n", "four\n"} {
		if n, err := p.Write([]byte(line)); err != nil || n != len(line) {
			t.Fatal(n, err)
		}
	}
	if out.String() != "one\ntwo\nth" {
		t.Errorf("got %q", out.String())
	}
	out.room = 1000
	if err := p.close(); err != nil || out.String() != "one\ntwo\nthree\nfour\n" {
		t.Errorf("got %q, %v", out.String(), err)
	}
	out.room, p.held = 3, nil
	line := strings.Repeat("x", 1023) + "\n"
	for range 2 * mostInMemory / len(line) {
		if _, err := p.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.held) > mostInMemory || p.dropped == 0 || !strings.HasPrefix(string(p.held), line[3:]) {
		t.Errorf("%d bytes wait, %d lines are lost", len(p.held), p.dropped)
	}
	if err := p.close(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v", err)
	}
}

// How much room is too little is a share, but for very small and very large disks.
func TestLowestRoom(t *testing.T) {
	for of, want := range map[uint64]uint64{0: 16 << 20, 64 << 20: 16 << 20, 1 << 30: 1 << 30 / 20, 1 << 40: 1 << 30} {
		if got := lowest(of); got != want {
			t.Errorf("of %d: got %d, want %d", of, got, want)
		}
	}
}

func TestPidfile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tripline.pid")
	o := &enforceOptions{input: input{follow: true}}
	o.service.PIDFile = path
	w := &watching{a: &app{}, o: o}
	for _, stale := range []string{"", "no number", "-1", "4194999999"} {
		if stale != "" {
			if err := os.WriteFile(path, []byte(stale), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		p, err := newPidfile(w)
		if err != nil {
			t.Fatalf("%q: %v", stale, err)
		}
		if err := p.close(); err != nil {
			t.Errorf("%q: %v", stale, err)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%q: it is left behind", stale)
		}
	}
	if err := os.WriteFile(path, []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := newPidfile(w); err == nil || !strings.Contains(err.Error(), "process 1 is there and runs") {
		t.Errorf("got %v", err)
	}
}
