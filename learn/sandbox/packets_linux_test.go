package sandbox

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"tripline/learn"
)

// Packets as no kernel would send them: what is admitted of them is what was decided
// on, and nothing else has an effect.

var (
	far4 = netip.MustParseAddr("203.0.113.5")
	far6 = netip.MustParseAddr("2001:db8::5")
)

// datagramOf is a UDP datagram to a port, with its header.
func datagramOf(from, to netip.Addr, port uint16, data []byte) []byte {
	u := make(header.UDP, header.UDPMinimumSize, header.UDPMinimumSize+len(data))
	length := uint16(header.UDPMinimumSize + len(data))
	u.Encode(&header.UDPFields{SrcPort: 4444, DstPort: port, Length: length})
	sum := header.PseudoHeaderChecksum(header.UDPProtocolNumber, address(from), address(to), length)
	u.SetChecksum(^u.CalculateChecksum(checksum.Checksum(data, sum)))
	return append(u, data...)
}

// synOf is the first packet of a connection.
func synOf(from, to netip.Addr, port uint16) []byte {
	h := make(header.TCP, header.TCPMinimumSize)
	h.Encode(&header.TCPFields{SrcPort: 4444, DstPort: port, SeqNum: 1, DataOffset: header.TCPMinimumSize, Flags: header.TCPFlagSyn, WindowSize: 1000})
	h.SetChecksum(^h.CalculateChecksum(header.PseudoHeaderChecksum(header.TCPProtocolNumber, address(from), address(to), header.TCPMinimumSize)))
	return h
}

// A piece is a part of a packet: where it begins, and whether more follow.
type piece struct {
	at   int
	more bool
	data []byte
}

// packet4 is an IPv4 packet with a piece of a payload, and options.
func packet4(from, to netip.Addr, protocol tcpip.TransportProtocolNumber, p piece, options ...byte) []byte {
	h := make(header.IPv4, header.IPv4MinimumSize, header.IPv4MinimumSize+len(options)+len(p.data))
	f := header.IPv4Fields{
		TotalLength: uint16(header.IPv4MinimumSize + len(options) + len(p.data)), ID: 77, TTL: 64, Protocol: uint8(protocol),
		SrcAddr: address(from), DstAddr: address(to), FragmentOffset: uint16(p.at),
	}
	if p.more {
		f.Flags = header.IPv4FlagMoreFragments
	}
	h.Encode(&f)
	h[0] = 0x40 | byte((header.IPv4MinimumSize+len(options))/4)
	h = append(h, options...)
	h.SetChecksum(0)
	h.SetChecksum(^checksum.Checksum(h, 0))
	return append(h, p.data...)
}

// packet6 is an IPv6 packet with a chain of extension headers; a piece of a payload
// where it is a fragment.
func packet6(from, to netip.Addr, next uint8, payload []byte) []byte {
	h := make(header.IPv6, header.IPv6MinimumSize, header.IPv6MinimumSize+len(payload))
	h.Encode(&header.IPv6Fields{PayloadLength: uint16(len(payload)), HopLimit: 64, SrcAddr: address(from), DstAddr: address(to)})
	h[6] = next
	return append(h, payload...)
}

func fragment6(of uint8, p piece) []byte {
	offset := uint16(p.at)
	if p.more {
		offset |= 1
	}
	return append([]byte{of, 0, byte(offset >> 8), byte(offset), 0, 0, 0, 77}, p.data...)
}

func cut4(protocol tcpip.TransportProtocolNumber, pieces ...piece) (packets [][]byte) {
	for _, p := range pieces {
		packets = append(packets, packet4(inside4.Addr(), far4, protocol, p))
	}
	return packets
}

func cut6(protocol uint8, pieces ...piece) (packets [][]byte) {
	for _, p := range pieces {
		packets = append(packets, packet6(inside6.Addr(), far6, uint8(header.IPv6FragmentExtHdrIdentifier), fragment6(protocol, p)))
	}
	return packets
}

