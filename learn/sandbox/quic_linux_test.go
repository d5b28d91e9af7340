package sandbox

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"tripline/learn"
)

// hello is what a client of QUIC says first, as crypto/tls says it.
func hello(t *testing.T, name string) []byte {
	t.Helper()
	c := tls.QUICClient(&tls.QUICConfig{TLSConfig: &tls.Config{ServerName: name, MinVersion: tls.VersionTLS13}})
	c.SetTransportParameters(nil)
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for e := c.NextEvent(); e.Kind != tls.QUICNoEvent; e = c.NextEvent() {
		if e.Kind == tls.QUICWriteData {
			return append([]byte(nil), e.Data...)
		}
	}
	t.Fatal("no hello")
	return nil
}

// initialPacket carries a part of a hello (RFC 9000, section 17.2.2; RFC 9001, section 5).
func initialPacket(t *testing.T, id string, number byte, offset int, data []byte) []byte {
	t.Helper()
	return initialAs(t, 0xc0, id, number, offset, data)
}

// initialAs is one with the first byte of choice.
func initialAs(t *testing.T, first byte, id string, number byte, offset int, data []byte) []byte {
	t.Helper()
	key := func(from []byte, label string, n int) []byte {
		label = "tls13 " + label
		k, err := hkdf.Expand(sha256.New, from, string([]byte{0, byte(n), byte(len(label))})+label+"\x00", n)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	initial, err := hkdf.Extract(sha256.New, []byte(id), []byte("\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a"))
	if err != nil {
		t.Fatal(err)
	}
	secret := key(initial, "client in", 32)
	block := func(label string) cipher.Block {
		b, err := aes.NewCipher(key(secret, label, 16))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	aead, err := cipher.NewGCM(block("quic key"))
	if err != nil {
		t.Fatal(err)
	}
	plain := binary.BigEndian.AppendUint16([]byte{6}, 0x4000|uint16(offset)) // CRYPTO
	plain = append(binary.BigEndian.AppendUint16(plain, 0x4000|uint16(len(data))), data...)
	plain = append(plain, make([]byte, max(0, 1150-len(plain)))...)
	head := append([]byte{first, 0, 0, 0, 1, byte(len(id))}, id...)
	head = append(head, 0, 0)
	head = binary.BigEndian.AppendUint16(head, 0x4000|uint16(1+len(plain)+16))
	at := len(head)
	nonce := key(secret, "quic iv", 12)
	nonce[11] ^= number
	head = append(head, number)
	packet := append(head, aead.Seal(nil, nonce, plain, head)...)
	var mask [16]byte
	block("quic hp").Encrypt(mask[:], packet[at+4:at+20])
	packet[0] ^= mask[0] & 0xf
	packet[at] ^= mask[1]
	return packet
}

// The name in a hello of two datagrams is seen before the first of them leaves, and
// so is that of a second connection between the same ends.
func TestNameInQUICIsDecidedOn(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	l := newLab(t, Options{
		Dial: dialTo(netip.MustParseAddrPort(pc.LocalAddr().String())),
		Decide: func(f *learn.Flow) Decision {
			if f.Name == "" || f.Name == "good.example" {
				return Admit
			}
			return Refuse
		},
	})
	speak := func(port uint16, names ...string) (got int) {
		c, err := gonet.DialUDP(l.client, nil, &tcpip.FullAddress{NIC: nic, Addr: address(netip.MustParseAddr("203.0.113.5")), Port: port}, header.IPv4ProtocolNumber)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		buf := make([]byte, 2048)
		for _, name := range names {
			h := hello(t, name)
			if len(h) < 1200 {
				t.Fatalf("a hello of %d bytes is in one datagram", len(h))
			}
			half := len(h) / 2
			c.Write(initialPacket(t, "of "+name, 1, half, h[half:]))
			c.Write(initialPacket(t, "of "+name, 0, 0, h[:half]))
			for range 2 {
				pc.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
				if _, _, err := pc.ReadFrom(buf); err == nil {
					got++
				}
			}
		}
		return got
	}
	for i, names := range [][]string{{"good.example"}, {"bad.example"}, {"good.example", "bad.example"}} {
		want := map[string]int{"good.example": 2}[names[0]]
		if len(names) > 1 {
			want++ // half a hello, which is no name yet
		}
		if got := speak(uint16(443+i), names...); got != want {
			t.Errorf("%v: %d datagrams left, want %d", names, got, want)
		}
	}
	for _, f := range l.told(3) { // of two names in one exchange each is told
		if want := map[string]learn.Action{"good.example": learn.Pass, "bad.example": learn.Refused}[f.Name]; f.Evidence != learn.QUIC || f.Action != want {
			t.Errorf("got %+v", f)
		}
	}
}

// A hello that comes while an exchange ends is looked at as any other.
func TestNameInTheLastDatagramIsDecidedOn(t *testing.T) {
	l := newLab(t, Options{Decide: func(f *learn.Flow) Decision {
		if f.Name == "bad.example" {
			return Refuse
		}
		return Admit
	}})
	for name, want := range map[string]bool{"good.example": true, "bad.example": false} {
		out, server := net.Pipe()
		defer server.Close()
		got := make(chan []byte, 1)
		go func() {
			data := make([]byte, 1<<16)
			n, _ := server.Read(data)
			got <- data[:n]
		}()
		e := &exchange{in: make(chan []byte, 1)}
		e.in <- initialPacket(t, "of "+name, 0, 0, hello(t, name))
		admitted := l.box.udp.rest(e, &talk{b: l.box}, out)
		out.Close()
		if sent := len(<-got) > 0; admitted != want || sent != want {
			t.Errorf("%s: admitted %v, sent %v", name, admitted, sent)
		}
	}
}

// However a hello comes that servers of QUIC put together, its name is seen before the
// last piece of it leaves.
func TestNameInQUICIsSeenHoweverItComes(t *testing.T) {
	good, evil := hello(t, "good.example"), hello(t, "evil.example")
	half := len(evil) / 2
	first, second := initialPacket(t, "evil", 0, 0, evil[:half]), initialPacket(t, "evil", 1, half, evil[half:])
	begun := initialPacket(t, "good", 0, 0, good[:len(good)-1])
	junk := append([]byte{0xc0, 0, 0, 0, 1, 4, 'j', 'u', 'n', 'k', 0, 0, 0x40, 100}, make([]byte, 100)...)
	early := append([]byte{0xd0, 0, 0, 0, 1, 4, 'e', 'v', 'i', 'l', 0, 0x40, 100}, make([]byte, 100)...)
	for how, datagrams := range map[string][][]byte{
		"whole":                        {initialPacket(t, "evil", 0, 0, evil)},
		"around another connection":    {first, initialPacket(t, "good", 0, 0, good), second},
		"while another one begins":     {begun, initialPacket(t, "evil", 0, 0, evil)},
		"behind the hello of another":  {append(initialPacket(t, "good", 0, 0, good), initialPacket(t, "evil", 0, 0, evil)...)},
		"behind early data":            {append(early, initialPacket(t, "evil", 0, 0, evil)...)},
		"without the fixed bit":        {initialAs(t, 0x80, "evil", 0, 0, evil)},
		"around what nobody can read":  append(append([][]byte{first}, slices.Repeat([][]byte{junk}, 40)...), second),
		"around its own first piece":   {first, first, second},
		"the second piece comes first": {second, first},
	} {
		l := newLab(t, Options{Decide: notEvil})
		talk, refused := &talk{b: l.box}, -1
		for i, d := range datagrams {
			if !talk.says(d) {
				refused = i
				break
			}
		}
		if refused != len(datagrams)-1 {
			t.Errorf("%s: datagram %d of %d is refused, want the last", how, refused, len(datagrams))
		}
	}
}
