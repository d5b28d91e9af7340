package packet

import "encoding/binary"

// Link layers by their LINKTYPE at tcpdump.org.
const (
	linkNull     = 0
	linkEthernet = 1
	linkPPP      = 9
	linkRawBSD   = 12
	linkRawOpen  = 14
	linkPPPHDLC  = 50
	linkPPPoE    = 51
	linkRaw      = 101
	linkCHDLC    = 104
	linkLoop     = 108
	linkSLL      = 113
	linkPFLog    = 117
	linkIPv4     = 228
	linkIPv6     = 229
	linkNFLog    = 239
	linkSLL2     = 276
)

// Types of Ethernet.
const (
	etherIPv4   = 0x0800
	etherIPv6   = 0x86dd
	etherVLAN   = 0x8100
	etherQinQ   = 0x88a8
	etherOldQ1  = 0x9100
	etherOldQ2  = 0x9200
	etherMPLS   = 0x8847
	etherMPLSM  = 0x8848
	etherPPPoE  = 0x8864
	leastType   = 0x0600 // below it the field is a length
	pppIPv4     = 0x0021
	pppIPv6     = 0x0057
	mostTags    = 8
	ethernetLen = 14
)

// network returns the IP packet in a frame.
func network(link uint16, data []byte) ([]byte, Kind) {
	switch link {
	case linkEthernet:
		if len(data) < ethernetLen {
			return nil, Cut
		}
		return ether(binary.BigEndian.Uint16(data[12:]), data[ethernetLen:])
	case linkSLL:
		return cooked(data, 16, 14)
	case linkSLL2:
		return cooked(data, 20, 0)
	case linkCHDLC:
		return cooked(data, 4, 2)
	case linkRaw, linkRawBSD, linkRawOpen, linkIPv4, linkIPv6:
		return data, Whole
	case linkNull, linkLoop:
		return loopback(data)
	case linkPPP, linkPPPHDLC:
		return ppp(data)
	case linkPPPoE:
		return pppoe(data)
	case linkPFLog:
		return pflog(data)
	case linkNFLog:
		return nflog(data)
	}
	return nil, BadLink
}

// cooked reads a header that ends in, or holds, a type of Ethernet.
func cooked(data []byte, length, at int) ([]byte, Kind) {
	if len(data) < length {
		return nil, Cut
	}
	return ether(binary.BigEndian.Uint16(data[at:]), data[length:])
}

// ether passes over tags to the IP packet.
func ether(kind uint16, data []byte) ([]byte, Kind) {
	for range mostTags {
		switch kind {
		case etherIPv4, etherIPv6:
			return data, Whole
		case etherVLAN, etherQinQ, etherOldQ1, etherOldQ2:
			if len(data) < 4 {
				return nil, Cut
			}
			kind, data = binary.BigEndian.Uint16(data[2:]), data[4:]
		case etherPPPoE:
			return pppoe(data)
		case etherMPLS, etherMPLSM:
			return mpls(data)
		default:
			return snap(kind, data)
		}
	}
	return nil, Malformed
}

// snap reads the type of an 802.3 frame, which has a length instead (RFC 1042).
func snap(kind uint16, data []byte) ([]byte, Kind) {
	if kind >= leastType || len(data) < 8 || data[0] != 0xaa || data[1] != 0xaa {
		return nil, NotIP
	}
	switch kind := binary.BigEndian.Uint16(data[6:]); kind {
	case etherIPv4, etherIPv6:
		return data[8:], Whole
	}
	return nil, NotIP
}

// pppoe reads the header of a session (RFC 2516, section 4).
func pppoe(data []byte) ([]byte, Kind) {
	if len(data) < 8 {
		return nil, Cut
	}
	if data[1] != 0 { // discovery
		return nil, NotIP
	}
	return ppp(data[6:])
}

// ppp reads the protocol, behind the address and control of HDLC if they are
// there (RFC 1661, section 2; RFC 1662, section 3.1).
func ppp(data []byte) ([]byte, Kind) {
	if len(data) >= 2 && data[0] == 0xff && data[1] == 3 {
		data = data[2:]
	}
	if len(data) == 0 {
		return nil, Cut
	}
	kind, n := uint16(data[0]), 1
	if kind&1 == 0 { // else it is compressed to one byte
		if len(data) < 2 {
			return nil, Cut
		}
		kind, n = binary.BigEndian.Uint16(data), 2
	}
	if kind != pppIPv4 && kind != pppIPv6 {
		return nil, NotIP
	}
	return data[n:], Whole
}

// mpls passes over labels; what is below them shows in its first bits alone.
func mpls(data []byte) ([]byte, Kind) {
	for range mostTags {
		if len(data) < 5 {
			return nil, Cut
		}
		bottom := data[2]&1 != 0
		data = data[4:]
		if bottom {
			return ipOrNot(data)
		}
	}
	return nil, Malformed
}

func ipOrNot(data []byte) ([]byte, Kind) {
	if v := data[0] >> 4; v != 4 && v != 6 {
		return nil, NotIP
	}
	return data, Whole
}

// loopback reads the address family, in the byte order of the host that
// captured or in that of the network. IPv6 has three numbers.
func loopback(data []byte) ([]byte, Kind) {
	if len(data) < 5 {
		return nil, Cut
	}
	family := binary.BigEndian.Uint32(data)
	if family > 0xffff {
		family = binary.LittleEndian.Uint32(data)
	}
	return data[4:], ofFamily(family)
}

func ofFamily(family uint32) Kind {
	switch family {
	case 2, 10, 24, 28, 30: // AF_INET, and AF_INET6 of Linux, the BSDs and macOS
		return Whole
	}
	return NotIP
}

// pflog reads the header of pf's log; its length is in its first byte, and it
// is padded to four.
func pflog(data []byte) ([]byte, Kind) {
	if len(data) < 4 {
		return nil, Cut
	}
	length := (int(data[0]) + 3) &^ 3
	if length < 4 || len(data) < length {
		return nil, Cut
	}
	return data[length:], ofFamily(uint32(data[1]))
}

// nflog reads what Linux logs to a group, as "tcpdump -i nflog:GROUP" writes it:
// attributes in the byte order of the host, one of them the packet.
func nflog(data []byte) ([]byte, Kind) {
	const header, payload = 4, 9
	if len(data) < header {
		return nil, Cut
	}
	if ofFamily(uint32(data[0])) != Whole || data[1] != 0 {
		return nil, NotIP
	}
	data = data[header:]
	for len(data) >= header {
		length, kind := int(binary.LittleEndian.Uint16(data)), binary.LittleEndian.Uint16(data[2:])
		if length > len(data) || length < header { // it was written by the other kind of host
			length, kind = int(binary.BigEndian.Uint16(data)), binary.BigEndian.Uint16(data[2:])
		}
		switch {
		case length < header:
			return nil, Malformed
		case length > len(data):
			return nil, Cut
		case kind == payload:
			return data[header:length], Whole
		}
		data = data[min(len(data), (length+3)&^3):]
	}
	return nil, NotIP
}
