package source_test

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"
)

// exported is when the samples were sent.
var exported = time.Date(2026, time.March, 28, 12, 0, 0, 0, time.UTC)

// booted is how long before that their exporters were started.
const booted = time.Hour

// A leg is one direction of a connection, as an exporter writes it.
type leg struct {
	src, dst         string
	sport, dport     uint16
	proto            uint8
	flags            uint8
	octets, packets  uint32
	from, to         time.Duration // before it was exported
	in, out          uint16
	back, backPacket uint32 // of the other direction, in biflows
}

// turned is the other direction of l, that began a little later.
func (l leg) turned(octets uint32) leg {
	l.src, l.dst, l.sport, l.dport, l.in, l.out = l.dst, l.src, l.dport, l.sport, l.out, l.in
	l.octets, l.from = octets, l.from-20*time.Millisecond
	return l
}

func be16(n int) []byte    { return binary.BigEndian.AppendUint16(nil, uint16(n)) }
func be32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
func be64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
func glue(parts ...[]byte) []byte {
	return slices.Concat(parts...)
}

func raw(addr string) []byte { return netip.MustParseAddr(addr).AsSlice() }

// uptime is the exporter's, a time before the export.
func uptime(before time.Duration) uint32 { return uint32((booted - before) / time.Millisecond) }

// v5 is a datagram of NetFlow v5.
func v5(seq uint32, sampling uint16, legs ...leg) []byte {
	b := glue(be16(5), be16(len(legs)), be32(uptime(0)), be32(uint32(exported.Unix())), be32(0), be32(seq), be16(0), be16(int(sampling)))
	for _, l := range legs {
		b = glue(b, raw(l.src), raw(l.dst), be32(0), be16(int(l.in)), be16(int(l.out)), be32(l.packets), be32(l.octets),
			be32(uptime(l.from)), be32(uptime(l.to)), be16(int(l.sport)), be16(int(l.dport)), []byte{0, l.flags, l.proto, 0}, make([]byte, 8))
	}
	return b
}

// v9 is a datagram of NetFlow v9.
func v9(seq, domain uint32, sets ...[]byte) []byte {
	return glue(be16(9), be16(len(sets)), be32(uptime(0)), be32(uint32(exported.Unix())), be32(seq), be32(domain), glue(sets...))
}

// ipfix is a message of IPFIX.
func ipfix(seq, domain uint32, sets ...[]byte) []byte {
	body := glue(sets...)
	return glue(be16(10), be16(16+len(body)), be32(uint32(exported.Unix())), be32(seq), be32(domain), body)
}

// setOf is a set with its header, padded to four bytes.
func setOf(id int, records ...[]byte) []byte {
	body := glue(records...)
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	return glue(be16(id), be16(4+len(body)), body)
}

// template is one with elements and lengths by turns. What is above 16 bits is
// an enterprise number.
func template(id int, fields ...int) []byte {
	b := glue(be16(id), be16(len(fields)/2))
	for i := 0; i < len(fields); i += 2 {
		if pen := fields[i] >> 16; pen != 0 {
			b = glue(b, be16(fields[i]|0x8000), be16(fields[i+1]), be32(uint32(pen)))
			continue
		}
		b = glue(b, be16(fields[i]), be16(fields[i+1]))
	}
	return b
}

// The templates of the samples: as routers write IPv4 and IPv6 in v9, as IPFIX
// with absolute times and with both directions, and as a firewall tells events.
var (
	tpl4     = template(256, 8, 4, 12, 4, 7, 2, 11, 2, 4, 1, 6, 1, 1, 4, 2, 4, 22, 4, 21, 4, 10, 2, 14, 2)
	tpl6     = template(257, 27, 16, 28, 16, 7, 2, 11, 2, 4, 1, 6, 1, 1, 4, 2, 4, 22, 4, 21, 4, 10, 2, 14, 2)
	tplMilli = template(300, 8, 4, 12, 4, 7, 2, 11, 2, 4, 1, 6, 1, 1, 4, 2, 4, 152, 8, 153, 8, 10, 2, 14, 2)
	tplBi    = template(301, 8, 4, 12, 4, 7, 2, 11, 2, 4, 1, 6, 1, 1, 4, 2, 4, 152, 8, 153, 8, 10, 2, 14, 2,
		29305<<16|1, 4, 29305<<16|2, 4, 460, 65535)
	tplEvent  = template(302, 8, 4, 12, 4, 7, 2, 11, 2, 4, 1, 323, 8, 233, 1, 225, 4)
	tplLayer2 = template(258, 56, 6, 80, 6, 1, 4)
)

