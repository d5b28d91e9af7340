package sandbox

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"

	"tripline/learn"
)

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
