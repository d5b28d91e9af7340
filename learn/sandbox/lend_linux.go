package sandbox

import (
	"io"
	"syscall"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/waiter"
)

// lend has what the command sends written from where the stack keeps it, until the end or
// until so much was, and returns how much was.
func (c *innerSide) lend(to syscall.RawConn, most uint64, count func(int)) (n uint64) {
	l := loan{raw: to}
	c.until(waiter.ReadableEvents, func() tcpip.Error {
		err := l.once(c.ep, int(min(most-n, mostLent)))
		count(l.sent)
		n += uint64(l.sent)
		switch {
		case err != nil:
			return err
		case l.err != nil || n == most || l.sent < l.size && takesMore(to) != nil:
			return over
		}
		return nil
	})
	return n
}

// A loan is what is written at once of what came.
type loan struct {
	raw  syscall.RawConn
	list [][]byte
	size int // of the list
	want int // so much is written at once
	sent int
	err  error
}

// once sends what is there, as much as is taken now.
//
// The pieces are the stack's, and good while Read lasts. So they are written in there,
// which must not wait: the other way of the connection would wait with it.
func (l *loan) once(ep tcpip.Endpoint, most int) tcpip.Error {
	var there extent
	l.list, l.size, l.sent = l.list[:0], 0, 0
	if _, err := ep.Read(&there, tcpip.ReadOptions{Peek: true}); err != nil {
		return err
	}
	l.want = min(int(there), most) // nobody takes of it meanwhile
	if _, err := ep.Read(l, tcpip.ReadOptions{Peek: true}); err != nil {
		return err
	}
	clear(l.list) // who falls silent now keeps no memory of the stack's
	ep.Read(&tcpip.LimitedWriter{W: io.Discard, N: int64(l.sent)}, tcpip.ReadOptions{})
	return nil
}

// Bounds of what is written at once: bytes, and pieces they lie in.
const (
	mostLent   = 512 << 10
	mostPieces = 512
)

// An extent is how much there is of what is peeked at, up to about the bound.
type extent int

// Write implements [io.Writer].
func (e *extent) Write(b []byte) (int, error) {
	if *e += extent(len(b)); *e < mostLent {
		return len(b), nil
	}
	return len(b), io.ErrShortWrite
}

// Write implements [io.Writer] for what is peeked at. With the last piece all are written.
func (l *loan) Write(b []byte) (int, error) {
	b = b[:min(len(b), l.want-l.size)]
	l.list, l.size = append(l.list, b), l.size+len(b)
	if l.size < l.want && len(l.list) < mostPieces {
		return len(b), nil
	}
	if err := l.raw.Write(l.write); err != nil {
		l.err = err
	}
	return len(b), io.ErrShortWrite // no more of them
}

// write does not wait.
func (l *loan) write(fd uintptr) bool {
	n, err := unix.Writev(int(fd), l.list)
	if l.sent = max(n, 0); !passing(err) {
		l.err = err
	}
	return true
}

// takesMore waits until something can be written.
func takesMore(raw syscall.RawConn) error {
	return raw.Write(func(fd uintptr) bool {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, 0)
		return n > 0 || err != nil && !passing(err)
	})
}
