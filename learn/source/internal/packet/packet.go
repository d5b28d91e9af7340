package packet

import (
	"encoding/binary"
	"net/netip"
)

// A Kind says what a packet turned out to be.
type Kind uint8

// The kinds of packets.
const (
	Whole     Kind = iota // of a flow
	Piece                 // a fragment that waits for others
	NotIP                 // ARP, LLDP and the like
	Cut                   // too little was captured
	Malformed             // its headers contradict each other
	BadLink               // of a link layer that is not known
)

// A Packet is what a flow is made of.
type Packet struct {
	Src, Dst         Addr
	Proto            uint8
	Flags            uint8 // of TCP
	ICMP             uint8 // type of ICMP
	SrcPort, DstPort uint16
	Seq              uint32 // of TCP
	Length           uint32 // bytes of IP, all of its fragments
	Payload          []byte // above the ports, as far as it was captured
}

// Flags of TCP.
const (
	FIN = 1
	SYN = 2
	RST = 4
	ACK = 16
)

// Protocols with headers of their own here.
const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
	protoSCTP   = 132
)

// An Addr is an address of 16 bytes in two halves, which is quick to compare and
// to hash. IPv4 is mapped (RFC 4291, section 2.5.5.2).
type Addr struct{ High, Low uint64 }

const mapped4 = 0xffff << 32

func addr4(b []byte) Addr { return Addr{Low: mapped4 | uint64(binary.BigEndian.Uint32(b))} }

func addr6(b []byte) Addr {
	return Addr{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

// Addr returns the address as others know it, unmapped.
func (a Addr) Addr() netip.Addr {
	if a.High == 0 && a.Low>>32 == mapped4>>32 {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(a.Low))
		return netip.AddrFrom4(b)
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], a.High)
	binary.BigEndian.PutUint64(b[8:], a.Low)
	return netip.AddrFrom16(b)
}

// Less orders addresses.
func (a Addr) Less(b Addr) bool { return a.High < b.High || a.High == b.High && a.Low < b.Low }

// A Decoder decodes the packets of one capture. It is not for concurrent use.
type Decoder struct {
	fragments fragments
}

// NewDecoder returns a Decoder that has seen no fragment.
func NewDecoder() *Decoder { return &Decoder{fragments: newFragments()} }

// Dropped is how many datagrams in fragments were not put together.
func (d *Decoder) Dropped() uint64 { return d.fragments.dropped }

// Decode reads one packet, captured at a time in nanoseconds. Data may be kept
// in p until the next call.
func (d *Decoder) Decode(link uint16, data []byte, now int64, p *Packet) Kind {
	ip, kind := network(link, data)
	if kind != Whole {
		return kind
	}
	if len(ip) == 0 {
		return Cut
	}
	switch ip[0] >> 4 {
	case 4:
		return d.ip4(ip, now, p)
	case 6:
		return d.ip6(ip, now, p)
	}
	return Malformed
}

// transport reads the header above IP; data may be cut.
func (p *Packet) transport(data []byte) Kind {
	p.Flags, p.ICMP, p.SrcPort, p.DstPort, p.Seq, p.Payload = 0, 0, 0, 0, 0, nil
	switch p.Proto {
	case protoTCP:
		return p.tcp(data)
	case protoUDP:
		if len(data) < 8 {
			return Cut
		}
		p.ports(data)
		p.Payload = data[8:max(8, p.udpEnd(data))]
	case protoSCTP:
		if len(data) < 4 {
			return Cut
		}
		p.ports(data)
	case protoICMP, protoICMPv6:
		if len(data) < 8 {
			return Cut
		}
		p.ICMP = data[0]
		if p.IsEcho() || p.ICMP == echoReply4 || p.ICMP == echoReply6 {
			p.SrcPort = binary.BigEndian.Uint16(data[4:]) // the identifier, on both ways
			p.DstPort = p.SrcPort
		}
	}
	return Whole
}

// Types of ICMP (RFC 792) and ICMPv6 (RFC 4443).
const (
	echo4      = 8
	echoReply4 = 0
	echo6      = 128
	echoReply6 = 129
)

// IsEcho says whether a packet of ICMP asks for an answer.
func (p *Packet) IsEcho() bool {
	return p.Proto == protoICMP && p.ICMP == echo4 || p.Proto == protoICMPv6 && p.ICMP == echo6
}

func (p *Packet) ports(data []byte) {
	p.SrcPort = binary.BigEndian.Uint16(data)
	p.DstPort = binary.BigEndian.Uint16(data[2:])
}

// udpEnd is where a datagram ends: what is behind it is padding.
func (p *Packet) udpEnd(data []byte) int {
	if n := int(binary.BigEndian.Uint16(data[4:])); n >= 8 {
		return min(n, len(data))
	}
	return len(data) // of a jumbogram, or of one that the card is to cut
}

func (p *Packet) tcp(data []byte) Kind {
	if len(data) < 14 {
		return Cut
	}
	p.ports(data)
	p.Seq = binary.BigEndian.Uint32(data[4:])
	p.Flags = data[13]
	header := int(data[12]>>4) * 4
	if header < 20 {
		return Malformed
	}
	if header <= len(data) {
		p.Payload = data[header:]
	}
	return Whole
}
