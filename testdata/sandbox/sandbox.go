package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"

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
	r, err := sandbox.Run(context.Background(), sandbox.Options{
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
	return json.NewEncoder(os.Stdout).Encode(report{flows.Load(), owned.Load(), r.Dropped, peak(), r.Ready.Seconds() * 1000})
}

// peak is the most memory that this process had at once.
func peak() int {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	n, _ := strconv.Atoi(strings.Fields(rest + " 0")[0])
	return n
}
