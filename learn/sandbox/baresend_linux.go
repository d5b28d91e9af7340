package sandbox

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/net/dns/dnsmessage"
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

// overhear asks what the command asks, so that the answer is known. It gets that of
// its resolver.
func (s *supervisor) overhear(q []byte) unix.Errno {
	name, ok := onlyQuestion(q)
	if !ok {
		return unix.ECONNREFUSED
	}
	s.b.asked(name, learn.UDP, netip.AddrPort{})
	if s.b.names.silently(name) {
		s.b.names.silent.Add(1)
		return unix.ECONNREFUSED
	}
	s.b.names.queries.Add(1)
	if reply, err := s.b.names.resolver.exchange(s.b.ctx, q); err == nil {
		s.b.names.heard(reply)
	}
	return 0
}

// onlyQuestion returns the name that a question asks for which asks for nothing else: it
// goes out as it is.
func onlyQuestion(q []byte) (name string, ok bool) {
	const answers, authorities, additional = 6, 8, 10 // counts of RFC 1035, 4.1.1
	var p dnsmessage.Parser
	head, err := p.Start(q)
	if err != nil || head.Response || head.OpCode != 0 {
		return "", false
	}
	count := func(at int) uint16 { return binary.BigEndian.Uint16(q[at:]) }
	asked, err := p.AllQuestions()
	if err != nil || len(asked) != 1 || count(answers) != 0 || count(authorities) != 0 || count(additional) > 1 { // that of EDNS
		return "", false
	}
	return canonical(asked[0].Name.String()), true
}

// pass makes the call, until all is sent that a call which waits would send.
func (c *called) pass(m *message) (sent int, errno unix.Errno) {
	var w *wait
	if m.flags&unix.MSG_DONTWAIT == 0 {
		w = c.wait()
	}
	for errno == 0 {
		var n int
		switch n, errno = m.pass(c.fd); {
		case errno == unix.EAGAIN && w != nil:
			errno = w.room()
			continue
		case errno != 0:
			continue
		}
		sent, m.data, m.control = sent+n, m.data[n:], nil
		if c.kind != unix.SOCK_STREAM || w == nil || len(m.data)+len(m.later) == 0 {
			return sent, 0
		}
		if len(m.data) == 0 {
			errno = c.fill(m)
		}
	}
	if sent > 0 {
		return sent, 0
	}
	if errno == unix.EPIPE && c.kind == unix.SOCK_STREAM && m.flags&unix.MSG_NOSIGNAL == 0 && c.n.valid(c.s.fd) {
		unix.Tgkill(groupOf(int(c.n.pid)), int(c.n.pid), unix.SIGPIPE) //nolint:errcheck // as the kernel would
	}
	return 0, errno
}

// pass makes the call once, without waiting.
func (m *message) pass(fd int) (int, unix.Errno) {
	h := unix.Msghdr{Name: unsafe.SliceData(m.to), Namelen: uint32(len(m.to)), Control: unsafe.SliceData(m.control)} //nolint:gosec // G115: bounded above
	h.SetControllen(len(m.control))
	v := unix.Iovec{Base: unsafe.SliceData(m.data)} //nolint:gosec // G103: the kernel reads it
	v.SetLen(len(m.data))
	h.Iov = &v
	h.SetIovlen(1)
	for {
		n, _, errno := unix.Syscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&h)), uintptr(m.flags|unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)) //nolint:gosec // G103: how the call takes its argument
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}

// harmless is what may come with a datagram of IP: nothing that leads it elsewhere.
var harmless = map[[2]int32]bool{
	{unix.IPPROTO_IP, unix.IP_PKTINFO}: true, {unix.IPPROTO_IP, unix.IP_TTL}: true, {unix.IPPROTO_IP, unix.IP_TOS}: true,
	{unix.IPPROTO_IPV6, unix.IPV6_PKTINFO}: true, {unix.IPPROTO_IPV6, unix.IPV6_HOPLIMIT}: true, {unix.IPPROTO_IPV6, unix.IPV6_TCLASS}: true,
	{unix.IPPROTO_UDP, unix.UDP_SEGMENT}: true, {unix.SOL_SOCKET, unix.SO_TXTIME}: true, {unix.SOL_SOCKET, unix.SO_TIMESTAMPING}: true,
}

// controls returns what comes with a message, with descriptors of ours for the
// command's, to be closed afterwards.
func (c *called) controls(raw []byte) (control []byte, held []int, errno unix.Errno) {
	if c.domain == unix.AF_UNIX {
		control = c.credentials()
	}
	if len(raw) == 0 {
		return control, nil, 0
	}
	if c.domain == unix.AF_ALG || c.domain == unix.AF_NETLINK {
		return raw, nil, 0
	}
	list, err := unix.ParseSocketControlMessage(raw)
	if err != nil {
		return nil, nil, unix.EINVAL
	}
	for i := range list {
		h := list[i].Header
		switch rights, err := unix.ParseUnixRights(&list[i]); {
		case h.Level == unix.SOL_SOCKET && h.Type == unix.SCM_RIGHTS && err == nil:
			fds, errno := c.ours(rights)
			held = append(held, fds...)
			if errno != 0 {
				return nil, held, errno
			}
			control = append(control, unix.UnixRights(fds...)...)
		case h.Level == unix.SOL_SOCKET && h.Type == unix.SCM_CREDENTIALS: // as above
		case c.ip() && !harmless[[2]int32{h.Level, h.Type}]:
			return nil, held, unix.EPERM
		default:
			control = append(control, encode(&list[i])...)
		}
	}
	return control, held, 0
}

// ours duplicates descriptors of the command.
func (c *called) ours(theirs []int) (fds []int, errno unix.Errno) {
	if len(theirs) > mostRights {
		return nil, unix.EINVAL
	}
	for _, fd := range theirs {
		d, err := duplicate(int(c.n.pid), fd)
		if err != nil {
			return fds, errnoOf(err)
		}
		fds = append(fds, d)
	}
	return fds, 0
}

// encode writes one control message.
func encode(m *unix.SocketControlMessage) []byte {
	buf := make([]byte, unix.CmsgSpace(len(m.Data)))
	h := (*unix.Cmsghdr)(unsafe.Pointer(&buf[0])) //nolint:gosec // G103: it is as long
	h.Level, h.Type = m.Header.Level, m.Header.Type
	h.SetLen(unix.CmsgLen(len(m.Data)))
	copy(buf[unix.CmsgLen(0):], m.Data)
	return buf
}