func TestPacketsThatNoKernelSends(t *testing.T) {
	const udp, tcp, icmp6 = uint8(header.UDPProtocolNumber), uint8(header.TCPProtocolNumber), uint8(header.ICMPv6ProtocolNumber)
	in4, in6 := inside4.Addr(), inside6.Addr()
	good4, good6 := datagramOf(in4, far4, 7000, make([]byte, 24)), datagramOf(in6, far6, 7000, make([]byte, 24))
	other4, other6 := datagramOf(in4, far4, 7001, make([]byte, 24)), datagramOf(in6, far6, 7001, make([]byte, 24))
	whole := func(p []byte) piece { return piece{data: p} }
	mapped := netip.AddrFrom16(netip.MustParseAddr("::ffff:203.0.113.5").As16())
	route6 := append([]byte{udp, 2, 0, 1, 0, 0, 0, 0}, append(netip.MustParseAddr("2001:db8::99").AsSlice(), good6...)...) // type 0, one segment left
	echo6 := make(header.ICMPv6, header.ICMPv6EchoMinimumSize)
	echo6.SetType(header.ICMPv6EchoRequest)
	for name, c := range map[string]struct {
		packets [][]byte
		to      []string // what is decided on, and then dialled
	}{
		"whole":                        {cut4(header.UDPProtocolNumber, whole(good4)), []string{"203.0.113.5:7000"}},
		"two fragments":                {cut4(header.UDPProtocolNumber, piece{0, true, good4[:16]}, piece{16, false, good4[16:]}), []string{"203.0.113.5:7000"}},
		"fragments backwards":          {cut4(header.UDPProtocolNumber, piece{16, false, good4[16:]}, piece{0, true, good4[:16]}), []string{"203.0.113.5:7000"}},
		"ports in the second fragment": {cut4(header.TCPProtocolNumber, piece{8, false, synOf(in4, far4, 7000)[8:]}, piece{0, true, synOf(in4, far4, 7000)[:8]}), []string{"203.0.113.5:7000"}},
		"fragments that overlap":       {cut4(header.UDPProtocolNumber, piece{0, true, good4[:16]}, piece{8, true, other4[8:24]}, piece{24, false, good4[24:]}), nil},
		"a header twice":               {cut4(header.UDPProtocolNumber, piece{0, true, good4[:16]}, piece{0, true, append(slices.Clone(other4[:16]), make([]byte, 8)...)}, piece{16, false, good4[16:]}), nil},
		"a fragment without a first":   {cut4(header.UDPProtocolNumber, piece{16, false, good4[16:]}), nil},
		"a fragment too long":          {cut4(header.UDPProtocolNumber, piece{65528, false, good4}), nil},
		"source route":                 {[][]byte{packet4(in4, far4, header.UDPProtocolNumber, whole(good4), 0x83, 7, 4, 198, 51, 100, 9, 0)}, nil},
		"forged source":                {[][]byte{packet4(netip.MustParseAddr("198.51.100.9"), far4, header.UDPProtocolNumber, whole(good4))}, nil},
		"from the loopback":            {[][]byte{packet4(netip.MustParseAddr("127.0.0.1"), far4, header.UDPProtocolNumber, whole(good4))}, nil},
		"to the loopback":              {[][]byte{packet4(in4, netip.MustParseAddr("127.0.0.1"), header.UDPProtocolNumber, whole(datagramOf(in4, netip.MustParseAddr("127.0.0.1"), 7000, nil)))}, nil},
		"to everybody":                 {[][]byte{packet4(in4, netip.MustParseAddr("224.0.0.251"), header.UDPProtocolNumber, whole(good4)), packet4(in4, netip.MustParseAddr("255.255.255.255"), header.UDPProtocolNumber, whole(good4))}, nil},
		"a tunnel":                     {[][]byte{packet4(in4, far4, 41, whole(packet6(in6, far6, udp, good6))), packet4(in4, far4, 47, whole(good4)), packet4(in4, far4, 4, whole(packet4(in4, far4, header.UDPProtocolNumber, whole(good4))))}, nil},
		"cut off":                      {[][]byte{packet4(in4, far4, header.UDPProtocolNumber, whole(good4))[:24], {0x45}, {0x60, 0, 0}}, nil},

		"6 whole":                  {[][]byte{packet6(in6, far6, udp, good6)}, []string{"[2001:db8::5]:7000"}},
		"6 two fragments":          {cut6(udp, piece{0, true, good6[:16]}, piece{16, false, good6[16:]}), []string{"[2001:db8::5]:7000"}},
		"6 fragments that overlap": {cut6(udp, piece{0, true, good6[:16]}, piece{8, true, other6[8:24]}, piece{24, false, good6[24:]}), nil},
		"6 tiny fragments":         {cut6(tcp, piece{8, false, synOf(in6, far6, 7000)[8:]}, piece{0, true, synOf(in6, far6, 7000)[:8]}), []string{"[2001:db8::5]:7000"}},
		"6 fragment of an echo":    {cut6(icmp6, whole(echo6)), nil},
		"6 route":                  {[][]byte{packet6(in6, far6, 43, route6)}, nil},
		"6 route in a fragment":    {cut6(43, whole(route6)), nil},
		"6 options before":         {[][]byte{packet6(in6, far6, 0, append([]byte{udp, 0, 1, 4, 0, 0, 0, 0}, good6...))}, nil},
		"6 forged source":          {[][]byte{packet6(netip.MustParseAddr("2001:db8::66"), far6, udp, good6)}, nil},
		"6 echo to all nodes":      {[][]byte{packet6(in6, netip.MustParseAddr("ff02::1"), icmp6, echo6)}, nil},
		"6 to all nodes":           {[][]byte{packet6(in6, netip.MustParseAddr("ff02::1"), udp, good6)}, nil},
		"6 to a neighbour":         {[][]byte{packet6(in6, netip.MustParseAddr("fe80::1"), udp, good6)}, nil},
		"6 mapped":                 {[][]byte{packet6(in6, mapped, udp, datagramOf(in6, mapped, 7000, nil))}, nil},
		"6 mapped loopback":        {[][]byte{packet6(in6, netip.MustParseAddr("::ffff:127.0.0.1"), udp, good6)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			decided, dialled := sent(t, c.packets, len(c.to))
			if !slices.Equal(decided, c.to) || !slices.Equal(dialled, c.to) {
				t.Errorf("decided on %q, dialled %q, want %q", decided, dialled, c.to)
			}
		})
	}
}

