package sandbox

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"tripline/learn"
)

// An answering is the resolver of a command without namespaces: on the loopback of
// this host, where sockets that go to its resolvers are led. Nobody else is answered.
type answering struct {
	b   *box
	udp *net.UDPConn
	tcp *net.TCPListener

	mu  sync.Mutex
	ask map[netip.AddrPort]bool // ends of sockets that were led here
}

// mostAsking is how many sockets that ask are remembered.
const mostAsking = 1 << 14

func (b *box) answering() (*answering, error) {
	local := net.IPv4(127, 0, 0, 1)
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: local})
	if err != nil {
		return nil, fmt.Errorf("answer names: %w", err)
	}
	tcp, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: local})
	if err != nil {
		udp.Close() //nolint:errcheck // nothing was written
		return nil, fmt.Errorf("answer names: %w", err)
	}
	a := &answering{b: b, udp: udp, tcp: tcp, ask: map[netip.AddrPort]bool{}}
	go a.datagrams()
	go a.connections()
	return a, nil
}

func (a *answering) close() {
	a.udp.Close() //nolint:errcheck // nothing was written
	a.tcp.Close() //nolint:errcheck // as above
}

// connect leads a socket here.
func (a *answering) connect(c *called, addr []byte, proto learn.Proto) unix.Errno {
	at := a.udp.LocalAddr()
	if proto == learn.TCP {
		at = a.tcp.Addr()
	}
	to := leadTo(addr, netip.MustParseAddrPort(at.String()))
	a.mu.Lock() // until it is known whose question comes
	defer a.mu.Unlock()
	errno := connect(c.fd, to)
	if len(a.ask) >= mostAsking {
		clear(a.ask) // they ask again
	}
	a.ask[c.local()] = true
	return errno
}

func (a *answering) asks(from netip.AddrPort) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ask[netip.AddrPortFrom(from.Addr().Unmap(), from.Port())]
}

func (a *answering) datagrams() {
	buf := make([]byte, mostAnswer)
	for {
		n, from, err := a.udp.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		if !a.asks(from) {
			continue
		}
		a.b.lookup(bytes.Clone(buf[:n]), from, func(reply []byte) {
			a.udp.WriteToUDPAddrPort(reply, from) //nolint:errcheck // it asks again
		})
	}
}

func (a *answering) connections() {
	for {
		c, err := a.tcp.AcceptTCP()
		if err != nil {
			return
		}
		from, err := netip.ParseAddrPort(c.RemoteAddr().String())
		if err != nil || !a.asks(from) {
			c.Close() //nolint:errcheck // nothing was written
			continue
		}
		go func() {
			defer c.Close() //nolint:errcheck // it is over
			a.b.lookups(c, from)
		}()
	}
}

// canonical is a name as it is compared.
func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
