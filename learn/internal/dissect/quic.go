package dissect

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
)

// A dialect is what versions of QUIC differ in, for the first packets.
type dialect struct {
	salt   string
	prefix string // of the labels of keys
	kind   byte   // type bits of an Initial packet
}

// The salts of RFC 9001, section 5.2, RFC 9369, section 3.3.1, and of the drafts
// that were deployed.
const (
	salt23 = "\xc3\xee\xf7\x12\xc7\x2e\xbb\x5a\x11\xa7\xd2\x43\x2b\xb4\x63\x65\xbe\xf9\xf5\x02"
	salt29 = "\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99"
	saltV1 = "\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a"
	saltV2 = "\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9"
)

// dialectOf returns the dialect of a version.
func dialectOf(version uint32) (dialect, bool) {
	switch {
	case version == 1:
		return dialect{saltV1, "quic ", 0}, true
	case version == 0x6b3343cf:
		return dialect{saltV2, "quicv2 ", 1}, true
	case version >= 0xff00001d && version <= 0xff000022:
		return dialect{salt29, "quic ", 0}, true
	case version >= 0xff000017 && version <= 0xff00001c, version == 0xfaceb002, version == 0xfaceb00e:
		return dialect{salt23, "quic ", 0}, true
	}
	return dialect{}, false
}

const (
	mostConnID = 20
	mostCrypto = 1 << 14
	sampleSize = 16
	longHeader = 0x80
)

// IsQUIC says whether a datagram begins with packets of a connection that begins, of a
// known version. The Initial one may not be the first of them, and who wants to hide may
// clear the fixed bit (RFC 9287).
func IsQUIC(b []byte) bool {
	if len(b) < 7 || b[0]&longHeader == 0 {
		return false
	}
	_, ok := dialectOf(binary.BigEndian.Uint32(b[1:]))
	return ok
}

// A QUIC puts together the ClientHellos of connections from what their client
// sends first. The zero value is ready to use.
type QUIC struct {
	opening []*opening
	tries   int
}

// An opening is a connection whose ClientHello is not all there yet.
type opening struct {
	keys   keys
	stream Stream
}

// mostTries is how many datagrams are looked at for one ClientHello, and mostOpenings
// how many connections begin at once: one where the server answers with Retry is two
// (RFC 9001, section 5.2).
const (
	mostTries    = 16
	mostOpenings = 16
)

// Size is how many bytes are held.
func (q *QUIC) Size() (n int) {
	for _, o := range q.opening {
		n += o.stream.Size()
	}
	return n
}

// Datagram reads a datagram of a client that begins one connection. With [More] comes
// what is known so far.
func (q *QUIC) Datagram(b []byte) (Hello, State) {
	if q.tries++; q.tries > mostTries {
		return Hello{}, Other
	}
	if hellos, _ := q.Hellos(b); len(hellos) > 0 {
		return hellos[0], Done
	}
	return q.known(), More
}

// known is what is known of a ClientHello that is not all there.
func (q *QUIC) known() (h Hello) {
	for _, o := range q.opening {
		if h, _ = Handshake(o.stream.Prefix()); h.Name != nil {
			break
		}
	}
	return h
}

// Hellos reads a datagram of a client that may begin several connections, and returns
// the ClientHellos that are whole now. More says that others are not.
func (q *QUIC) Hellos(b []byte) (whole []Hello, more bool) {
	for len(b) > 0 {
		rest, ok := q.packet(b)
		if !ok {
			break
		}
		b = rest
	}
	kept := q.opening[:0]
	for _, o := range q.opening {
		switch h, state := Handshake(o.stream.Prefix()); state {
		case More:
			kept = append(kept, o)
		case Done:
			whole = append(whole, h)
		case Other: // it is no ClientHello
		}
	}
	clear(q.opening[len(kept):])
	q.opening = kept
	return whole, len(kept) > 0
}

// packet reads one of the packets in a datagram and returns what is behind it.
func (q *QUIC) packet(b []byte) (rest []byte, ok bool) {
	if len(b) < 7 || b[0]&longHeader == 0 {
		return nil, false
	}
	version := binary.BigEndian.Uint32(b[1:])
	d, ok := dialectOf(version)
	if !ok {
		return nil, false
	}
	r := reader{b: b[5:]}
	id := r.bytes(r.uint8())
	r.skip(r.uint8())
	initial := b[0]>>4&3 == d.kind
	if initial {
		r.skip(r.varint())
	}
	length := r.varint()
	at := len(b) - len(r.b)
	if r.short || length > len(r.b) || len(id) > mostConnID {
		return nil, false
	}
	if initial {
		q.initial(b[:at+length], at, version, id)
	}
	return b[at+length:], true
}

