package sandbox

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"tripline/learn"
)

// reply answers one question. What is none gets no answer.
func (b *box) reply(q []byte, by learn.Proto, from netip.AddrPort) []byte {
	var p dnsmessage.Parser
	h, err := p.Start(q)
	if err != nil || h.Response {
		return nil
	}
	asked, err := p.Question()
	if err != nil {
		return answer(h, nil, dnsmessage.RCodeFormatError, nil)
	}
	b.names.queries.Add(1)
	name := lowered(asked.Name)
	b.asked(name, by, from)
	switch {
	case h.OpCode != 0 || asked.Class != dnsmessage.ClassINET:
		return answer(h, &asked, dnsmessage.RCodeNotImplemented, nil)
	case asked.Type == dnsmessage.TypeA || asked.Type == dnsmessage.TypeAAAA:
		return b.replyAddress(h, &asked, name)
	case asked.Type == dnsmessage.TypePTR:
		if e := b.names.of(reversed(name)); e != nil {
			return b.replyName(h, &asked, e)
		}
	case asked.Type == typeHTTPS || asked.Type == typeSVCB || asked.Type == dnsmessage.TypeALL:
		// Their hints are addresses that would have no name, and their keys hide it.
		return answer(h, &asked, answered, nil)
	}
	if b.names.silently(name) {
		b.names.silent.Add(1)
		return answer(h, &asked, answered, nil)
	}
	reply, err := b.otherType(h, &asked, name)
	if err != nil {
		return answer(h, &asked, failed, nil)
	}
	return reply
}

// otherType asks for what is no address. Nothing of the command's own question leaves but
// the name and the type: options, what stands behind it and the case of letters could say
// anything. What it would tell the number and the case of its question by is put back.
func (b *box) otherType(h dnsmessage.Header, asked *dnsmessage.Question, name string) ([]byte, error) {
	q, err := question(name, asked.Type)
	if err != nil {
		return nil, err
	}
	reply, err := b.names.resolver.exchange(b.ctx, q)
	if err != nil {
		return nil, err
	}
	b.names.heard(reply)
	if theirs := answer(h, asked, answered, nil); len(reply) >= len(q) && bytes.EqualFold(reply[12:len(q)], theirs[12:]) {
		copy(reply[12:], theirs[12:])
	}
	reply[0], reply[1] = byte(h.ID>>8), byte(h.ID)
	return reply, nil
}

// lowered is a name in small letters without the last dot. Bytes that are no letters of
// ASCII stay what they are.
func lowered(n dnsmessage.Name) string {
	b := bytes.Clone(n.Data[:n.Length])
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return strings.TrimSuffix(string(b), ".")
}

// Types of service bindings (RFC 9460).
const (
	typeSVCB  = 64
	typeHTTPS = 65
)

func (b *box) replyAddress(h dnsmessage.Header, asked *dnsmessage.Question, name string) []byte {
	ip6 := asked.Type == dnsmessage.TypeAAAA
	if name == "localhost" || strings.HasSuffix(name, ".localhost") { // RFC 6761, section 6.3
		return answer(h, asked, answered, addressOf(asked, map[bool]netip.Addr{false: netip.AddrFrom4([4]byte{127, 0, 0, 1}), true: netip.IPv6Loopback()}[ip6], time.Hour))
	}
	if ip6 && !b.names.ipv6 {
		return answer(h, asked, answered, nil)
	}
	if _, ok := learn.CanonicalName(name); !ok {
		return answer(h, asked, dnsmessage.RCodeNameError, nil)
	}
	e := b.names.entry(name)
	if e == nil {
		b.nameless.Do(func() {
			b.o.Warn("%d names were asked for: there is no address left to tell another one apart by, and others are not looked up any more", mostNames-1)
		})
		return answer(h, asked, failed, nil)
	}
	if ip6 && b.names.single {
		if addrs, _, _ := b.names.addresses(b.ctx, e, false); len(addrs) > 0 {
			return answer(h, asked, answered, nil)
		}
	}
	addrs, ttl, code := b.names.addresses(b.ctx, e, ip6)
	if code != answered || len(addrs) == 0 {
		return answer(h, asked, code, nil)
	}
	fake := e.fake4
	if ip6 {
		fake = e.fake6
	}
	return answer(h, asked, answered, addressOf(asked, fake, ttl))
}

func (b *box) replyName(h dnsmessage.Header, asked *dnsmessage.Question, e *named) []byte {
	name, err := dnsmessage.NewName(e.name + ".")
	if err != nil {
		return answer(h, asked, failed, nil)
	}
	return answer(h, asked, answered, func(b *dnsmessage.Builder) error {
		return b.PTRResource(dnsmessage.ResourceHeader{Name: asked.Name, Class: dnsmessage.ClassINET, TTL: 60}, dnsmessage.PTRResource{PTR: name})
	})
}

// addressOf is the record that says that a name is at an address.
func addressOf(asked *dnsmessage.Question, a netip.Addr, ttl time.Duration) func(*dnsmessage.Builder) error {
	head := dnsmessage.ResourceHeader{Name: asked.Name, Class: dnsmessage.ClassINET, TTL: uint32(max(0, ttl/time.Second))}
	return func(b *dnsmessage.Builder) error {
		if a.Is4() {
			return b.AResource(head, dnsmessage.AResource{A: a.As4()})
		}
		return b.AAAAResource(head, dnsmessage.AAAAResource{AAAA: a.As16()})
	}
}

// answer is a message with at most one record.
func answer(q dnsmessage.Header, asked *dnsmessage.Question, code dnsmessage.RCode, record func(*dnsmessage.Builder) error) []byte {
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{
		ID: q.ID, Response: true, OpCode: q.OpCode, RecursionDesired: q.RecursionDesired, RecursionAvailable: true, RCode: code,
	})
	if asked != nil {
		if b.StartQuestions() != nil || b.Question(*asked) != nil {
			return nil
		}
	}
	if record != nil {
		if b.StartAnswers() != nil || record(&b) != nil {
			return nil
		}
	}
	m, err := b.Finish()
	if err != nil {
		return nil
	}
	return m
}

// reverse is the name of reverse look-up of an address.
func reverse(a netip.Addr) (name string) {
	zone := "in-addr.arpa"
	for _, c := range a.AsSlice() {
		if a.Is4() {
			name = fmt.Sprintf("%d.%s", c, name)
			continue
		}
		zone = "ip6.arpa"
		name = fmt.Sprintf("%x.%x.%s", c&0xf, c>>4, name)
	}
	return name + zone
}

// reversed is the address that a name of reverse look-up means, the zero address
// if none (RFC 1035, section 3.5; RFC 3596, section 2.5).
func reversed(name string) netip.Addr {
	if rest, ok := strings.CutSuffix(name, ".in-addr.arpa"); ok {
		parts := strings.Split(rest, ".")
		for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
			parts[i], parts[j] = parts[j], parts[i]
		}
		a, err := netip.ParseAddr(strings.Join(parts, "."))
		if err == nil {
			return a
		}
	}
	if rest, ok := strings.CutSuffix(name, ".ip6.arpa"); ok && len(rest) == 63 {
		var text strings.Builder
		for i := 62; i >= 0; i -= 2 {
			text.WriteByte(rest[i])
			if i%8 == 0 && i > 0 {
				text.WriteByte(':')
			}
		}
		a, err := netip.ParseAddr(text.String())
		if err == nil {
			return a
		}
	}
	return netip.Addr{}
}
