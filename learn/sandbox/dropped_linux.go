package sandbox

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A tally is where the kernel says how many packets of the command the link did not take
// (proc(5), /proc/net/dev). It stays open: it goes on to say so of a network whose last
// process has ended.
type tally struct{ f *os.File }

// tallyOf opens that of a process; one that cannot be opened says nothing.
func tallyOf(pid int) tally {
	f, err := os.Open(fmt.Sprintf("/proc/%d/net/dev", pid))
	if err != nil {
		return tally{}
	}
	return tally{f}
}

func (t tally) close() { t.f.Close() } //nolint:errcheck // it was only read

// dropped reads it.
func (t tally) dropped() uint64 {
	text := make([]byte, 4096) // there are three interfaces
	n, _ := t.f.ReadAt(text, 0)
	return droppedIn(string(text[:n]))
}

// droppedIn finds the column "drop" of what is sent by the interface inside.
func droppedIn(text string) uint64 {
	const column = 8 + 3 // behind those of what is received
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(line, ":")
		if fields := strings.Fields(rest); strings.TrimSpace(name) == nameInside && len(fields) > column {
			n, _ := strconv.ParseUint(fields[column], 10, 64)
			return n
		}
	}
	return 0
}

// dropped is how many packets of the command came faster than they were taken: by the
// link, by what reads it, and by those they were for.
func (r *running) dropped() uint64 {
	n := r.box.crowded.Load()
	if r.box.stack == nil {
		return n
	}
	n += r.tally.dropped() + r.box.stack.Stats().TCP.ForwardMaxInFlightDrop.Value() // beginnings of connections, while too many wait
	if r.report.Link == "veth" {
		if st, err := unix.GetsockoptTpacketStats(r.fds[fdLink][0], unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
			n += uint64(st.Drops)
		}
	}
	return n
}
