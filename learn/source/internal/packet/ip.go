package packet

import "encoding/binary"

// Headers that may come between IPv6 and the transport (RFC 8200, section 4).
const (
	hopByHop    = 0
	routing     = 43
	fragment    = 44
	authHeader  = 51
	noNext      = 59
	destOptions = 60
	mobility    = 135
	mostHeaders = 16
)

func (d *Decoder) ip4(b []byte, now int64, p *Packet) Kind {
	if len(b) < 20 {
		return Cut
	}
	header, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if total == 0 {
		total = len(b) // the card is to cut it into segments and set this
	}
	if header < 20 || total < header {
		return Malformed
	}
	if len(b) < header {
		return Cut
	}
	p.Src, p.Dst = addr4(b[12:]), addr4(b[16:])
	p.Proto, p.Length = b[9], uint32(total)
	part := binary.BigEndian.Uint16(b[6:])
	data := b[header:min(total, len(b))]
	if part&0x3fff == 0 {
		return p.transport(data)
	}
	k := fragmentKey{src: p.Src, dst: p.Dst, proto: p.Proto, id: uint32(binary.BigEndian.Uint16(b[4:]))}
	return d.fragments.add(k, data, fragmentOf{
		offset: int(part&0x1fff) * 8, more: part&0x2000 != 0, cut: len(b) < total, now: now,
	}, p)
}

func (d *Decoder) ip6(b []byte, now int64, p *Packet) Kind {
	if len(b) < 40 {
		return Cut
	}
	total := 40 + int(binary.BigEndian.Uint16(b[4:]))
	if total == 40 {
		total = len(b) // a jumbogram, or one the card is to cut
	}
	p.Src, p.Dst = addr6(b[8:]), addr6(b[24:])
	p.Length = uint32(total)
	return d.headers(b, b[40:min(total, len(b))], len(b) < total, now, p)
}

// headers passes over extension headers to the transport.
func (d *Decoder) headers(b, data []byte, cut bool, now int64, p *Packet) Kind {
	next := b[6]
	for range mostHeaders {
		length := 0
		switch next {
		default:
			p.Proto = next
			return p.transport(data)
		case noNext:
			return NotIP
		case fragment:
			if len(data) < 8 {
				return Cut
			}
			return d.fragment6(data, cut, now, p)
		case hopByHop, routing, destOptions, mobility:
			if len(data) >= 2 {
				length = (int(data[1]) + 1) * 8
			}
		case authHeader:
			if len(data) >= 2 {
				length = (int(data[1]) + 2) * 4
			}
		}
		if length == 0 || len(data) < length {
			return Cut
		}
		next, data = data[0], data[length:]
	}
	return Malformed
}

func (d *Decoder) fragment6(data []byte, cut bool, now int64, p *Packet) Kind {
	part := binary.BigEndian.Uint16(data[2:])
	p.Proto = data[0]
	if part&^6 == 0 { // the only one (RFC 6946)
		return p.transport(data[8:])
	}
	k := fragmentKey{src: p.Src, dst: p.Dst, proto: data[0], id: binary.BigEndian.Uint32(data[4:])}
	return d.fragments.add(k, data[8:], fragmentOf{
		offset: int(part &^ 7), more: part&1 != 0, cut: cut, now: now,
	}, p)
}
