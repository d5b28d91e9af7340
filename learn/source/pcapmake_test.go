package source_test

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"tripline/learn/source"
)

// A pcapMaker is a capture in the making: pcap, Ethernet, microseconds.
type pcapMaker struct {
	bytes.Buffer
	now time.Time
}

// began is when the captures of the tests began.
var began = time.Date(2026, time.March, 28, 12, 0, 0, 0, time.UTC)

func newPcap() *pcapMaker {
	t := &pcapMaker{now: began}
	for _, v := range []any{uint32(0xa1b2c3d4), uint16(2), uint16(4), uint64(0), uint32(262144), uint32(1)} {
		_ = binary.Write(t, binary.LittleEndian, v) // to memory
	}
	return t
}

// frame adds a packet, and lets a millisecond pass.
func (t *pcapMaker) frame(b []byte) {
	at := t.now.UnixMicro()
	for _, v := range []uint32{uint32(at / 1e6), uint32(at % 1e6), uint32(len(b)), uint32(len(b))} {
		_ = binary.Write(t, binary.LittleEndian, v)
	}
	t.Write(b)
	t.now = t.now.Add(time.Millisecond)
}

// ether puts a packet of IP into a frame.
func ether(ip []byte) []byte {
	kind := []byte{0x08, 0x00}
	if ip[0]>>4 == 6 {
		kind = []byte{0x86, 0xdd}
	}
	return append(append(make([]byte, 12, 14+len(ip)), kind...), ip...)
}

// ip puts a payload into a packet of IP.
func ip(proto byte, src, dst netip.Addr, payload []byte) []byte {
	if src.Is6() {
		head := []byte{0x60, 0, 0, 0, byte(len(payload) >> 8), byte(len(payload)), proto, 64}
		return bytes.Join([][]byte{head, src.AsSlice(), dst.AsSlice(), payload}, nil)
	}
	n := 20 + len(payload)
	head := []byte{0x45, 0, byte(n >> 8), byte(n), 0, 1, 0, 0, 64, proto, 0, 0}
	return bytes.Join([][]byte{head, src.AsSlice(), dst.AsSlice(), payload}, nil)
}

func datagram(src, dst netip.AddrPort, payload []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, src.Port())
	b = binary.BigEndian.AppendUint16(b, dst.Port())
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(payload)))
	b = append(b, 0, 0)
	return ip(17, src.Addr(), dst.Addr(), append(b, payload...))
}

const (
	tcpFIN = 1
	tcpSYN = 2
	tcpRST = 4
	tcpACK = 16
)

func segment(src, dst netip.AddrPort, flags byte, seq uint32, payload []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, src.Port())
	b = binary.BigEndian.AppendUint16(b, dst.Port())
	b = binary.BigEndian.AppendUint32(b, seq)
	b = append(b, 0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0)
	return ip(6, src.Addr(), dst.Addr(), append(b, payload...))
}

// A dialogue is a connection of TCP.
type dialogue struct {
	t              *pcapMaker
	client, server netip.AddrPort
	up, down       uint32
}

// dial opens a connection.
func (t *pcapMaker) dial(client, server string) *dialogue {
	d := &dialogue{t, netip.MustParseAddrPort(client), netip.MustParseAddrPort(server), 1000, 5000}
	t.frame(ether(segment(d.client, d.server, tcpSYN, d.up, nil)))
	t.frame(ether(segment(d.server, d.client, tcpSYN|tcpACK, d.down, nil)))
	d.up, d.down = d.up+1, d.down+1
	return d
}

func (d *dialogue) say(b []byte) *dialogue {
	d.t.frame(ether(segment(d.client, d.server, tcpACK, d.up, b)))
	d.up += uint32(len(b))
	return d
}

func (d *dialogue) hear(b []byte) *dialogue {
	d.t.frame(ether(segment(d.server, d.client, tcpACK, d.down, b)))
	d.down += uint32(len(b))
	return d
}

func (d *dialogue) end() {
	d.t.frame(ether(segment(d.client, d.server, tcpFIN|tcpACK, d.up, nil)))
	d.t.frame(ether(segment(d.server, d.client, tcpFIN|tcpACK, d.down, nil)))
}

// answer adds a question and its answer.
func (t *pcapMaker) answer(client, server, name string, addrs ...string) {
	c, s := netip.MustParseAddrPort(client), netip.MustParseAddrPort(server)
	t.frame(ether(datagram(c, s, message(name, false))))
	t.frame(ether(datagram(s, c, message(name, true, addrs...))))
}

// udp adds a datagram.
func (t *pcapMaker) udp(from, to string, payload []byte) {
	t.frame(ether(datagram(netip.MustParseAddrPort(from), netip.MustParseAddrPort(to), payload)))
}

// file writes the capture into a file.
func (t *pcapMaker) file(tb testing.TB, name string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(path, t.Bytes(), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// records reads the capture; all packets can be read.
func (t *pcapMaker) records(tb testing.TB) []source.Record {
	tb.Helper()
	list, bad := readCapture(tb, "-", source.StreamOptions{Options: home, Stdin: bytes.NewReader(t.Bytes())})
	if len(bad) > 0 {
		tb.Errorf("got %v, want all packets read", bad[0])
	}
	return list
}

// flows reads the capture and returns what is counted in it.
func (t *pcapMaker) flows(tb testing.TB) (list []source.Record) {
	tb.Helper()
	for _, r := range t.records(tb) {
		if r.Counted {
			list = append(list, r)
		}
	}
	return list
}

// message is one of DNS; what is no address is an alias.
func message(name string, response bool, data ...string) []byte {
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: 7, Response: response})
	b.EnableCompression()
	owner := dnsmessage.MustNewName(name + ".")
	must(b.StartQuestions())
	must(b.Question(dnsmessage.Question{Name: owner, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}))
	must(b.StartAnswers())
	for _, text := range data {
		head := dnsmessage.ResourceHeader{Name: owner, Class: dnsmessage.ClassINET, TTL: 300}
		a, err := netip.ParseAddr(text)
		switch {
		case err != nil:
			owner = dnsmessage.MustNewName(text + ".")
			must(b.CNAMEResource(head, dnsmessage.CNAMEResource{CNAME: owner}))
		case a.Is4():
			must(b.AResource(head, dnsmessage.AResource{A: a.As4()}))
		default:
			must(b.AAAAResource(head, dnsmessage.AAAAResource{AAAA: a.As16()}))
		}
	}
	out, err := b.Finish()
	must(err)
	return out
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// helloFor is what Go's own client says first to a server of that name.
func helloFor(t testing.TB, name string) []byte {
	t.Helper()
	client, server := net.Pipe()
	defer server.Close()
	go func() {
		_ = tls.Client(client, &tls.Config{ServerName: name}).Handshake() // fails: nobody answers
	}()
	head := make([]byte, 5)
	if _, err := io.ReadFull(server, head); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, binary.BigEndian.Uint16(head[3:]))
	if _, err := io.ReadFull(server, body); err != nil {
		t.Fatal(err)
	}
	return append(head, body...)
}
