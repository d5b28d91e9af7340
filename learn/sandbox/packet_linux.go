package sandbox

import (
	"net/netip"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// datagram sends the command a datagram.
func (b *box) datagram(from, to netip.AddrPort, data []byte) {
	h := make(header.UDP, header.UDPMinimumSize)
	length := uint16(len(h) + len(data))
	h.Encode(&header.UDPFields{SrcPort: from.Port(), DstPort: to.Port(), Length: length})
	sum := header.PseudoHeaderChecksum(header.UDPProtocolNumber, address(from.Addr()), address(to.Addr()), length)
	sum = ^h.CalculateChecksum(checksum.Checksum(data, sum))
	if sum == 0 {
		sum = 0xffff // none, in IPv4; forbidden in IPv6 (RFC 8200, section 8.1)
	}
	h.SetChecksum(sum)
	b.write(from.Addr(), to.Addr(), header.UDPProtocolNumber, append(h, data...))
}

// unreachable says that a datagram was not let through or not taken: the command
// sees a refusal at once (RFC 792 and RFC 4443: port unreachable, with the header
// and the first bytes of what it is about).
func (b *box) unreachable(from, to netip.AddrPort, data []byte) {
	u := make(header.UDP, header.UDPMinimumSize)
	u.Encode(&header.UDPFields{SrcPort: from.Port(), DstPort: to.Port(), Length: uint16(len(u) + len(data))})
	b.notice(from.Addr(), to.Addr(), header.UDPProtocolNumber, u, header.ICMPv4PortUnreachable, header.ICMPv6PortUnreachable)
}

// prohibited says that an echo was not let through.
func (b *box) prohibited(from, to netip.Addr, echo []byte) {
	protocol := header.ICMPv4ProtocolNumber
	if from.Is6() {
		protocol = header.ICMPv6ProtocolNumber
	}
	b.notice(from, to, protocol, echo[:min(len(echo), 8)], header.ICMPv4AdminProhibited, header.ICMPv6Prohibited)
}

// notice sends an ICMP error about a packet of the command.
func (b *box) notice(from, to netip.Addr, protocol tcpip.TransportProtocolNumber, about []byte, code4 header.ICMPv4Code, code6 header.ICMPv6Code) {
	if from.Is4() {
		ip := make(header.IPv4, header.IPv4MinimumSize)
		ip.Encode(&header.IPv4Fields{
			TotalLength: uint16(len(ip) + len(about)), TTL: 64, Protocol: uint8(protocol),
			SrcAddr: address(from), DstAddr: address(to),
		})
		ip.SetChecksum(^ip.CalculateChecksum())
		h := make(header.ICMPv4, header.ICMPv4MinimumSize)
		h.SetType(header.ICMPv4DstUnreachable)
		h.SetCode(code4)
		packet := append(append(h, ip...), about...)
		packet.SetChecksum(header.ICMPv4Checksum(packet, 0))
		b.write(to, from, header.ICMPv4ProtocolNumber, packet)
		return
	}
	ip := make(header.IPv6, header.IPv6MinimumSize)
	ip.Encode(&header.IPv6Fields{
		PayloadLength: uint16(len(about)), TransportProtocol: protocol, HopLimit: 64,
		SrcAddr: address(from), DstAddr: address(to),
	})
	h := make(header.ICMPv6, header.ICMPv6DstUnreachableMinimumSize)
	h.SetType(header.ICMPv6DstUnreachable)
	h.SetCode(code6)
	packet := append(append(h, ip...), about...)
	b.sumICMPv6(to, from, packet)
	b.write(to, from, header.ICMPv6ProtocolNumber, packet)
}

func (b *box) sumICMPv6(from, to netip.Addr, packet header.ICMPv6) {
	packet.SetChecksum(0)
	packet.SetChecksum(header.ICMPv6Checksum(header.ICMPv6ChecksumParams{Header: packet, Src: address(from), Dst: address(to)}))
}

// write sends the command a packet. What cannot be sent is lost, as on any link.
func (b *box) write(from, to netip.Addr, protocol tcpip.TransportProtocolNumber, data []byte) {
	r, err := b.stack.FindRoute(nic, address(from), address(to), protocolOf(to), false)
	if err != nil {
		return
	}
	defer r.Release()
	pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{
		ReserveHeaderBytes: int(r.MaxHeaderLength()), Payload: buffer.MakeWithData(data),
	})
	defer pkt.DecRef()
	r.WritePacket(stack.NetworkHeaderParams{Protocol: protocol, TTL: 64}, pkt)
}
