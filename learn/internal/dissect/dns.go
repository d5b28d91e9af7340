package dissect

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// A Message is what a DNS message asks and answers (RFC 1035, section 4).
type Message struct {
	Response  bool
	Truncated bool
	Name      string // what was asked for, with its case, without the last dot
	Type      uint16
	Addrs     []netip.Addr
	Chain     []string      // aliases, in order
	TTL       time.Duration // the shortest of what was used
}

// Types of records.
const (
	typeA     = 1
	typeCNAME = 5
	typeAAAA  = 28
	typeSVCB  = 64
	typeHTTPS = 65
	classIN   = 1

	mostRecords  = 256 // of one message that are looked at
	mostAnswers  = 64  // addresses or aliases that are kept
	mostPointers = 32
	mostNameLen  = 254
)

// DNS reads a message. It is false for what is none, or asks for nothing, or
// for several things at once.
func DNS(b []byte) (m Message, ok bool) {
	if len(b) < 12 || b[2]&0x78 != 0 || binary.BigEndian.Uint16(b[4:]) != 1 {
		return Message{}, false
	}
	m.Response, m.Truncated = b[2]&0x80 != 0, b[2]&2 != 0
	var name [mostNameLen]byte
	n, at, ok := readName(b, 12, name[:0])
	if !ok || len(b) < at+4 {
		return Message{}, false
	}
	m.Name, m.Type = string(n), binary.BigEndian.Uint16(b[at:])
	if !m.Response || binary.BigEndian.Uint16(b[at+2:])&0x7fff != classIN {
		return m, true
	}
	m.answers(b, at+4, int(binary.BigEndian.Uint16(b[6:])))
	return m, true
}

// answers follows the chain from what was asked for to addresses.
func (m *Message) answers(b []byte, at, count int) {
	want := m.Name
	var name [mostNameLen]byte
	for range min(count, mostRecords) {
		owner, end, ok := readName(b, at, name[:0])
		if !ok || len(b) < end+10 {
			return
		}
		rr := record{
			kind: binary.BigEndian.Uint16(b[end:]), ttl: binary.BigEndian.Uint32(b[end+4:]),
			at: end + 10, length: int(binary.BigEndian.Uint16(b[end+8:])),
		}
		at = rr.at + rr.length
		if at > len(b) {
			return
		}
		if binary.BigEndian.Uint16(b[end+2:])&0x7fff == classIN && sameName(owner, want) {
			want = m.take(b, rr, want)
		}
	}
}

// A record is where the data of a resource record is.
type record struct {
	kind       uint16
	ttl        uint32
	at, length int
}

// take uses a record of the name that is wanted, and returns the one that is
// wanted then.
func (m *Message) take(b []byte, rr record, want string) string {
	data := b[rr.at : rr.at+rr.length]
	switch rr.kind {
	case typeA:
		if len(data) == 4 {
			m.add(rr.ttl, netip.AddrFrom4([4]byte(data)))
		}
	case typeAAAA:
		if len(data) == 16 {
			m.add(rr.ttl, netip.AddrFrom16([16]byte(data)).Unmap())
		}
	case typeCNAME:
		return m.alias(b, rr, rr.at, want)
	case typeHTTPS, typeSVCB:
		return m.service(b, rr, want)
	}
	return want
}

func (m *Message) alias(b []byte, rr record, at int, want string) string {
	var name [mostNameLen]byte
	target, _, ok := readName(b, at, name[:0])
	if !ok || len(target) == 0 || len(m.Chain) == mostAnswers {
		return want
	}
	m.lives(rr.ttl)
	m.Chain = append(m.Chain, string(target))
	return m.Chain[len(m.Chain)-1]
}

// Parameters of service bindings that hold addresses (RFC 9460, section 7.3),
// for the name itself or for a target of its own.
const (
	hint4 = 4
	hint6 = 6
)

// service reads the address hints of an HTTPS or SVCB record. Priority 0 is an
// alias (RFC 9460, section 2.4.2).
func (m *Message) service(b []byte, rr record, want string) string {
	end := rr.at + rr.length
	if rr.length < 3 {
		return want
	}
	if binary.BigEndian.Uint16(b[rr.at:]) == 0 {
		return m.alias(b, rr, rr.at+2, want)
	}
	var name [mostNameLen]byte
	_, at, ok := readName(b[:end], rr.at+2, name[:0])
	if !ok {
		return want
	}
	r := reader{b: b[at:end]}
	for len(r.b) > 0 && !r.short {
		key := r.uint16()
		value := r.bytes(r.uint16())
		m.hints(key, value, rr.ttl)
	}
	return want
}

func (m *Message) hints(key int, value []byte, ttl uint32) {
	switch key {
	case hint4:
		for ; len(value) >= 4; value = value[4:] {
			m.add(ttl, netip.AddrFrom4([4]byte(value)))
		}
	case hint6:
		for ; len(value) >= 16; value = value[16:] {
			m.add(ttl, netip.AddrFrom16([16]byte(value)).Unmap())
		}
	}
}

func (m *Message) add(ttl uint32, a netip.Addr) {
	if len(m.Addrs) < mostAnswers {
		m.lives(ttl)
		m.Addrs = append(m.Addrs, a)
	}
}

// lives shortens the time that the answer holds. A TTL with the top bit set is
// zero (RFC 2181, section 8).
func (m *Message) lives(seconds uint32) {
	if seconds > 1<<31-1 {
		seconds = 0
	}
	d := time.Duration(seconds) * time.Second
	if len(m.Addrs) == 0 && len(m.Chain) == 0 || d < m.TTL {
		m.TTL = d
	}
}

// readName appends a name in text form to out and returns where it ends. A dot
// or a byte in a label that is no part of a host name becomes one that no host
// name has, so that the name is refused later and never mistaken for another.
func readName(b []byte, at int, out []byte) (name []byte, end int, ok bool) {
	for jumps := 0; ; {
		if at >= len(b) {
			return nil, 0, false
		}
		n := int(b[at])
		switch {
		case n == 0:
			if jumps == 0 {
				end = at + 1
			}
			return out, end, true
		case n >= 0xc0:
			if at+1 >= len(b) || jumps == mostPointers {
				return nil, 0, false
			}
			if jumps++; jumps == 1 {
				end = at + 2
			}
			at = n&0x3f<<8 | int(b[at+1])
		case n >= 0x40 || at+1+n > len(b) || len(out)+1+n > mostNameLen-1:
			return nil, 0, false
		default:
			out = label(out, b[at+1:at+1+n])
			at += 1 + n
		}
	}
}

func label(out, text []byte) []byte {
	if len(out) > 0 {
		out = append(out, '.')
	}
	for _, c := range text {
		if c == '.' {
			c = ' '
		}
		out = append(out, c)
	}
	return out
}

// sameName compares as DNS does: ASCII letters have no case.
func sameName(a []byte, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i, c := range a {
		if lower(c) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
