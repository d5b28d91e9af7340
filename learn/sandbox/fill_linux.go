package sandbox

import (
	"io"
	"syscall"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/waiter"
)

// fill has what comes from outside read to where the stack keeps it, until the end. Who
// hears it does so first.
func (c *innerSide) fill(from syscall.RawConn, heard func([]byte), count func(int)) {
	s := source{raw: from, heard: heard}
	c.until(waiter.WritableEvents, func() tcpip.Error {
		if s.wait(); s.err != nil {
			return over
		}
		n, err := c.ep.Write(&s, tcpip.WriteOptions{})
		if count(int(n)); err == nil && s.err != nil {
			return over
		}
		return err
	})
}

// A source is what waits outside to be read.
type source struct {
	raw   syscall.RawConn
	heard func([]byte)

	there int // bytes that can be read without waiting
	err   error
}

// wait waits until something is there, or the end.
func (s *source) wait() {
	err := s.raw.Read(func(fd uintptr) bool {
		s.there, s.err = inQueue(int(fd))
		return !passing(s.err)
	})
	if err != nil {
		s.err = err
	}
}

// inQueue returns how much can be read at once, up to the bound; [io.EOF] at the end.
func inQueue(fd int) (int, error) {
	var first [1]byte
	n, _, err := unix.Recvfrom(fd, first[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	if err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, io.EOF
	}
	all, err := unix.IoctlGetInt(fd, unix.SIOCINQ)
	return min(max(all, n), mostLent), err
}

// Len implements [tcpip.Payloader].
func (s *source) Len() int { return s.there }

// Read implements [tcpip.Payloader]. The stack asks for no more than is there, and
// for nothing to know whether there is an end.
func (s *source) Read(b []byte) (n int, _ error) {
	if len(b) == 0 {
		return 0, nil
	}
	err := s.raw.Read(func(fd uintptr) bool {
		n, s.err = unix.Read(int(fd), b)
		return !passing(s.err)
	})
	if n = max(n, 0); err != nil {
		s.err = err
	}
	if s.err == nil && n == 0 {
		s.err = io.ErrUnexpectedEOF
	}
	if s.heard != nil {
		s.heard(b[:n])
	}
	return n, s.err
}
