package main

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tripline/learn"
	"tripline/learn/sandbox"
	"tripline/store"
)

// What a command says while the database cannot be written is recorded once it can.
func TestRecordingWaitsForTheDatabase(t *testing.T) {
	var said bytes.Buffer
	a := &app{stderr: &said, dbPath: filepath.Join(t.TempDir(), "x.db")}
	if err := os.WriteFile(a.dbPath, bytes.Repeat([]byte("no database "), 4000), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newRecording(a, "first")
	at := time.Date(2026, 11, 9, 10, 0, 0, 0, time.UTC)
	note := func(n uint64) {
		r.note(&sandbox.Told{Number: n, Flow: learn.Flow{Agent: "bot", Time: at, Proto: learn.TCP, Dst: netip.AddrFrom4([4]byte{203, 0, 113, byte(n)}), DstPort: 443}})
	}
	for n := range uint64(3) {
		note(n)
		if err := r.step(); err != nil {
			t.Fatal(err)
		}
		r.settle(<-r.done)
	}
	if n := strings.Count(said.String(), "waits in memory"); n != 1 {
		t.Errorf("it is said %d times: %s", n, &said)
	}
	if err := os.Remove(a.dbPath); err != nil {
		t.Fatal(err)
	}
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	seen := 0
	err := a.read(func(s *store.Store) error {
		return s.Replay("bot", func(f *learn.Flow, _ string) { seen += 1 << f.Dst.As4()[3] })
	})
	if err != nil || seen != 7 {
		t.Errorf("got %b, %v, want each of three once", seen, err)
	}
}
