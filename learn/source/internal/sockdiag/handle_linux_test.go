package sockdiag

import (
	"net"
	"os"
	"testing"
)

func tupleOf(t *testing.T, proto uint8, local, remote net.Addr) Tuple {
	t.Helper()
	l, r := local, remote
	var out Tuple
	switch a := l.(type) {
	case *net.TCPAddr:
		out = Tuple{proto, a.AddrPort().Addr().Unmap(), r.(*net.TCPAddr).AddrPort().Addr().Unmap(), uint16(a.Port), uint16(r.(*net.TCPAddr).Port)}
	case *net.UDPAddr:
		out = Tuple{proto, a.AddrPort().Addr().Unmap(), r.(*net.UDPAddr).AddrPort().Addr().Unmap(), uint16(a.Port), uint16(r.(*net.UDPAddr).Port)}
	}
	return out
}

func TestOwnConnectionIsOurs(t *testing.T) {
	h, err := Open()
	if err != nil {
		t.Skip("no sock_diag here: ", err)
	}
	defer h.Close()
	for _, listen := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", listen)
		if err != nil {
			t.Log(err)
			continue
		}
		defer l.Close()
		u, err := net.ListenPacket("udp", listen)
		if err != nil {
			t.Fatal(err)
		}
		defer u.Close()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		d, err := net.Dial("udp", u.LocalAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		for _, tt := range []Tuple{tupleOf(t, 6, c.LocalAddr(), c.RemoteAddr()), tupleOf(t, 17, d.LocalAddr(), d.RemoteAddr())} {
			s, ok := h.Find(tt)
			if !ok || s.UID != os.Getuid() {
				t.Errorf("%v: got %v, %v", tt, s, ok)
				continue
			}
			if pid, ok := h.Owner(s.Inode); !ok || pid != os.Getpid() {
				t.Errorf("%v: of %d, want %d", tt, pid, os.Getpid())
			}
		}
		none := tupleOf(t, 6, c.LocalAddr(), c.RemoteAddr())
		none.DstPort++
		if s, ok := h.Find(none); ok {
			t.Errorf("there is no such connection, but %v", s)
		}
	}
}