func (l leg) head() []byte {
	return glue(raw(l.src), raw(l.dst), be16(int(l.sport)), be16(int(l.dport)), []byte{l.proto})
}

func (l leg) v9() []byte {
	return glue(l.head(), []byte{l.flags}, be32(l.octets), be32(l.packets), be32(uptime(l.from)), be32(uptime(l.to)), be16(int(l.in)), be16(int(l.out)))
}

func milli(before time.Duration) []byte { return be64(uint64(exported.Add(-before).UnixMilli())) }

func (l leg) ipfix() []byte {
	return glue(l.head(), []byte{l.flags}, be32(l.octets), be32(l.packets), milli(l.from), milli(l.to), be16(int(l.in)), be16(int(l.out)))
}

func (l leg) both(host string) []byte {
	return glue(l.ipfix(), be32(l.back), be32(l.backPacket), []byte{byte(len(host))}, []byte(host))
}

func (l leg) event(what byte, nat string) []byte {
	return glue(l.head(), milli(l.from), []byte{what}, raw(nat))
}

// okSample is datagrams that are as they should be: each is said in the comment.
func okSample() []byte {
	web := leg{src: "192.0.2.50", dst: "203.0.113.7", sport: 50001, dport: 443, proto: 6, flags: 0x1b, octets: 1200, packets: 9, from: 9 * time.Second, to: 2 * time.Second, in: 1, out: 2}
	dns := leg{src: "192.0.2.50", dst: "198.51.100.53", sport: 40001, dport: 53, proto: 17, octets: 64, packets: 1, from: 10 * time.Second, to: 10 * time.Second, in: 1, out: 2}
	probe := leg{src: "203.0.113.66", dst: "192.0.2.50", sport: 44444, dport: 22, proto: 6, flags: 2, octets: 60, packets: 1, from: 5 * time.Second, to: 5 * time.Second, in: 2, out: 1}
	refusal := leg{src: "192.0.2.50", dst: "203.0.113.66", sport: 22, dport: 44444, proto: 6, flags: 0x14, octets: 40, packets: 1, from: 4 * time.Second, to: 4 * time.Second, in: 1, out: 2}
	more := web
	more.flags, more.from, more.to = 0x18, time.Second, 0
	six := leg{src: "2001:db8:1::50", dst: "2001:db8:2::7", sport: 50002, dport: 443, proto: 6, flags: 0x1b, octets: 700, packets: 5, from: 3 * time.Second, to: time.Second, in: 1, out: 2}
	ntp := leg{src: "192.0.2.50", dst: "203.0.113.123", sport: 123, dport: 123, proto: 17, octets: 76, packets: 1, from: 8 * time.Second, to: 8 * time.Second, in: 1, out: 2}
	late := leg{src: "192.0.2.50", dst: "203.0.113.9", sport: 50005, dport: 8443, proto: 6, flags: 0x1b, octets: 5000, packets: 20, from: 70 * time.Second, to: time.Second, in: 1, out: 2}
	proxy := leg{src: "192.0.2.50", dst: "203.0.113.80", sport: 50006, dport: 80, proto: 6, flags: 0x1b, octets: 300, packets: 4, from: 6 * time.Second, to: time.Second, in: 1, out: 2, back: 9000, backPacket: 8}
	wan := leg{src: "198.51.100.2", dst: "203.0.113.9", sport: 61005, dport: 8443, proto: 6, flags: 0x1b, octets: 5000, packets: 20, from: 70 * time.Second, to: time.Second, in: 2, out: 3}
	mdns := leg{src: "192.0.2.50", dst: "224.0.0.251", sport: 5353, dport: 5353, proto: 17, octets: 90, packets: 1, from: time.Second, to: time.Second, in: 1}
	ping := leg{src: "192.0.2.50", dst: "203.0.113.7", dport: 8 << 8, proto: 1, octets: 84, packets: 1, from: 2 * time.Second, to: 2 * time.Second, in: 1, out: 2}
	denied := leg{src: "192.0.2.50", dst: "203.0.113.99", sport: 50009, dport: 25, proto: 6, from: time.Second}
	begun := leg{src: "192.0.2.50", dst: "203.0.113.98", sport: 50010, dport: 443, proto: 6, from: time.Second}
	options := glue(be16(400), be16(3), be16(1), be16(149), be16(4), be16(305), be16(4), be16(306), be16(4))
	return glue(
		v5(0, 0, web, web.turned(64_000), dns, dns.turned(180), probe, refusal), // both directions, and an answer to a stranger
		v5(6, 0, more), // the same connection, after the active timeout
		v9(0, 1, setOf(0, tpl4, tpl6, tplLayer2)),                                                       // templates alone
		v9(1, 1, setOf(256, ntp.v9(), ntp.turned(76).v9(), mdns.v9(), ping.v9()), setOf(257, six.v9())), // times by uptime; NTP has one port on both sides
		v9(2, 1, setOf(258, make([]byte, 16))),                                                          // of layer 2
		ipfix(0, 7, setOf(300, late.ipfix())),                                                           // its template comes behind it
		ipfix(1, 7, setOf(2, tplMilli, tplBi, tplEvent)),                                                //
		ipfix(1, 7, setOf(301, proxy.both("Example.COM")), setOf(300, wan.ipfix())),                     // a biflow with a name; the far side of translation
		ipfix(3, 7, setOf(302, denied.event(3, "0.0.0.0"), begun.event(1, "198.51.100.2"), begun.event(2, "198.51.100.2"))),
		ipfix(6, 7, setOf(3, options), setOf(400, be32(7), be32(1), be32(0))), // what it says of itself: nothing is left out
	)
}

