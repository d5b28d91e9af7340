package sandbox

import (
	"net/netip"
	"sync"
	"time"

	"tripline/learn"
)

// owners finds the process of a connection by its socket, while it still waits
// for the connection.
type owners struct {
	init    int      // the first process inside
	witness *witness // nil with weak attribution

	mu    sync.Mutex
	known map[int]cached
}

// A cached process, by its threads, is described again after a while: it may call itself
// something else since.
type cached struct {
	process *learn.Process
	start   string
	at      time.Time
}

const describeFor = 200 * time.Millisecond

func newOwners(init int) *owners {
	return &owners{init: init, known: map[int]cached{}}
}

// of returns the process that has a socket, nil if it is gone.
func (o *owners) of(inode uint32) *learn.Process {
	if o.witness != nil {
		if p := o.witness.of(inode); p != nil {
			return p
		}
	}
	return o.describe(holder(descendants(o.init), inode))
}

func (o *owners) spoken(to netip.AddrPort) uint64 {
	if o.witness == nil {
		return 0
	}
	return o.witness.spoken(to)
}

// describe says what the process of a thread is.
func (o *owners) describe(tid int) *learn.Process {
	if tid == 0 {
		return nil
	}
	start := began(tid)
	o.mu.Lock()
	c, ok := o.known[tid]
	o.mu.Unlock()
	if ok && c.start == start && start != "" && time.Since(c.at) < describeFor {
		return c.process
	}
	p := processOf(tid, o.init)
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.known) > 4096 {
		clear(o.known)
	}
	o.known[tid] = cached{p, start, time.Now()}
	return p
}

// began is when a process started, and where its arguments are, in the kernel's own
// words: another program has them elsewhere.
func began(pid int) string {
	const start, args = 19, 45
	fields := stat(pid)
	if len(fields) <= args {
		return ""
	}
	return fields[start] + " " + fields[args]
}
