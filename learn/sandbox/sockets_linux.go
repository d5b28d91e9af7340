package sandbox

import (
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Sockets are those that what a command does may open here at once. A command that opens
// thousands would otherwise take every descriptor, and what it did could not be written
// down any more, nor told of.
type sockets struct{ left atomic.Int64 }

// spare is how many descriptors are left for everything else: the database, alerts.
const spare = 128

func newSockets() *sockets {
	s, n := &sockets{}, mostDescriptors()
	s.left.Store(int64(max(n-spare-mostAsked(), n/2)))
	return s
}

// mostAsked is how many questions are on their way at once: each has a socket.
func mostAsked() int { return min(256, mostDescriptors()/4) }

// mostDescriptors is how many this process may have.
func mostDescriptors() int {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return 1024
	}
	return int(min(limit.Cur, 1<<30))
}

// take takes some, if there are as many.
func (s *sockets) take(n int64) bool {
	if s.left.Add(-n) < 0 {
		s.left.Add(n)
		return false
	}
	return true
}

func (s *sockets) give(n int64) { s.left.Add(n) }
