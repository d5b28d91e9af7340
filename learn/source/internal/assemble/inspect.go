package assemble

import (
	"encoding/binary"
	"time"

	"tripline/learn"
	"tripline/learn/internal/dissect"
	"tripline/learn/source/internal/packet"
)

const (
	portDNS    = 53
	mostOffset = 1 << 17 // bytes into a connection at which a name is still looked for
)

// inspect looks at what a flow says.
func (t *Table) inspect(e *entry, p *packet.Packet, dir int) {
	if p.Proto == uint8(learn.UDP) {
		t.inspectUDP(e, p, dir)
		return
	}
	if e.isDNS() {
		if dir != int(e.client) {
			t.answers(e, p, dir)
		}
		return
	}
	if e.looked[dir] || e.sure && dir != int(e.client) {
		return
	}
	t.request(e, p, dir)
}

// isDNS says whether a flow is to the port of DNS.
func (e *entry) isDNS() bool { return e.key.port(int(e.client^1)) == portDNS }

func (t *Table) inspectUDP(e *entry, p *packet.Packet, dir int) {
	switch {
	case e.isDNS():
		if dir != int(e.client) {
			t.answer(e, p.Payload, p.Dst)
		}
		if t.o.Prompt && !e.delivered {
			t.deliver(e)
		}
	case dir != int(e.client):
	case e.talk != nil || dissect.IsQUIC(p.Payload):
		t.initial(e, p.Payload)
	default:
		e.settled = true
	}
}

// answer makes an event of a DNS message, if it is an answer.
func (t *Table) answer(e *entry, message []byte, client packet.Addr) {
	m, ok := dissect.DNS(message)
	if !ok || !m.Response {
		return
	}
	name, ok := t.namer.canonical([]byte(m.Name))
	if !ok {
		return
	}
	a := &learn.Answer{Time: time.Unix(0, e.last).UTC(), Client: client.Addr(), Name: name, Addrs: m.Addrs, TTL: m.TTL}
	for _, alias := range m.Chain {
		if c, ok := t.namer.canonical([]byte(alias)); ok {
			a.Chain = append(a.Chain, c)
		}
	}
	t.ready.push(Event{Flow: e.flow(), Answer: a})
}

// request looks for a name in what a client says first. The first segment mostly
// has all of it.
func (t *Table) request(e *entry, p *packet.Packet, dir int) {
	seq := p.Seq
	if p.Flags&packet.SYN != 0 {
		seq++ // data in a SYN (RFC 7413)
	}
	if !e.based[dir] {
		e.base[dir], e.based[dir] = seq, true
	}
	offset, data := int(int32(seq-e.base[dir])), p.Payload
	if offset < 0 { // sent before, or to keep the connection alive
		data = data[min(len(data), -offset):]
		offset = 0
	}
	if len(data) == 0 {
		return
	}
	if e.talk == nil && offset == 0 {
		if s := say(data); s.state != dissect.More {
			t.said(e, s, dir)
			return
		}
	}
	t.gather(e, data, offset, dir)
}

// gather puts segments together until they say enough.
func (t *Table) gather(e *entry, data []byte, offset, dir int) {
	if offset+len(data) > mostOffset {
		t.settle(e, dir)
		return
	}
	k := t.namer.talk(t, e)
	if int(k.dir) != dir && k.stream.Size() > 0 {
		return // both sides were taken for clients; the first one is looked at
	}
	k.dir = uint8(dir)
	if !k.stream.Insert(offset, data) {
		t.settle(e, dir)
		return
	}
	t.namer.grown(t, k)
	if e.talk != k {
		return // it was too much
	}
	if s := say(k.stream.Prefix()); s.state == dissect.More {
		k.best = s
	} else {
		t.said(e, s, dir)
	}
}

// A saying is what the beginning of a connection says about where it goes.
type saying struct {
	name     []byte
	evidence learn.Evidence
	hidden   bool
	state    dissect.State
}

func say(b []byte) saying {
	if len(b) == 0 {
		return saying{state: dissect.More}
	}
	if h, state := dissect.TLS(b); state != dissect.Other {
		return saying{h.Name, learn.SNI, h.Encrypted, state}
	}
	r, state := dissect.HTTP(b)
	if r.Proxy {
		return saying{r.Host, learn.Proxy, false, state}
	}
	return saying{r.Host, learn.HTTP, false, state}
}

// said keeps what was found: who said it is the client.
func (t *Table) said(e *entry, s saying, dir int) {
	if s.state == dissect.Other {
		t.settle(e, dir)
		return
	}
	e.client, e.sure = uint8(dir), true
	t.name(e, s)
	t.settle(e, dir)
}

// settle ends the search for a name in one direction.
func (t *Table) settle(e *entry, dir int) {
	e.looked[dir] = true
	if e.sure || e.looked[dir^1] {
		t.namer.give(e)
		e.settled = true
	}
}

func (t *Table) name(e *entry, s saying) { t.namer.name(e, s) }

// initial looks for the name in the first packets of QUIC.
func (t *Table) initial(e *entry, datagram []byte) {
	k := t.namer.talk(t, e)
	h, state := k.quic.Datagram(datagram)
	s := saying{h.Name, learn.QUIC, h.Encrypted, state}
	if state == dissect.More {
		k.best = s
		t.namer.grown(t, k)
		return
	}
	if state == dissect.Done {
		t.name(e, s)
	}
	t.settle(e, int(e.client))
}

// answers reads the messages of DNS over TCP (RFC 1035, section 4.2.2), which
// have their length before them.
func (t *Table) answers(e *entry, p *packet.Packet, dir int) {
	if !e.based[dir] {
		e.base[dir], e.based[dir] = p.Seq, true
	}
	offset := int(int32(p.Seq - e.base[dir]))
	k := t.namer.talk(t, e)
	if offset < 0 || offset+len(p.Payload) > mostOffset || !k.stream.Insert(offset, p.Payload) {
		return
	}
	for b := k.stream.Prefix(); len(b) >= 2; b = k.stream.Prefix() {
		n := 2 + int(binary.BigEndian.Uint16(b))
		if len(b) < n {
			break
		}
		t.answer(e, b[2:n], p.Dst)
		k.stream.Drop(n)
		e.base[dir] += uint32(n)
	}
	t.namer.grown(t, k)
}
