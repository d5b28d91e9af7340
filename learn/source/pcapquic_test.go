package source_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"testing"
)

// A quicVersion is what a client of QUIC needs to say hello.
type quicVersion struct {
	number uint32
	salt   []byte
	prefix string
	kind   byte
}

var (
	quic1 = quicVersion{1, []byte{
		0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a,
	}, "quic ", 0}
	quic2 = quicVersion{0x6b3343cf, []byte{
		0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9,
	}, "quicv2 ", 1}
)

// cryptoFrame carries a part of a ClientHello.
func cryptoFrame(offset int, data []byte) []byte {
	b := []byte{6}
	b = binary.BigEndian.AppendUint16(b, uint16(offset)|0x4000)
	b = binary.BigEndian.AppendUint16(b, uint16(len(data))|0x4000)
	return append(b, data...)
}

// seal makes an Initial packet of a client. The keys come from first, the
// connection ID that the client chose; id is the one in this packet.
func (v quicVersion) seal(t testing.TB, first, id []byte, number byte, frames ...[]byte) []byte {
	t.Helper()
	plain := slices.Concat(frames...)
	plain = append(plain, make([]byte, max(0, 1100-len(plain)))...)
	head := []byte{0xc0 | v.kind<<4}
	head = binary.BigEndian.AppendUint32(head, v.number)
	head = append(append(head, byte(len(id))), id...)
	head = append(head, 0, 0) // no ID of its own, no token
	head = binary.BigEndian.AppendUint16(head, uint16(1+len(plain)+16)|0x4000)
	at := len(head)
	head = append(head, number)

	secret := derive(t, extract(t, first, v.salt), "client in", 32)
	nonce := derive(t, secret, v.prefix+"iv", 12)
	nonce[11] ^= number
	aead, err := cipher.NewGCM(newAES(t, derive(t, secret, v.prefix+"key", 16)))
	if err != nil {
		t.Fatal(err)
	}
	out := aead.Seal(head, nonce, plain, head)
	mask := make([]byte, 16)
	newAES(t, derive(t, secret, v.prefix+"hp", 16)).Encrypt(mask, out[at+4:at+20])
	out[0] ^= mask[0] & 0x0f
	out[at] ^= mask[1]
	return out
}

func extract(t testing.TB, id, salt []byte) []byte {
	t.Helper()
	b, err := hkdf.Extract(sha256.New, id, salt)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func derive(t testing.TB, secret []byte, label string, n int) []byte {
	t.Helper()
	info := append([]byte{0, byte(n), byte(6 + len(label))}, "tls13 "+label+"\x00"...)
	b, err := hkdf.Expand(sha256.New, secret, string(info), n)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newAES(t testing.TB, key []byte) cipher.Block {
	t.Helper()
	b, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestQUICNames(t *testing.T) {
	hello := helloFor(t, "quic.example.com")[5:]
	id, other := []byte("firstid1"), []byte("otherid22")
	half := len(hello) / 2
	for name, tt := range map[string]struct {
		packets [][]byte
		want    string
	}{
		"version 1": {[][]byte{quic1.seal(t, id, id, 0, cryptoFrame(0, hello))}, "quic.example.com"},
		"version 2": {[][]byte{quic2.seal(t, id, id, 0, cryptoFrame(0, hello))}, "quic.example.com"},
		"frames out of order": {[][]byte{
			quic1.seal(t, id, id, 0, cryptoFrame(half, hello[half:]), []byte{1, 0, 0}, cryptoFrame(0, hello[:half])),
		}, "quic.example.com"},
		"two packets, the second one first": {[][]byte{
			quic1.seal(t, id, id, 1, cryptoFrame(half, hello[half:])), quic1.seal(t, id, id, 0, cryptoFrame(0, hello[:half])),
		}, "quic.example.com"},
		"the server's ID in the second packet": {[][]byte{
			quic1.seal(t, id, id, 0, cryptoFrame(0, hello[:half])), quic1.seal(t, id, other, 1, cryptoFrame(half, hello[half:])),
		}, "quic.example.com"},
		"another ID after a Retry": {[][]byte{
			quic1.seal(t, id, id, 0, cryptoFrame(0, hello[:half])), quic1.seal(t, other, other, 1, cryptoFrame(half, hello[half:])),
		}, "quic.example.com"},
		"behind an acknowledgement": {[][]byte{
			quic1.seal(t, id, id, 0, []byte{2, 1, 0, 1, 0, 2, 3}, cryptoFrame(0, hello)),
		}, "quic.example.com"},
		"half of it":     {[][]byte{quic1.seal(t, id, id, 0, cryptoFrame(half, hello[half:]))}, ""},
		"the wrong keys": {[][]byte{quic1.seal(t, other, id, 0, cryptoFrame(0, hello))}, ""},
	} {
		made := newPcap()
		for _, p := range tt.packets {
			made.udp("192.0.2.9:50000", "198.51.100.7:443", p)
		}
		list := made.flows(t)
		if len(list) != 1 || list[0].Name != tt.want {
			t.Errorf("%s: got %+v, want the name %q", name, list, tt.want)
		}
	}
}
