package store

import (
	"encoding/binary"

	"tripline/learn"
)

// maxExchanges bounds the exchanges of a payload.
const maxExchanges = 1 << 12

// What an exchange has.
const (
	hasUp = 1 << iota
	hasDown
	cutUp
	cutDown
	hasAll = hasUp | hasDown | cutUp | cutDown
)

// payload fills the column only from the first flow on that has one: they are there
// for who asks for them.
func (b *block) payload(p *learn.Payload) {
	col := &b.cols[colPayload]
	if p == nil && len(*col) == 0 {
		return
	}
	if len(*col) == 0 {
		*col = append(*col, make([]byte, b.count-1)...)
	}
	before := len(*col)
	*col = appendText(*col, string(appendPayload(nil, p)))
	b.textBytes += len(*col) - before
}

// appendPayload writes a payload; none is empty.
func appendPayload(b []byte, p *learn.Payload) []byte {
	if p == nil {
		return b
	}
	b = binary.AppendUvarint(binary.AppendUvarint(b, p.First), p.More)
	b = binary.AppendUvarint(appendText(b, p.Stopped), uint64(len(p.Exchanges)))
	for _, x := range p.Exchanges {
		b = append(b, has(x.Up)|has(x.Down)<<1)
		b = appendBody(appendBody(b, x.Up), x.Down)
	}
	return b
}

// has says what is there of a body, as that of what goes up.
func has(b *learn.Body) byte {
	switch {
	case b == nil:
		return 0
	case b.Cut:
		return hasUp | cutUp
	}
	return hasUp
}

func appendBody(b []byte, body *learn.Body) []byte {
	if body == nil {
		return b
	}
	return append(binary.AppendUvarint(b, body.Bytes), body.SHA256[:]...)
}

// payloadOf reads what appendPayload wrote; nothing is no payload.
func payloadOf(text []byte) (*learn.Payload, error) {
	if len(text) == 0 {
		return nil, nil //nolint:nilnil // most flows have none
	}
	r := reader{b: text}
	p := &learn.Payload{First: r.uvarint(), More: r.uvarint(), Stopped: r.text()}
	for range r.upTo(maxExchanges) {
		p.Exchanges = append(p.Exchanges, r.exchange())
	}
	return p, r.err()
}

func (r *reader) exchange() learn.Exchange {
	what := r.byte()
	if what&^hasAll != 0 || what&cutUp != 0 && what&hasUp == 0 || what&cutDown != 0 && what&hasDown == 0 {
		r.fail()
	}
	return learn.Exchange{Up: r.body(what&hasUp, what&cutUp), Down: r.body(what&hasDown, what&cutDown)}
}

func (r *reader) body(there, cut byte) *learn.Body {
	if there == 0 {
		return nil
	}
	b := &learn.Body{Bytes: r.uvarint(), Cut: cut != 0}
	copy(b.SHA256[:], r.take(uint64(len(b.SHA256))))
	return b
}

// tooLong says whether a payload could not be read again.
func tooLong(p *learn.Payload) bool {
	return len(p.Exchanges) > maxExchanges || len(p.Stopped) > maxText/2
}

// payload reads what was hashed of a flow.
func (u *unpacker) payload() *learn.Payload {
	col := &u.cols[colPayload]
	p, err := payloadOf(col.take(col.uvarint()))
	if err != nil {
		u.bad = true
	}
	return p
}
