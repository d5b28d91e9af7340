package sandbox

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"runtime"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"

	"tripline/learn"
)

// A called is one call of the command, and our own descriptor of its socket.
type called struct {
	s            *supervisor
	n            *notice
	fd           int
	domain, kind int
}

const mostAddress = 128 // struct sockaddr_storage

// address copies an address of the command. Only what was copied while the command
// still waited is its own.
func (c *called) address(at, length uint64) ([]byte, unix.Errno) {
	if uint32(length) > mostAddress {
		return nil, unix.EINVAL
	}
	return c.copy(at, uint64(uint32(length)))
}

// number is an argument that the kernel takes 32 bits of.
func (c *called) number(argument int) int { return int(int32(c.n.args[argument])) }

func (c *called) copy(at, length uint64) ([]byte, unix.Errno) {
	buf, err := memory(int(c.n.pid), at, length)
	if err != nil {
		return nil, errnoOf(err)
	}
	if !c.n.valid(c.s.fd) {
		return nil, unix.ESRCH
	}
	return buf, 0
}

func (c *called) proto() learn.Proto {
	if c.kind == unix.SOCK_STREAM {
		return learn.TCP
	}
	protocol, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	if err == nil && (protocol == unix.IPPROTO_ICMP || protocol == unix.IPPROTO_ICMPV6) {
		return learn.Proto(protocol)
	}
	return learn.UDP
}

func (c *called) ip() bool { return c.domain == unix.AF_INET || c.domain == unix.AF_INET6 }

func (c *called) connect() unix.Errno {
	addr, errno := c.address(c.n.args[1], c.n.args[2])
	switch {
	case errno != 0:
		return errno
	case c.domain == unix.AF_UNIX:
		return c.reach(addr, true, c.dial)
	case !c.ip(), family(addr) == unix.AF_UNSPEC: // nothing new is begun
		return connect(c.fd, addr)
	}
	to, ok := addressIn(addr)
	switch {
	case !ok:
		return unix.EINVAL
	case c.kind == unix.SOCK_STREAM && c.state() != unix.BPF_TCP_CLOSE:
		return c.again(addr)
	}
	return c.connectTo(addr, to)
}

// state is that of a connection.
func (c *called) state() uint8 {
	info, err := unix.GetsockoptTCPInfo(c.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return unix.BPF_TCP_CLOSE
	}
	return info.State
}

// again asks what became of a connection that is being made. The kernel needs no
// address for that, and gets one where nobody is: another thread of the command may
// have ended the first connection meanwhile, and this begin one that nobody decided on.
func (c *called) again(addr []byte) unix.Errno {
	return c.dial(leadTo(addr, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)))
}

func (c *called) connectTo(addr []byte, to netip.AddrPort) unix.Errno {
	proto := c.proto()
	switch {
	case proto.HasPorts() && c.s.isResolver(to):
		return c.s.dns.connect(c, addr, proto)
	case to.Addr().IsLoopback() || to.Addr().IsUnspecified():
		if !c.s.own(proto, to) {
			return unix.ECONNREFUSED
		}
		return c.dial(addr)
	}
	t, errno := c.begin(proto, to)
	if errno != 0 {
		return errno
	}
	defer c.s.tell(t, func() {})
	errno = unix.EHOSTUNREACH
	for _, there := range t.to {
		t.flow.Dst = there.Addr()
		t.goesOn()
		errno = c.dial(leadTo(addr, there))
		if goesOn(errno) {
			break
		}
	}
	if at := c.local(); proto.HasPorts() {
		t.flow.Src, t.flow.SrcPort = at.Addr(), at.Port()
	}
	c.s.tell(t, func() {
		if !goesOn(errno) {
			t.b.failed.Add(1)
			if told := t.ends(); !told && (unsent(errno) || len(t.to) == 0) {
				return
			}
		}
		t.end()
	})
	return errno
}

// goesOn says whether a connection is there or in the making.
func goesOn(errno unix.Errno) bool {
	return errno == 0 || errno == unix.EINPROGRESS || errno == unix.EINTR || errno == restart
}

// begin decides on a connection or an exchange.
func (c *called) begin(proto learn.Proto, to netip.AddrPort) (*talk, unix.Errno) {
	from := c.local()
	if !proto.HasPorts() {
		from, to = netip.AddrPortFrom(from.Addr(), 0), netip.AddrPortFrom(to.Addr(), 0)
	}
	t := c.s.b.beginOf(c.process(), proto, from, to)
	if !c.s.pend(t) {
		return nil, unix.ENETDOWN
	}
	if !t.choose() {
		c.s.tell(t, t.refuse)
		return nil, unix.ECONNREFUSED
	}
	// What stands for a name that nobody looked up is of IPv6, and nowhere.
	t.to = slices.DeleteFunc(t.to, func(a netip.AddrPort) bool { return a.Addr().Is4() != to.Addr().Is4() })
	return t, 0
}

// local is the command's own end.
func (c *called) local() netip.AddrPort {
	sa, err := unix.Getsockname(c.fd)
	if err == nil {
		switch sa := sa.(type) {
		case *unix.SockaddrInet4:
			return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
		case *unix.SockaddrInet6:
			return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port))
		}
	}
	return netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
}

// listen lets nobody in from outside: what came in could be answered. A socket that is
// connected would lose its address with its connection, and is looked at again for who
// managed to change it meanwhile.
func (c *called) listen() unix.Errno {
	if state := c.state(); c.ip() && state != unix.BPF_TCP_CLOSE && state != unix.BPF_TCP_LISTEN {
		return unix.EINVAL
	}
	errno := c.onlyInside()
	if errno != 0 {
		return errno
	}
	listen := func() unix.Errno { return errnoOrNone(unix.Listen(c.fd, c.number(1))) }
	if errno = c.as(true, listen); errno != 0 {
		return errno
	}
	if errno = c.onlyInside(); errno != 0 {
		unix.Shutdown(c.fd, unix.SHUT_RDWR) //nolint:errcheck // that is how to listen no more
	}
	return errno
}

// onlyInside says whether only programs of this host reach a socket.
func (c *called) onlyInside() unix.Errno {
	at := c.local().Addr()
	if !c.ip() || at.IsLoopback() {
		return 0
	}
	c.s.warn("the command was not let listen on " + at.String() + ": without namespaces it may on 127.0.0.1 and ::1 alone")
	return unix.EACCES
}

func errnoOrNone(err error) unix.Errno {
	if err == nil {
		return 0
	}
	return errnoOf(err)
}

func family(addr []byte) int {
	if len(addr) < 2 {
		return -1
	}
	return int(binary.NativeEndian.Uint16(addr))
}

// connect makes the call on an address of ours. Signals that are meant for this
// process do not end it.
func connect(fd int, addr []byte) unix.Errno {
	at := unsafe.Pointer(unsafe.SliceData(addr)) //nolint:gosec // G103: how the call takes its argument
	for {
		_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(at), uintptr(len(addr)))
		runtime.KeepAlive(addr)
		if !errors.Is(errno, unix.EINTR) {
			return errno
		}
	}
}

// leadTo returns the address with another place in it, of the same family.
func leadTo(addr []byte, to netip.AddrPort) []byte {
	led := append([]byte(nil), addr...)
	binary.BigEndian.PutUint16(led[2:], to.Port())
	if family(addr) == unix.AF_INET {
		a := to.Addr().Unmap().As4()
		copy(led[4:8], a[:])
		return led
	}
	a := to.Addr().As16()
	copy(led[8:24], a[:])
	return led
}
