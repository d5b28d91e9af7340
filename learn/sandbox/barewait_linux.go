package sandbox

import (
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// A call that waits is made in short pieces. It ends with who makes it, and a signal
// reaches who makes it as if it had waited itself.

// glance is how long a piece lasts.
const glance = 100 * time.Millisecond

// restart is what the kernel says of a call that a signal interrupts (ERESTARTSYS): its
// handler is called, and then the call is made again or fails with EINTR, as that wants.
const restart = unix.Errno(512)

// A wait is for a call on a socket that waits.
type wait struct {
	c     *called
	began time.Time
	most  time.Duration // as the command set it, 0 for ever
	piece time.Duration
}

// wait is nil for a call that does not wait.
func (c *called) wait() *wait {
	flags, err := unix.FcntlInt(uintptr(c.fd), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_NONBLOCK != 0 {
		return nil
	}
	w := &wait{c: c, began: time.Now(), piece: glance}
	if tv, err := unix.GetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO); err == nil {
		w.most = time.Duration(tv.Nano())
	}
	if w.most > 0 {
		w.piece = min(w.piece, w.most)
	}
	return w
}

// over says why a call waits no more, 0 if it does.
func (w *wait) over() (errno unix.Errno) {
	switch {
	case !w.c.n.valid(w.c.s.fd):
		return unix.ESRCH
	case w.most > 0 && time.Since(w.began) >= w.most:
		return unix.EAGAIN
	case !signalled(int(w.c.n.pid)):
		return 0
	case w.most > 0: // as the kernel does
		return unix.EINTR
	}
	return restart
}

// signalled says whether a thread has to look at a signal. One that is for the whole
// process is looked at by its first thread, if that takes it (kill(2)).
func signalled(tid int) bool {
	text, err := os.ReadFile(procPath(tid, "status"))
	if err != nil {
		return false
	}
	mask := func(name string) uint64 {
		bits, err := strconv.ParseUint(field(text, name), 16, 64)
		if err != nil {
			return 0
		}
		return bits
	}
	pending := mask("SigPnd:")
	if field(text, "Tgid:") == strconv.Itoa(tid) {
		pending |= mask("ShdPnd:")
	}
	return pending&^mask("SigBlk:") != 0
}

// dial connects, and waits if the command does. What was begun goes on by itself.
func (c *called) dial(addr []byte) unix.Errno {
	w := c.wait()
	if w == nil {
		return connect(c.fd, addr)
	}
	own := unix.NsecToTimeval(int64(w.most))
	piece := unix.NsecToTimeval(int64(w.piece))
	unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &piece)     //nolint:errcheck // it then waits as long as it likes
	defer unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &own) //nolint:errcheck // as above
	for first := unix.Errno(0); ; {
		errno := connect(c.fd, addr)
		if errno != unix.EINPROGRESS && errno != unix.EALREADY && errno != unix.EAGAIN {
			return errno
		}
		if first == 0 {
			first = errno
		}
		switch why := w.over(); why {
		case 0:
		case unix.EAGAIN: // it says so in its own words
			return first
		default:
			return why
		}
	}
}

// breath is how long a datagram waits at least that nobody had room for.
const breath = 5 * time.Millisecond

// room waits until more can be sent.
func (w *wait) room() unix.Errno {
	poll := []unix.PollFd{{Fd: int32(w.c.fd), Events: unix.POLLOUT}}
	began := time.Now()
	unix.Poll(poll, int(w.piece.Milliseconds()))                          //nolint:errcheck // it is tried again
	if rest := breath - time.Since(began); w.c.kind != unix.SOCK_STREAM { // who gets it may have no room, which the socket does not know
		time.Sleep(rest)
	}
	return w.over()
}
