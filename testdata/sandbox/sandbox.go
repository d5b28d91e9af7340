package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"time"

	"tripline/learn"
	"tripline/learn/sandbox"
)

// A report is what a sandbox saw, and what it took.
type report struct {
	Flows   uint64 // that were told
	Owned   uint64 // of them, with their process
	Dropped uint64
	Peak    int // KiB
	Ready   float64
}

// inSandbox runs the client in tripline's sandbox: over a link, with hashes of what
// is said or without, to a server, with a profile, if it is to be.
func inSandbox(args []string) error {
	if len(args) < 5 {
		return fmt.Errorf("sandbox %q: want a link, hashes, a server, a profile and a command", args)
	}
	var hashed int64
	if args[1] != "" {
		hashed = 64 << 10
	}
	if args[3] != "" {
		f, err := os.Create(args[3])
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	var flows, owned atomic.Uint64
	var m memory
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go m.watch(ctx)
	r, err := sandbox.Run(ctx, sandbox.Options{
		Command: args[4:], HashPayload: hashed, Label: "sandbox:bench", Link: args[0],
		Decide: func(*learn.Flow) sandbox.Decision { return sandbox.Admit },
		Flow: func(f *sandbox.Told) {
			if f.Open {
				return
			}
			if flows.Add(1); f.Process != nil {
				owned.Add(1)
			}
		},
		Dial: func(ctx context.Context, network string, _ netip.AddrPort) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, args[2])
		},
		Warn: func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) },
	})
	if err == nil && r.Status != 0 {
		err = fmt.Errorf("the client ended with %d", r.Status)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(report{flows.Load(), owned.Load(), r.Dropped, int(peak("self") + m.beside.Load()), r.Ready.Seconds() * 1000})
}

// memory is the most that this process had at once and the one beside it that looks
// at the command's, in KiB.
type memory struct{ beside atomic.Int64 }

// watch looks for the one beside until the end.
func (m *memory) watch(ctx context.Context) {
	for ctx.Err() == nil {
		time.Sleep(50 * time.Millisecond)
		children, err := filepath.Glob("/proc/self/task/*/children")
		if err != nil {
			return
		}
		for _, path := range children {
			text, _ := os.ReadFile(path)
			for pid := range strings.FieldsSeq(string(text)) {
				if line, _ := os.ReadFile("/proc/" + pid + "/cmdline"); strings.Contains(string(line), "-eyes\x00") {
					m.beside.Store(max(m.beside.Load(), peak(pid)))
				}
			}
		}
	}
}

// peak is the most memory that a process had at once.
func peak(pid string) (n int64) {
	text, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	_, _ = fmt.Sscan(rest, &n)
	return n
}
