package sandbox

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"tripline/learn"
)

// Bounds of one message: no datagram is longer; a stream is sent in pieces.
const (
	mostSent    = 1 << 20
	mostPiece   = 1 << 18
	mostParts   = 1024
	mostControl = 1 << 16
	mostBatch   = 64
	mostRights  = 253 // SCM_MAX_FD of unix(7)
)

// A message is what is sent, in our own memory but for what comes later.
type message struct {
	to, data, control []byte
	later             []part
	flags             int
}

// A part is in the command's memory.
type part struct{ at, size uint64 }

func (c *called) sendto() (int, unix.Errno) {
	to, errno := c.address(c.n.args[4], c.n.args[5])
	if errno != 0 {
		return 0, errno
	}
	m := &message{to: to, later: []part{{c.n.args[1], c.n.args[2]}}, flags: c.number(3)}
	if errno := c.fill(m); errno != 0 {
		return 0, errno
	}
	return c.send(m)
}

func (c *called) sendmsg() (int, unix.Errno) {
	m, errno := c.message(c.n.args[1])
	if errno != 0 {
		return 0, errno
	}
	m.flags = c.number(2)
	return c.send(m)
}

// sendmmsg sends one message after the other; what was sent before an error counts.
func (c *called) sendmmsg() (int, unix.Errno) {
	const size, lengthAt = 64, 56 // struct mmsghdr
	many := min(uint64(uint32(c.n.args[2])), mostBatch)
	for i := range many {
		at := c.n.args[1] + i*size
		m, errno := c.message(at)
		n := 0
		if errno == 0 {
			m.flags = c.number(3)
			n, errno = c.send(m)
		}
		if errno != 0 {
			if i > 0 {
				return int(i), 0
			}
			return 0, errno
		}
		if !c.n.valid(c.s.fd) {
			return 0, unix.ESRCH
		}
		length := binary.NativeEndian.AppendUint32(nil, uint32(n))
		unix.ProcessVMWritev(int(c.n.pid), []unix.Iovec{{Base: &length[0], Len: 4}}, []unix.RemoteIovec{{Base: uintptr(at + lengthAt), Len: 4}}, 0) //nolint:errcheck // it was read just now
	}
	return int(many), 0
}

// message copies a struct msghdr and what it leads to.
func (c *called) message(at uint64) (*message, unix.Errno) {
	head, errno := c.copy(at, 56)
	if errno != 0 {
		return nil, errno
	}
	word := func(i int) uint64 { return binary.NativeEndian.Uint64(head[i:]) }
	m := &message{}
	if word(0) != 0 {
		length := min(binary.NativeEndian.Uint32(head[8:]), mostAddress)
		if m.to, errno = c.address(word(0), uint64(length)); errno != 0 {
			return nil, errno
		}
	}
	if m.later, errno = c.parts(word(16), word(24)); errno != 0 {
		return nil, errno
	}
	if errno = c.fill(m); errno != 0 {
		return nil, errno
	}
	if word(40) > mostControl {
		return nil, unix.ENOBUFS
	}
	if word(32) != 0 {
		m.control, errno = c.copy(word(32), word(40))
	}
	return m, errno
}

// parts copies where what is to be sent is.
func (c *called) parts(at, n uint64) (parts []part, errno unix.Errno) {
	if n > mostParts {
		return nil, unix.EMSGSIZE
	}
	list, errno := c.copy(at, n*16)
	for ; errno == 0 && len(list) > 0; list = list[16:] {
		parts = append(parts, part{binary.NativeEndian.Uint64(list), binary.NativeEndian.Uint64(list[8:])})
	}
	return parts, errno
}

// fill copies what is to be sent next: all of a datagram, and a piece of a stream.
func (c *called) fill(m *message) unix.Errno {
	most := uint64(mostSent)
	if c.kind == unix.SOCK_STREAM {
		most = mostPiece
	}
	m.data = nil
	for len(m.later) > 0 && uint64(len(m.data)) < most {
		p := &m.later[0]
		size := min(p.size, most-uint64(len(m.data)))
		text, errno := c.copy(p.at, size)
		if errno != 0 {
			return errno
		}
		m.data = append(m.data, text...)
		if p.at, p.size = p.at+size, p.size-size; p.size == 0 {
			m.later = m.later[1:]
		}
	}
	if len(m.later) > 0 && c.kind != unix.SOCK_STREAM {
		return unix.EMSGSIZE
	}
	return 0
}

