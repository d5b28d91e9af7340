package sandbox

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"sync"

	"golang.org/x/sys/unix"

	"tripline/learn"
)

// A diag asks the kernel which socket inside has an address (sock_diag(7)). Its
// socket was opened there, and sees what is there.
type diag struct {
	fd  int
	mu  sync.Mutex
	seq uint32
	buf [1024]byte // of an answer
}

// A socket is one inside.
type socket struct {
	inode uint32
	uid   uint32
}

var errNoSocket = errors.New("no such socket")

const (
	diagByFamily = 20 // SOCK_DIAG_BY_FAMILY
	diagRequest  = 56 // struct inet_diag_req_v2
	diagMessage  = 72 // struct inet_diag_msg
	netlinkHead  = unix.SizeofNlMsghdr
)

// find returns the socket of a connection, or of an exchange of datagrams, which
// may be connected or not.
func (d *diag) find(proto learn.Proto, from, to netip.AddrPort) (socket, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if proto == learn.UDP { // the kernel looks for it as for a packet that comes in
		from, to = to, from
	}
	s, err := d.ask(proto, from, to)
	if err != nil && from.Addr().Is4() { // a socket of IPv6 speaks it as well
		return d.ask(proto, mapped(from), mapped(to))
	}
	return s, err
}

func mapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(a.Addr().As16()), a.Port())
}

func (d *diag) ask(proto learn.Proto, from, to netip.AddrPort) (socket, error) {
	d.seq++
	req := make([]byte, netlinkHead+diagRequest)
	native := binary.NativeEndian
	native.PutUint32(req[0:], uint32(len(req)))
	native.PutUint16(req[4:], diagByFamily)
	native.PutUint16(req[6:], unix.NLM_F_REQUEST)
	native.PutUint32(req[8:], d.seq)
	body := req[netlinkHead:]
	body[0], body[1] = unix.AF_INET, byte(proto)
	if from.Addr().Is6() {
		body[0] = unix.AF_INET6
	}
	native.PutUint32(body[4:], 0xffffffff) // any state
	binary.BigEndian.PutUint16(body[8:], from.Port())
	binary.BigEndian.PutUint16(body[10:], to.Port())
	copy(body[12:28], from.Addr().AsSlice())
	copy(body[28:44], to.Addr().AsSlice())
	native.PutUint32(body[48:], 0xffffffff) // no cookie
	native.PutUint32(body[52:], 0xffffffff)
	if err := unix.Sendto(d.fd, req, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return socket{}, err
	}
	return d.answer()
}

func (d *diag) answer() (socket, error) {
	buf := d.buf[:]
	for {
		n, _, err := unix.Recvfrom(d.fd, buf, 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return socket{}, err
		case n < netlinkHead:
			return socket{}, errNoSocket
		case binary.NativeEndian.Uint32(buf[8:]) != d.seq:
			continue
		case binary.NativeEndian.Uint16(buf[4:]) != diagByFamily || n < netlinkHead+diagMessage:
			return socket{}, errNoSocket
		}
		m := buf[netlinkHead:]
		s := socket{uid: binary.NativeEndian.Uint32(m[64:]), inode: binary.NativeEndian.Uint32(m[68:])}
		if s.inode == 0 { // its process has closed it
			return socket{}, errNoSocket
		}
		return s, nil
	}
}
