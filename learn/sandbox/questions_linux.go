package sandbox

import (
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"tripline/learn"
)

// Bounds of questions: so many bytes in a datagram; so many are answered at once, each of
// which may wait for a resolver; a connection for them is silent for so long.
const (
	mostQuestion = 4096
	mostLookups  = 4096
	idleLookups  = 10 * time.Second
)

// lookup answers a question that came as a datagram. It is on the way of every packet and
// must not wait.
func (b *box) lookup(q []byte, from netip.AddrPort, send func(reply []byte)) {
	if b.lookingUp.Add(1) > mostLookups || len(q) > mostQuestion {
		b.lookingUp.Add(-1)
		b.crowded.Add(1)
		return
	}
	b.live.Go(func() {
		defer b.lookingUp.Add(-1)
		if reply := b.reply(q, learn.UDP, from); reply != nil {
			send(fitted(reply, q))
		}
	})
}

// fitted is an answer to a question that came as a datagram. Where it is larger than who
// asks takes it, it says to ask by TCP (RFC 1035, section 4.2.1; RFC 6891, section 6.2.5).
func fitted(reply, q []byte) []byte {
	if len(reply) <= room(q) {
		return reply
	}
	var p dnsmessage.Parser
	h, err := p.Start(reply)
	if err != nil {
		return nil
	}
	asked, err := p.Question()
	if err != nil {
		return nil
	}
	m := answer(h, &asked, h.RCode, nil)
	m[2] |= 2
	return m
}

// room is how large an answer may be that goes back as a datagram.
func room(q []byte) int {
	const least, most = 512, 1 << 14
	var p dnsmessage.Parser
	if _, err := p.Start(q); err != nil || p.SkipAllQuestions() != nil || p.SkipAllAnswers() != nil || p.SkipAllAuthorities() != nil {
		return least
	}
	for {
		h, err := p.AdditionalHeader()
		switch {
		case err != nil:
			return least
		case h.Type == dnsmessage.TypeOPT:
			return min(max(least, int(h.Class)), most)
		case p.SkipAdditional() != nil:
			return least
		}
	}
}

// lookups answers questions that come over a connection, until it ends.
func (b *box) lookups(c net.Conn, from netip.AddrPort) {
	for {
		c.SetReadDeadline(time.Now().Add(idleLookups)) //nolint:errcheck // it cannot
		q, err := readMessage(c)
		if err != nil {
			return
		}
		reply := b.reply(q, learn.TCP, from)
		c.SetWriteDeadline(time.Now().Add(idleLookups)) //nolint:errcheck // it cannot
		if reply == nil || writeMessage(c, reply) != nil {
			return
		}
	}
}