// sent sends packets and returns what was decided on and dialled, when so many were. A
// last one that is whole says that all are through.
func sent(t *testing.T, packets [][]byte, want int) (decided, dialled []string) {
	t.Helper()
	const last = 9999
	through := make(chan struct{})
	var mu sync.Mutex
	l := newLab(t, Options{
		Decide: func(f *learn.Flow) Decision {
			if f.DstPort == last {
				close(through)
				return Refuse
			}
			mu.Lock()
			defer mu.Unlock()
			decided = append(decided, netip.AddrPortFrom(f.Dst, f.DstPort).String())
			return Admit
		},
		Dial: func(_ context.Context, _ string, to netip.AddrPort) (net.Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			dialled = append(dialled, to.String())
			return nil, unix.ECONNREFUSED
		},
	})
	mark := packet4(inside4.Addr(), far4, header.UDPProtocolNumber, piece{data: datagramOf(inside4.Addr(), far4, last, []byte("x"))})
	for _, p := range append(slices.Clone(packets), mark) {
		if _, err := unix.Write(l.link, p); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-through:
	case <-time.After(20 * time.Second):
		t.Error("what came after them was not seen")
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		time.Sleep(5 * time.Millisecond)
		mu.Lock()
		n := len(dialled)
		mu.Unlock()
		if n >= want || time.Now().After(deadline) {
			break
		}
	}
	mu.Lock()
	defer mu.Unlock()
	return slices.Clone(decided), slices.Clone(dialled)
}