// send sends a message, once it was decided on.
func (c *called) send(m *message) (n int, errno unix.Errno) {
	switch {
	case m.flags&unix.MSG_FASTOPEN != 0:
		return 0, unix.EOPNOTSUPP
	case m.flags&unix.MSG_ZEROCOPY != 0: // the memory is ours
		return 0, unix.ENOBUFS
	case c.ip() && c.kind == unix.SOCK_STREAM:
		m.to = nil // as the kernel does
	case c.domain == unix.AF_NETLINK:
		if !harmlessNetlink(c.fd, m) {
			return 0, unix.EPERM
		}
		m.to = nil // the kernel is who is meant; with an address it looks at our rights alone
	case len(m.to) == 0:
	case c.domain == unix.AF_UNIX:
		errno = c.reach(m.to, false, func(addr []byte) (errno unix.Errno) {
			m.to = addr
			n, errno = c.deliver(m)
			return errno
		})
		return n, errno
	case c.ip():
		if errno := c.sendTo(m); errno != 0 {
			return 0, errno
		}
	}
	return c.deliver(m)
}

// deliver makes the call with what comes along.
func (c *called) deliver(m *message) (int, unix.Errno) {
	control, held, errno := c.controls(m.control)
	defer closeAll(held)
	if errno == 0 && !c.n.valid(c.s.fd) { // what came along may be another's
		errno = unix.ESRCH
	}
	if errno != 0 {
		return 0, errno
	}
	m.control = control
	return c.pass(m)
}

// harmlessNetlink says whether a message only asks the kernel about links, addresses
// and routes (rtnetlink(7)): what it changes, it would change by our rights.
func harmlessNetlink(fd int, m *message) bool {
	protocol, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	if err != nil || protocol != unix.NETLINK_ROUTE {
		return false
	}
	const get, kinds = 2, 4 // of new, delete, get and set
	if len(m.to) > 0 && (len(m.to) < unix.SizeofSockaddrNetlink || !bytes.Equal(m.to[4:12], make([]byte, 8))) {
		return false
	}
	for rest := m.data; len(rest) > 0; {
		if len(rest) < unix.SizeofNlMsghdr {
			return false
		}
		length, kind := int(binary.NativeEndian.Uint32(rest)), binary.NativeEndian.Uint16(rest[4:])
		if kind < unix.RTM_BASE || (kind-unix.RTM_BASE)%kinds != get || length < unix.SizeofNlMsghdr {
			return false
		}
		rest = rest[min(len(rest), (length+3)&^3):]
	}
	return true
}

// sendTo decides where a datagram goes. The kernel takes an address without a family
// for one; it gets none.
func (c *called) sendTo(m *message) unix.Errno {
	to, ok := addressIn(m.to)
	if !ok {
		return unix.EAFNOSUPPORT
	}
	proto := c.proto()
	switch {
	case proto == learn.UDP && c.s.isResolver(to):
		return c.s.overhear(m.data)
	case to.Addr().IsLoopback() || to.Addr().IsUnspecified():
		if !c.s.own(proto, to) {
			return unix.ECONNREFUSED
		}
		return 0
	}
	t, errno := c.begin(proto, to)
	if errno != 0 {
		return errno
	}
	if len(t.to) == 0 {
		c.s.tell(t, func() {})
		return unix.EHOSTUNREACH
	}
	m.to = leadTo(m.to, t.to[0])
	known := c.s.known(c.fd, t.to[0])
	c.s.tell(t, func() {
		if !known {
			t.end()
		}
	})
	return 0
}

// known says whether datagrams of a socket to there were told of lately.
func (s *supervisor) known(fd int, to netip.AddrPort) bool {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now, key := time.Now(), sending{st.Ino, to}
	last, ok := s.sent[key]
	if len(s.sent) >= mostExchanges {
		clear(s.sent) // some are told again
	}
	s.sent[key] = now
	return ok && now.Sub(last) < idleUDP
}
