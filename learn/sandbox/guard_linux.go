package sandbox

import (
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/nested"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"tripline/learn"
)

// A guard stands before the stack. It takes what the stack would answer by
// itself, and lets nothing pass that is not from the command's own addresses.
type guard struct {
	nested.Endpoint

	b *box
}

// DeliverNetworkPacket implements [stack.NetworkDispatcher].
func (g *guard) DeliverNetworkPacket(protocol tcpip.NetworkProtocolNumber, pkt *stack.PacketBuffer) {
	if g.b.ctx.Err() != nil { // it came faster than it could be taken until the end
		g.b.crowded.Add(1)
		return
	}
	switch protocol {
	case header.ARPProtocolNumber:
		g.Endpoint.DeliverNetworkPacket(protocol, pkt)
	case header.IPv4ProtocolNumber:
		g.packet4(pkt)
	case header.IPv6ProtocolNumber:
		g.packet6(pkt)
	default:
		g.b.strange.Add(1)
	}
}

func (g *guard) packet4(pkt *stack.PacketBuffer) {
	data, ok := pkt.Data().PullUp(header.IPv4MinimumSize)
	if !ok {
		g.b.strange.Add(1)
		return
	}
	h := header.IPv4(data)
	switch {
	case addr(h.SourceAddress()) != inside4.Addr():
		g.b.spoofed.Add(1)
	case quiet(addr(h.DestinationAddress())), h.HeaderLength() != header.IPv4MinimumSize: // options lead elsewhere
		g.b.strange.Add(1)
	case h.TransportProtocol() == header.TCPProtocolNumber, h.TransportProtocol() == header.UDPProtocolNumber:
		g.Endpoint.DeliverNetworkPacket(header.IPv4ProtocolNumber, pkt)
	case h.TransportProtocol() == header.ICMPv4ProtocolNumber && !h.More() && h.FragmentOffset() == 0:
		g.icmp4(pkt, int(h.HeaderLength()), addr(h.DestinationAddress()))
	default:
		g.b.strange.Add(1)
	}
}

func (g *guard) icmp4(pkt *stack.PacketBuffer, length int, to netip.Addr) {
	all := pkt.Data().AsRange().ToSlice()
	if len(all) < length+header.ICMPv4MinimumSize {
		g.b.strange.Add(1)
		return
	}
	h := header.ICMPv4(all[length:])
	if h.Type() != header.ICMPv4Echo {
		return // what the command's kernel says of packets it got
	}
	g.b.ping.packet(learn.ICMP, inside4.Addr(), to, h.Ident(), h)
}

func (g *guard) packet6(pkt *stack.PacketBuffer) {
	data, ok := pkt.Data().PullUp(header.IPv6MinimumSize)
	if !ok {
		g.b.strange.Add(1)
		return
	}
	h := header.IPv6(data)
	from, to := addr(h.SourceAddress()), addr(h.DestinationAddress())
	next := h.NextHeader() // behind others nothing but a fragment is taken
	icmp := next == uint8(header.ICMPv6ProtocolNumber)
	switch {
	case icmp && !from.IsGlobalUnicast():
		g.neighbour(pkt)
	case to.IsMulticast() && !from.IsGlobalUnicast(): // the kernel joins groups
	case quiet(to) && !icmp: // also from its own address of the link, which is not forged
		g.b.strange.Add(1)
	case from != inside6.Addr():
		g.b.spoofed.Add(1)
	case icmp:
		g.icmp6(pkt, to)
	case carried6(next), next == uint8(header.IPv6FragmentExtHdrIdentifier) && carried6(fragmentOf(pkt)):
		g.Endpoint.DeliverNetworkPacket(header.IPv6ProtocolNumber, pkt)
	default:
		g.b.strange.Add(1)
	}
}

func carried6(next uint8) bool {
	return next == uint8(header.TCPProtocolNumber) || next == uint8(header.UDPProtocolNumber)
}

// fragmentOf is what a fragment is of: its first byte says (RFC 8200, section 4.5). What
// is whole in one place may be anything in another, and an answer of the stack's own.
func fragmentOf(pkt *stack.PacketBuffer) uint8 {
	data, ok := pkt.Data().PullUp(header.IPv6MinimumSize + header.IPv6FragmentHeaderSize)
	if !ok {
		return 0
	}
	return data[header.IPv6MinimumSize]
}

func (g *guard) icmp6(pkt *stack.PacketBuffer, to netip.Addr) {
	all := pkt.Data().AsRange().ToSlice()
	if len(all) < header.IPv6MinimumSize+header.ICMPv6MinimumSize {
		g.b.strange.Add(1)
		return
	}
	h := header.ICMPv6(all[header.IPv6MinimumSize:])
	switch {
	case h.Type() != header.ICMPv6EchoRequest:
		g.neighbour(pkt)
		return
	case quiet(to):
		g.b.strange.Add(1)
		return
	}
	g.b.ping.packet(learn.ICMPv6, inside6.Addr(), to, h.Ident(), h)
}

// neighbour passes what finds neighbours (RFC 4861), and nothing else.
func (g *guard) neighbour(pkt *stack.PacketBuffer) {
	all, ok := pkt.Data().PullUp(header.IPv6MinimumSize + header.ICMPv6MinimumSize)
	if !ok {
		return
	}
	if t := header.ICMPv6(all[header.IPv6MinimumSize:]).Type(); t == header.ICMPv6NeighborSolicit || t == header.ICMPv6NeighborAdvert {
		g.Endpoint.DeliverNetworkPacket(header.IPv6ProtocolNumber, pkt)
	}
}

// quiet says whether nobody is to hear of packets there: on a link, which there is none
// of here, or on this host.
func quiet(to netip.Addr) bool {
	return toAll(to) || to.IsLoopback() || to.IsLinkLocalUnicast() && to.Is6()
}

// toAll says whether an address is that of everybody on a link. A name may be pointed
// there.
func toAll(to netip.Addr) bool {
	return to.IsMulticast() || to == netip.AddrFrom4([4]byte{255, 255, 255, 255})
}