// badSample is datagrams that are not.
func badSample() []byte {
	web := leg{src: "192.0.2.50", dst: "203.0.113.7", sport: 50001, dport: 443, proto: 6, flags: 0x1b, octets: 1200, packets: 9, from: 9 * time.Second}
	return glue(
		v5(0, 0, web),
		[]byte{0, 3, 'x', 'x'}, // no datagram at all
		v5(9, 0, web)[:24+48],  // behind a gap of eight
		ipfix(0, 1, setOf(2, glue(be16(256), be16(1), be16(8), be16(0)))), // a template of no length
		ipfix(0, 1, setOf(256, []byte{1, 2, 3, 4})),                       // and its records
		ipfix(0, 1, setOf(2, glue(be16(257), be16(0xffff)))),              // a template that is not all there
		ipfix(0, 1, setOf(9, []byte{1, 2, 3, 4})),                         // a set of no kind
		ipfix(0, 1, setOf(777, []byte{1, 2, 3, 4})),                       // a template that never comes
		ipfix(0, 1, glue(be16(2), be16(2))),                               // a set shorter than its header
		ipfix(0, 1, glue(be16(300), be16(99), be16(1))),                   // a set longer than its message
		v5(10, 0, web, web)[:24+48+20],                                    // the end of the file is missing
	)
}

// laterSample is the same host a day later, through an exporter that samples and
// that lost datagrams: what it knows, and a stranger.
func laterSample() []byte {
	web := leg{src: "192.0.2.50", dst: "203.0.113.7", sport: 50100, dport: 443, proto: 6, flags: 0x1b, octets: 900, packets: 3, from: 4 * time.Second, in: 1, out: 2}
	other := leg{src: "192.0.2.50", dst: "203.0.113.200", sport: 50101, dport: 4444, proto: 6, flags: 0x1b, octets: 70_000, packets: 70, from: 4 * time.Second, in: 1, out: 2}
	return glue(v5(100, 0x4000|10, web, web.turned(4000)), v5(120, 0x4000|10, other, other.turned(400)))
}