// initial decrypts an Initial packet, with the keys of a connection that begins or with
// those of its own connection ID.
func (q *QUIC) initial(b []byte, at int, version uint32, id []byte) {
	for _, o := range q.opening {
		if plain, ok := o.keys.open(b, at); ok {
			o.frames(plain)
			return
		}
	}
	if len(q.opening) == mostOpenings {
		return
	}
	k, ok := keysOf(version, id)
	if !ok {
		return
	}
	if plain, ok := k.open(b, at); ok {
		o := &opening{keys: k}
		o.frames(plain)
		q.opening = append(q.opening, o)
	}
}

// Frames of an Initial packet (RFC 9000, section 12.4).
const (
	framePadding = 0
	framePing    = 1
	frameAck     = 2
	frameAckECN  = 3
	frameCrypto  = 6
)

func (o *opening) frames(b []byte) {
	r := reader{b: b}
	for len(r.b) > 0 && !r.short {
		switch r.varint() {
		case framePadding, framePing:
		case frameAck:
			r.ack()
		case frameAckECN:
			r.ack()
			r.varint()
			r.varint()
			r.varint()
		case frameCrypto:
			offset := r.varint()
			if data := r.bytes(r.varint()); !r.short && offset+len(data) <= mostCrypto {
				o.stream.Insert(offset, data)
			}
		default:
			return
		}
	}
}

// ack passes over an ACK frame (RFC 9000, section 19.3).
func (r *reader) ack() {
	r.varint()
	r.varint()
	ranges := r.varint()
	r.varint()
	for range min(ranges, len(r.b)) {
		r.varint()
		r.varint()
	}
}

// varint reads a number of variable length (RFC 9000, section 16). One that is
// beyond anything that fits a packet is as good as too short.
func (r *reader) varint() int {
	if len(r.b) == 0 {
		r.short = true
		return 0
	}
	n := 1 << (r.b[0] >> 6)
	b := r.bytes(n)
	if r.short {
		return 0
	}
	v := uint64(b[0] & 0x3f)
	for _, c := range b[1:] {
		v = v<<8 | uint64(c)
	}
	if v > 1<<30 {
		r.short, r.b = true, nil
		return 0
	}
	return int(v)
}

// keys open the Initial packets of a client.
type keys struct {
	aead cipher.AEAD
	mask cipher.Block // header protection
	iv   [12]byte
}

// keysOf derives the keys that both sides know from the first connection ID (RFC
// 9001, section 5.2).
func keysOf(version uint32, id []byte) (k keys, ok bool) {
	d, _ := dialectOf(version)
	initial, err := hkdf.Extract(sha256.New, id, []byte(d.salt))
	if err != nil {
		return keys{}, false
	}
	secret, err := expand(initial, "client in", sha256.Size)
	if err != nil {
		return keys{}, false
	}
	key, err1 := expand(secret, d.prefix+"key", 16)
	iv, err2 := expand(secret, d.prefix+"iv", len(k.iv))
	protect, err3 := expand(secret, d.prefix+"hp", 16)
	if err1 != nil || err2 != nil || err3 != nil {
		return keys{}, false
	}
	copy(k.iv[:], iv)
	return k.ciphers(key, protect)
}

func (k keys) ciphers(key, protect []byte) (keys, bool) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return keys{}, false
	}
	if k.aead, err = cipher.NewGCM(block); err != nil {
		return keys{}, false
	}
	if k.mask, err = aes.NewCipher(protect); err != nil {
		return keys{}, false
	}
	return k, true
}

// expand is HKDF-Expand-Label of TLS 1.3 (RFC 8446, section 7.1).
func expand(secret []byte, label string, length int) ([]byte, error) {
	label = "tls13 " + label
	info := string([]byte{byte(length >> 8), byte(length), byte(len(label))}) + label + "\x00"
	return hkdf.Expand(sha256.New, secret, info, length)
}

// open removes the protection of an Initial packet whose number begins at (RFC
// 9001, sections 5.3 and 5.4).
func (k *keys) open(b []byte, at int) (plain []byte, ok bool) {
	const most = 4 // bytes of a packet number
	if len(b) < at+most+sampleSize {
		return nil, false
	}
	var mask [sampleSize]byte
	k.mask.Encrypt(mask[:], b[at+most:at+most+sampleSize])
	first := b[0] ^ mask[0]&0x0f
	n := int(first&3) + 1
	head := append([]byte(nil), b[:at+n]...)
	head[0] = first
	nonce := k.iv
	for i := range n {
		head[at+i] ^= mask[1+i] //nolint:gosec // G602: n is four at most
		nonce[len(nonce)-n+i] ^= head[at+i]
	}
	plain, err := k.aead.Open(nil, nonce[:], b[at+n:], head)
	return plain, err == nil
}
