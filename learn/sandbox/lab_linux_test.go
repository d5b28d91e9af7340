package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/fdbased"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"

	"tripline/learn"
)

// A lab is a sandbox without a child: a second stack in the place of the
// command's kernel, a pair of sockets in the place of the link. It needs no rights.
type lab struct {
	t      *testing.T
	box    *box
	client *stack.Stack
	link   int // the command's end of it

	mu    sync.Mutex
	flows []learn.Flow
	open  []Told
}

func newLab(t *testing.T, o Options) *lab {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range pair {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 4<<20)
	}
	l := &lab{t: t, link: pair[1]}
	o.Flow = func(f *Told) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if f.Open {
			l.open = append(l.open, *f)
		} else {
			l.flows = append(l.flows, f.Flow)
		}
	}
	if o.Warn == nil {
		o.Warn = t.Logf
	}
	ctx, cancel := context.WithCancel(t.Context())
	l.box = &box{o: &o, ctx: ctx, names: newNames(&o, newResolver(o.Resolvers)), owner: nobody{}, hosts: map[uint16]bool{}, way: way{dial: o.Dial}, sockets: newSockets()}
	if err := l.box.serve(pair[0], false); err != nil {
		t.Fatal(err)
	}
	l.client = clientStack(t, pair[1])
	t.Cleanup(func() {
		cancel()
		l.client.Destroy()
		l.box.stack.RemoveNIC(nic)
		l.box.live.Wait()
		l.box.stack.Destroy()
		closeAll(pair[:])
	})
	return l
}

func clientStack(t *testing.T, fd int) *stack.Stack {
	t.Helper()
	s := stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, ipv6.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol},
	})
	link, err := fdbased.New(&fdbased.Options{FDs: []int{fd}, MTU: 1 << 14})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CreateNIC(nic, link); err != nil {
		t.Fatal(err)
	}
	for _, a := range []netip.Addr{inside4.Addr(), inside6.Addr()} {
		s.AddProtocolAddress(nic, tcpip.ProtocolAddress{Protocol: protocolOf(a), AddressWithPrefix: address(a).WithPrefix()}, stack.AddressProperties{})
	}
	s.SetSpoofing(nic, true)
	s.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: nic}, {Destination: header.IPv6EmptySubnet, NIC: nic}})
	return s
}

// dial connects as the command would.
func (l *lab) dial(to string) (*gonet.TCPConn, error) {
	at := netip.MustParseAddrPort(to)
	ctx, cancel := context.WithTimeout(l.t.Context(), 20*time.Second)
	defer cancel()
	return gonet.DialContextTCP(ctx, l.client, tcpip.FullAddress{NIC: nic, Addr: address(at.Addr()), Port: at.Port()}, protocolOf(at.Addr()))
}

// told waits until so many flows were told, and returns them.
func (l *lab) told(n int) []learn.Flow {
	l.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		l.mu.Lock()
		got := append([]learn.Flow(nil), l.flows...)
		l.mu.Unlock()
		if len(got) >= n {
			return got
		}
	}
	l.t.Fatalf("%d flows were not told: got %+v", n, l.flows)
	return nil
}

// lookup asks the sandbox for a name.
func (l *lab) lookup(name string, kind dnsmessage.Type) (dnsmessage.Message, error) {
	l.t.Helper()
	q, err := question(name, kind)
	if err != nil {
		l.t.Fatal(err)
	}
	reply, err := l.ask(q, 20*time.Second)
	if err != nil {
		return dnsmessage.Message{}, err
	}
	var m dnsmessage.Message
	return m, m.Unpack(reply)
}

// ask sends the sandbox a question as it is, and returns the answer
// that comes within a time.
func (l *lab) ask(q []byte, within time.Duration) ([]byte, error) {
	l.t.Helper()
	c, err := gonet.DialUDP(l.client, nil, &tcpip.FullAddress{NIC: nic, Addr: address(gateway4), Port: 53}, header.IPv4ProtocolNumber)
	if err != nil {
		l.t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write(q); err != nil {
		l.t.Fatal(err)
	}
	c.SetReadDeadline(time.Now().Add(within))
	buf := make([]byte, 1<<16)
	n, err := c.Read(buf)
	return buf[:n], err
}

// at returns the address that the sandbox gives for a name.
func (l *lab) at(name string) netip.Addr {
	l.t.Helper()
	m, err := l.lookup(name, dnsmessage.TypeA)
	if err != nil || len(m.Answers) != 1 {
		l.t.Fatalf("look up %s: got %+v, %v", name, m, err)
	}
	a, ok := m.Answers[0].Body.(*dnsmessage.AResource)
	if !ok {
		l.t.Fatalf("look up %s: got %+v", name, m)
	}
	return netip.AddrFrom4(a.A)
}

// admitAll lets everything out.
func admitAll(*learn.Flow) Decision { return Admit }

// echoServer answers with what it gets, and closes when the other side does.
func echoServer(t *testing.T) netip.AddrPort {
	t.Helper()
	return server(t, func(c net.Conn) { io.Copy(c, c) })
}

// server calls serve for each connection to loopback.
func server(t *testing.T, serve func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String())
}

// dialTo leads every connection to one place.
func dialTo(to netip.AddrPort) func(context.Context, string, netip.AddrPort) (net.Conn, error) {
	return func(ctx context.Context, network string, _ netip.AddrPort) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, to.String())
	}
}

// rawResolver answers with what reply makes of each question.
func rawResolver(t *testing.T, reply func(q []byte) []byte) netip.AddrPort {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		buf := make([]byte, 1<<16)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			if r := reply(bytes.Clone(buf[:n])); r != nil {
				c.WriteTo(r, from)
			}
		}
	}()
	return netip.MustParseAddrPort(c.LocalAddr().String())
}

// zone is a resolver that knows some names; others do not exist.
func zone(t *testing.T, names map[string][]string) (at netip.AddrPort, asked func() []string) {
	t.Helper()
	var mu sync.Mutex
	var list []string
	at = rawResolver(t, func(q []byte) []byte {
		var m dnsmessage.Message
		if m.Unpack(q) != nil || len(m.Questions) != 1 {
			return nil
		}
		name := strings.TrimSuffix(m.Questions[0].Name.String(), ".")
		mu.Lock()
		list = append(list, name)
		mu.Unlock()
		reply, err := zoneReply(&m, names, name)
		if err != nil {
			return nil
		}
		return reply
	})
	return at, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), list...)
	}
}

func zoneReply(m *dnsmessage.Message, names map[string][]string, name string) ([]byte, error) {
	m.Response, m.RecursionAvailable = true, true
	addrs, known := names[name]
	if !known {
		m.RCode = dnsmessage.RCodeNameError
	}
	for _, text := range addrs {
		a := netip.MustParseAddr(text)
		head := dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: dnsmessage.ClassINET, TTL: 60}
		switch kind := m.Questions[0].Type; {
		case kind == dnsmessage.TypeA && a.Is4():
			head.Type = kind
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: a.As4()}})
		case kind == dnsmessage.TypeAAAA && a.Is6():
			head.Type = kind
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
		case kind == dnsmessage.TypeTXT:
			head.Type = kind
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.TXTResource{TXT: []string{"text"}}})
		}
	}
	return m.Pack()
}

var errTimeout = errors.New("timeout")

// all reads to the end.
func all(c net.Conn) (string, error) {
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	data, err := io.ReadAll(c)
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		err = fmt.Errorf("%w after %q", errTimeout, data)
	}
	return string(data), err
}
