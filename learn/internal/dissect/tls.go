package dissect

import "encoding/binary"

// A State says how far reading came.
type State uint8

// The states.
const (
	Other State = iota // something else: asking again is of no use
	More               // it begins well, and is not all there
	Done               // all was read; there may be no name in it
)

// A Hello is what a client says first.
type Hello struct {
	Name      []byte // as it was sent; nil if there is none
	Encrypted bool   // the true name is encrypted (ECH): Name is that of the front
}

const (
	recordHead      = 5
	mostRecord      = 1<<14 + 256
	recordAlert     = 21
	alertSize       = 2
	recordHandshake = 22
	clientHello     = 1
	mostHello       = 1 << 16
	extServerName   = 0
	extECH          = 0xfe0d // draft-ietf-tls-esni
	extOldESNI      = 0xffce
)

// TLS reads a ClientHello from the beginning of what a client sent (RFC 8446,
// sections 4.1.2 and 5.1). It may be spread over records, and behind what servers pass
// over: empty records, warnings, and any version. With [More] comes what is known so far.
func TLS(b []byte) (Hello, State) {
	if len(b) == 0 || b[0] != recordHandshake && b[0] != recordAlert {
		return Hello{}, Other
	}
	var said []byte
	for len(b) >= recordHead {
		length := int(binary.BigEndian.Uint16(b[3:]))
		switch {
		case b[0] == recordAlert && length == alertSize:
		case b[0] == recordHandshake && length <= mostRecord:
			said = append(said, b[recordHead:min(len(b), recordHead+length)]...)
		default:
			return ended(said)
		}
		if len(b) < recordHead+length {
			break
		}
		b = b[recordHead+length:]
	}
	return Handshake(said)
}

// ended reads a ClientHello that something else follows.
func ended(said []byte) (Hello, State) {
	h, state := Handshake(said)
	if state == More {
		return Hello{}, Other
	}
	return h, state
}

// Handshake reads a ClientHello without the records around it, as QUIC sends it
// (RFC 9001, section 4.1.3).
func Handshake(b []byte) (Hello, State) {
	if len(b) > 0 && b[0] != clientHello {
		return Hello{}, Other
	}
	if len(b) < 4 {
		return Hello{}, More
	}
	length := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
	if length > mostHello {
		return Hello{}, Other
	}
	short := len(b)-4 < length
	h, state := hello(b[4:min(len(b), 4+length)], !short)
	if state != Done && !short {
		return Hello{}, Other // its parts are longer than it is
	}
	return h, state
}

// hello reads the body: version, random, session, ciphers, compression,
// extensions. Whole says that there is no more of it to come.
func hello(b []byte, whole bool) (h Hello, state State) {
	r := reader{b: b}
	r.skip(2 + 32)
	r.skip(r.uint8())
	r.skip(r.uint16())
	r.skip(r.uint8())
	if r.short {
		return Hello{}, More
	}
	if len(r.b) == 0 && whole {
		return Hello{}, Done // without extensions, as SSL 3.0 was
	}
	length := r.uint16()
	all := length <= len(r.b)
	for !r.short && length > 0 && len(r.b) > 0 {
		kind, size := r.uint16(), r.uint16()
		body := r.bytes(size)
		if r.short {
			break
		}
		length -= 4 + size
		switch kind {
		case extServerName:
			h.Name = serverName(body)
		case extECH:
			h.Encrypted = h.Encrypted || isOuter(body)
		case extOldESNI:
			h.Encrypted = true
		}
	}
	if r.short || !all {
		return h, More
	}
	return h, Done
}

// isOuter says whether an encrypted_client_hello extension is that of an outer
// ClientHello. Browsers send one with random contents as well, so that nobody
// can tell: the name is doubtful only where it is a front's.
func isOuter(b []byte) bool { return len(b) > 0 && b[0] == 0 }

// serverName reads the extension (RFC 6066, section 3).
func serverName(b []byte) []byte {
	r := reader{b: b}
	r.uint16()
	for len(r.b) > 0 {
		kind := r.uint8()
		name := r.bytes(r.uint16())
		if r.short {
			return nil
		}
		if kind == 0 {
			return name
		}
	}
	return nil
}

// A reader takes what is in front of b. Short says that there was too little.
type reader struct {
	b     []byte
	short bool
}

func (r *reader) bytes(n int) []byte {
	if n > len(r.b) {
		r.short, r.b = true, nil
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) skip(n int) { r.bytes(n) }

func (r *reader) uint8() int {
	if b := r.bytes(1); b != nil {
		return int(b[0])
	}
	return 0
}

func (r *reader) uint16() int {
	if b := r.bytes(2); b != nil {
		return int(binary.BigEndian.Uint16(b))
	}
	return 0
}
