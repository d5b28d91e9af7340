package sandbox

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"tripline/learn"
)

// echoes are exchanges of echo requests and replies that go on.
type echoes struct {
	b   *box
	mu  sync.Mutex
	all map[pair]*exchange
}

// idleEcho is how long an exchange of echoes lasts after the last one.
const idleEcho = 15 * time.Second

// packet takes an echo request. It is on the way of every packet and must not wait.
func (x *echoes) packet(proto learn.Proto, from, to netip.Addr, ident uint16, data []byte) {
	if to == gateway4 || to == gateway6 {
		x.b.echo(proto, to, from, ident, data)
		return
	}
	key := pair{netip.AddrPortFrom(from, ident), netip.AddrPortFrom(to, 0)}
	x.mu.Lock()
	defer x.mu.Unlock()
	e := x.all[key]
	if e == nil {
		if len(x.all) >= mostExchanges {
			x.b.crowded.Add(1)
			return
		}
		e = &exchange{in: make(chan []byte, waiting), last: time.Now()}
		x.all[key] = e
		x.b.live.Go(func() { x.carry(proto, key, e) })
	}
	select {
	case e.in <- data:
	default:
		x.b.crowded.Add(1)
	}
}

// carry is the life of an exchange.
func (x *echoes) carry(proto learn.Proto, key pair, e *exchange) {
	t := x.b.begin(proto, key.from, key.to)
	t.flow.SrcPort, t.flow.DstPort = 0, 0
	first := <-e.in
	if !t.choose() {
		x.drop(key)
		x.b.prohibited(key.from.Addr(), key.to.Addr(), first)
		t.refuse()
		return
	}
	if !x.b.sockets.take(1) {
		x.drop(key)
		t.fail(unix.EMFILE)
		return
	}
	defer x.b.sockets.give(1)
	out, err := pinger(t.to[0].Addr())
	if err != nil {
		x.drop(key)
		x.b.unpinged.Do(func() {
			x.b.o.Warn("an echo request (ping) is not forwarded: %v. As root: sysctl net.ipv4.ping_group_range=\"0 2147483647\"", err)
		})
		x.b.failed.Add(1)
		return
	}
	t.goesOn()
	x.b.live.Go(func() { x.back(proto, key, e, t, out) })
	timer := time.NewTimer(idleEcho)
	defer timer.Stop()
	for data, on := first, true; on; {
		if data != nil {
			if _, err := out.WriteTo(data, &net.UDPAddr{IP: t.to[0].Addr().AsSlice()}); err == nil {
				t.up.Add(uint64(len(data)))
			}
			e.touch()
		}
		select {
		case data = <-e.in:
		case <-timer.C:
			data = nil
			rest := idleEcho - time.Since(e.touched())
			on = rest > 0
			timer.Reset(max(rest, time.Millisecond))
		case <-x.b.ctx.Done():
			on = false
		}
	}
	x.drop(key)
	out.Close() //nolint:errcheck // it is over
	t.end()
}

func (x *echoes) drop(key pair) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.all, key)
}

// back hands the command the replies.
func (x *echoes) back(proto learn.Proto, key pair, e *exchange, t *talk, out net.PacketConn) {
	buf := make([]byte, 1<<16)
	for {
		n, _, err := out.ReadFrom(buf)
		if err != nil {
			return
		}
		if n < header.ICMPv4MinimumSize {
			continue
		}
		e.touch()
		t.down.Add(uint64(n))
		x.b.echo(proto, key.to.Addr(), key.from.Addr(), key.from.Port(), buf[:n])
	}
}

// echo answers an echo request with what came after its header.
func (b *box) echo(proto learn.Proto, from, to netip.Addr, ident uint16, data []byte) {
	reply := append([]byte(nil), data...)
	if proto == learn.ICMP {
		h := header.ICMPv4(reply)
		h.SetType(header.ICMPv4EchoReply)
		h.SetIdent(ident)
		h.SetChecksum(0)
		h.SetChecksum(header.ICMPv4Checksum(h, 0))
		b.write(from, to, header.ICMPv4ProtocolNumber, h)
		return
	}
	h := header.ICMPv6(reply)
	h.SetType(header.ICMPv6EchoReply)
	h.SetIdent(ident)
	b.sumICMPv6(from, to, h)
	b.write(from, to, header.ICMPv6ProtocolNumber, h)
}

// pinger opens a socket for echoes, which needs no rights where the system's
// ping_group_range says so.
func pinger(to netip.Addr) (net.PacketConn, error) {
	family, protocol := unix.AF_INET, unix.IPPROTO_ICMP
	if to.Is6() {
		family, protocol = unix.AF_INET6, unix.IPPROTO_ICMPV6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "ping")
	defer f.Close() //nolint:errcheck // the connection has its own
	return net.FilePacketConn(f)
}
