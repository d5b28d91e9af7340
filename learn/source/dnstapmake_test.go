package source_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// A tapEncoder writes dnstap as resolvers do.
type tapEncoder struct{ bytes.Buffer }

func (e *tapEncoder) control(kind uint32, content string) {
	length := uint32(4)
	if content != "" {
		length += 8 + uint32(len(content))
	}
	for _, n := range []uint32{0, length, kind} {
		_ = binary.Write(e, binary.BigEndian, n)
	}
	if content != "" {
		_ = binary.Write(e, binary.BigEndian, []uint32{1, uint32(len(content))})
		e.WriteString(content)
	}
}

func (e *tapEncoder) frame(payload []byte) {
	_ = binary.Write(e, binary.BigEndian, uint32(len(payload)))
	e.Write(payload)
}

const tapContent = "protobuf:dnstap.Dnstap"

// A tap is one message to encode.
type tap struct {
	kind, transport  uint64
	client, resolver netip.Addr
	port             uint64
	at               time.Time
	response         []byte
}

func (m *tap) payload() []byte {
	var b []byte
	number := func(field, n uint64) { b = binary.AppendUvarint(binary.AppendUvarint(b, field<<3), n) }
	text := func(field uint64, t []byte) {
		b = append(binary.AppendUvarint(binary.AppendUvarint(b, field<<3|2), uint64(len(t))), t...)
	}
	number(1, m.kind)
	number(2, 1)
	number(3, m.transport)
	text(4, m.client.AsSlice())
	text(5, m.resolver.AsSlice())
	number(6, m.port)
	number(7, 53)
	if !m.at.IsZero() {
		number(12, uint64(m.at.Unix()))
		b = binary.LittleEndian.AppendUint32(binary.AppendUvarint(b, 13<<3|5), uint32(m.at.Nanosecond()))
	}
	text(14, m.response)
	inner := b
	b = nil
	text(1, []byte("ns.example"))
	text(2, []byte("resolver 1"))
	text(14, inner)
	number(15, 1)
	return b
}

// responseTo builds an answer: the name, then aliases, then addresses.
func responseTo(t testing.TB, rcode dnsmessage.RCode, names []string, addrs ...string) []byte {
	t.Helper()
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{Response: true, RCode: rcode})
	b.EnableCompression()
	head := func(name string) dnsmessage.ResourceHeader {
		return dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name), Class: dnsmessage.ClassINET, TTL: 300}
	}
	errs := []error{b.StartQuestions(), b.Question(dnsmessage.Question{Name: dnsmessage.MustNewName(names[0]), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}), b.StartAnswers()}
	for i, target := range names[1:] {
		errs = append(errs, b.CNAMEResource(head(names[i]), dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(target)}))
	}
	for _, text := range addrs {
		if a := netip.MustParseAddr(text); a.Is4() {
			errs = append(errs, b.AResource(head(names[len(names)-1]), dnsmessage.AResource{A: a.As4()}))
		} else {
			errs = append(errs, b.AAAAResource(head(names[len(names)-1]), dnsmessage.AAAAResource{AAAA: a.As16()}))
		}
	}
	message, err := b.Finish()
	if err = errors.Join(append(errs, err)...); err != nil {
		t.Fatal(err)
	}
	return message
}

// taps are what the fixture holds.
func taps(t testing.TB) []tap {
	at := answered.Add(-time.Hour).Add(250 * time.Millisecond)
	who, six, ns := netip.MustParseAddr("192.0.2.50"), netip.MustParseAddr("2001:db8::50"), netip.MustParseAddr("192.0.2.53")
	www := responseTo(t, 0, []string{"www.example.", "edge.cdn.example."}, "203.0.113.20", "203.0.113.21")
	return []tap{
		{6, 1, who, ns, 40001, at, responseTo(t, 0, []string{"multi.example."}, "203.0.113.10", "203.0.113.11", "2001:db8:9::10")},
		{5, 1, who, ns, 40002, at, nil},
		{6, 2, six, netip.MustParseAddr("2001:db8::53"), 40003, at.Add(time.Second), www},
		{6, 1, who, ns, 40004, at, responseTo(t, dnsmessage.RCodeNameError, []string{"none.example."})},
		{4, 1, ns, netip.MustParseAddr("198.51.100.53"), 40005, at, www}, // the resolver's own
		{6, 4, netip.MustParseAddr("::ffff:192.0.2.50"), ns, 40006, at, www},
		{6, 1, netip.Addr{}, ns, 0, at, www},
		{6, 1, who, ns, 40007, time.Time{}, www},
		{6, 1, who, ns, 40008, at, []byte("no message")},
	}
}

func tapStream(t testing.TB) []byte {
	var e tapEncoder
	e.control(2, tapContent)
	for _, m := range taps(t) {
		e.frame(m.payload())
	}
	e.frame([]byte("no payload"))
	e.control(3, "")
	return e.Bytes()
}
