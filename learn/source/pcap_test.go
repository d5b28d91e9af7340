package source_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"tripline/learn"
	"tripline/learn/source"
)

const pcapFixtures = "../../testdata/source/pcap/"

// okPcap has one of each kind of connection.
func okPcap(t testing.TB) *pcapMaker {
	c := newPcap()
	c.frame(append(make([]byte, 12), 0x08, 0x06, 0, 1)) // ARP
	c.answer("192.0.2.9:40001", "192.0.2.1:53", "api.example.com", "edge.example.net", "198.51.100.7", "2001:db8:7::7")
	c.dial("192.0.2.9:50001", "198.51.100.7:443").say(helloFor(t, "api.example.com")).hear(make([]byte, 1000)).end()
	c.dial("192.0.2.9:50002", "198.51.100.8:80").say([]byte("GET / HTTP/1.1\r\nHost: www.example.org:80\r\n\r\n")).hear(make([]byte, 100)).end()
	c.dial("192.0.2.9:50003", "198.51.100.9:3128").say([]byte("CONNECT git.example.com:443 HTTP/1.1\r\n\r\n")).end()
	c.udp("192.0.2.9:50004", "198.51.100.7:443", quic1.seal(t, []byte("firstid1"), []byte("firstid1"), 0, cryptoFrame(0, helloFor(t, "quic.example.com")[5:])))
	c.dial("[2001:db8:1::9]:50005", "[2001:db8:7::7]:443").say(helloFor(t, "six.example.com")).end()
	c.dial("203.0.113.5:50006", "192.0.2.10:22").say([]byte("SSH-2.0-example\r\n"))
	c.udp("192.0.2.9:5353", "224.0.0.251:5353", []byte("hello"))
	c.frame(ether(ip(1, netip.MustParseAddr("192.0.2.9"), netip.MustParseAddr("198.51.100.7"), []byte{8, 0, 0, 0, 0, 9, 0, 1})))
	c.frame(ether(ip(1, netip.MustParseAddr("192.0.2.9"), netip.MustParseAddr("198.51.100.8"), []byte{3, 3, 0, 0, 0, 0, 0, 0})))
	c.dial("192.0.2.9:50007", "192.0.2.20:5432").say([]byte{0, 0, 0, 8, 4, 210, 22, 47}) // inside, and counted
	return c
}

func TestPcapGolden(t *testing.T) {
	path := pcapFixtures + "ok.pcap"
	if _, err := os.Stat(path); err != nil && *update {
		if err := os.WriteFile(path, okPcap(t).Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var got bytes.Buffer
	enc := json.NewEncoder(&got)
	list, bad := readCapture(t, path, source.StreamOptions{Options: home})
	for _, e := range bad {
		_ = enc.Encode(map[string]any{"packet": e.Line, "cause": e.Cause}) // to memory
	}
	for _, r := range list {
		m := shownRecord(&r)
		for _, no := range []string{"act", "action", "direction", "rule", "number", "length", "reason"} {
			delete(m, no)
		}
		m["up"], m["down"], m["name"], m["by"] = r.Up, r.Down, r.Name, r.Evidence.String()
		if r.Answer != nil {
			m["answer"] = r.Answer
		}
		_ = enc.Encode(m)
	}
	golden(t, pcapFixtures+"ok.jsonl", got.Bytes())
}

var alike = cmp.Options{cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty()}

// links are how a packet of IP is put into a frame of a link layer.
var links = map[string]struct {
	number uint32
	header func(ip []byte) []byte
}{
	"raw":            {101, func([]byte) []byte { return nil }},
	"raw of OpenBSD": {14, func([]byte) []byte { return nil }},
	"loopback of Linux": {0, func(ip []byte) []byte {
		if ip[0]>>4 == 6 {
			return []byte{10, 0, 0, 0}
		}
		return []byte{2, 0, 0, 0}
	}},
	"loopback of OpenBSD": {108, func(ip []byte) []byte {
		if ip[0]>>4 == 6 {
			return []byte{0, 0, 0, 24}
		}
		return []byte{0, 0, 0, 2}
	}},
	"cooked":   {113, func(ip []byte) []byte { return append(make([]byte, 14), ether(ip)[12:14]...) }},
	"cooked 2": {276, func(ip []byte) []byte { return append(append([]byte(nil), ether(ip)[12:14]...), make([]byte, 18)...) }},
	"VLAN":     {1, func(ip []byte) []byte { return append(append(make([]byte, 12), 0x81, 0, 0, 20), ether(ip)[12:14]...) }},
	"QinQ": {1, func(ip []byte) []byte {
		return append(append(make([]byte, 12), 0x88, 0xa8, 0, 20, 0x81, 0, 0, 30), ether(ip)[12:14]...)
	}},
	"PPPoE": {1, func(ip []byte) []byte {
		b := append(make([]byte, 12), 0x88, 0x64, 0x11, 0, 0, 1, byte((len(ip)+2)>>8), byte(len(ip)+2))
		if ip[0]>>4 == 6 {
			return append(b, 0, 0x57)
		}
		return append(b, 0, 0x21)
	}},
	"PPP with HDLC": {9, func(ip []byte) []byte {
		if ip[0]>>4 == 6 {
			return []byte{0xff, 3, 0, 0x57}
		}
		return []byte{0xff, 3, 0x21}
	}},
	"log of pf": {117, func(ip []byte) []byte {
		b := make([]byte, 64)
		b[0], b[1] = 61, 2
		if ip[0]>>4 == 6 {
			b[1] = 30
		}
		return b
	}},
	"log of Linux": {239, func(ip []byte) []byte {
		b := []byte{2, 0, 0, 7, 8, 0, 10, 0, 'o', 'u', 't', 0, 5, 0, 1, 0, 9, 0, 0, 0}
		if ip[0]>>4 == 6 {
			b[0] = 10
		}
		return append(b, byte(len(ip)+4), byte((len(ip)+4)>>8), 9, 0)
	}},
	"MPLS": {1, func([]byte) []byte { return append(make([]byte, 12), 0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64) }},
	"SNAP": {1, func(ip []byte) []byte {
		return append(append(make([]byte, 12), 0, 100, 0xaa, 0xaa, 3, 0, 0, 0), ether(ip)[12:14]...)
	}},
}

// packets returns the packets of IP on it, and their times.
func (t *pcapMaker) packets() (list [][]byte, times []uint64) {
	for b := t.Bytes()[24:]; len(b) > 0; {
		n := binary.LittleEndian.Uint32(b[8:])
		if b[16+12] == 0x08 && b[16+13] == 0 || b[16+12] == 0x86 {
			list = append(list, b[16+14:16+n])
			times = append(times, uint64(binary.LittleEndian.Uint32(b))*1e6+uint64(binary.LittleEndian.Uint32(b[4:])))
		}
		b = b[16+n:]
	}
	return list, times
}

func TestEveryLinkLayerShowsTheSameFlows(t *testing.T) {
	ok := okPcap(t)
	packets, _ := ok.packets()
	want, _ := readCapture(t, "-", source.StreamOptions{Options: home, Stdin: bytes.NewReader(ok.Bytes())})
	for name, l := range links {
		c := newPcap()
		binary.LittleEndian.PutUint32(c.Bytes()[20:], l.number)
		c.now = c.now.Add(1e6) // where the packet that is no IP was
		for _, p := range packets {
			c.frame(append(l.header(p), p...))
		}
		if diff := cmp.Diff(want, c.records(t), alike); diff != "" {
			t.Errorf("%s (-Ethernet +it):\n%s", name, diff)
		}
	}
}

// pcapng writes the packets of it as the other format.
func (t *pcapMaker) pcapng(order binary.AppendByteOrder, resolution byte, ticks func(micros uint64) uint64) []byte {
	block := func(kind uint32, body []byte) []byte {
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
		b := order.AppendUint32(order.AppendUint32(nil, kind), uint32(len(body)+12))
		return order.AppendUint32(append(b, body...), uint32(len(body)+12))
	}
	section := order.AppendUint32(nil, 0x1a2b3c4d)
	section = append(section, make([]byte, 12)...)
	face := order.AppendUint32(order.AppendUint16(order.AppendUint16(nil, 101), 0), 0)
	face = append(order.AppendUint16(order.AppendUint16(face, 2), 3), 'e', 'm', '1', 0)
	face = append(order.AppendUint16(order.AppendUint16(face, 9), 1), resolution, 0, 0, 0)
	out := append(block(0x0a0d0d0a, section), block(1, face)...)
	list, times := t.packets()
	for i, p := range list {
		at := ticks(times[i])
		body := order.AppendUint32(nil, 0)
		for _, v := range []uint32{uint32(at >> 32), uint32(at), uint32(len(p)), uint32(len(p))} {
			body = order.AppendUint32(body, v)
		}
		out = append(out, block(6, append(body, p...))...)
		out = append(out, block(0xbad, []byte("of a kind that nobody knows"))...)
	}
	return out
}

func TestPcapngShowsTheSameFlows(t *testing.T) {
	ok := okPcap(t)
	want, _ := readCapture(t, "-", source.StreamOptions{Options: home, Stdin: bytes.NewReader(ok.Bytes())})
	for i := range want {
		want[i].Interface = "em1"
	}
	for name, text := range map[string][]byte{
		"little endian, microseconds": ok.pcapng(binary.LittleEndian, 6, func(us uint64) uint64 { return us }),
		"big endian, nanoseconds":     ok.pcapng(binary.BigEndian, 9, func(us uint64) uint64 { return us * 1000 }),
		"ticks of 10 ns":              ok.pcapng(binary.LittleEndian, 8, func(us uint64) uint64 { return us * 100 }),
		"2 to the power of -30":       ok.pcapng(binary.BigEndian, 0x80|30, func(us uint64) uint64 { return us/1e6<<30 + (us%1e6<<30+999_999)/1e6 }),
	} {
		got, _ := readCapture(t, "-", source.StreamOptions{Options: home, Stdin: bytes.NewReader(text)})
		for i := range got {
			got[i].Time = got[i].Time.Round(1e3)
			if got[i].Answer != nil {
				got[i].Answer.Time = got[i].Answer.Time.Round(1e3)
			}
		}
		if diff := cmp.Diff(want, got, alike); diff != "" {
			t.Errorf("%s (-pcap +it):\n%s", name, diff)
		}
	}
}

func TestCompressedCapturesShowTheSameFlows(t *testing.T) {
	ok := okPcap(t)
	want, _ := readCapture(t, ok.file(t, "plain.pcap"), source.StreamOptions{Options: home})
	for name, pack := range map[string]func(io.Writer) io.WriteCloser{
		"gz": func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		"zst": func(w io.Writer) io.WriteCloser {
			z, err := zstd.NewWriter(w)
			if err != nil {
				t.Fatal(err)
			}
			return z
		},
	} {
		packed := &pcapMaker{}
		w := pack(packed)
		if _, err := w.Write(ok.Bytes()); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		got, _ := readCapture(t, packed.file(t, "x.pcap."+name), source.StreamOptions{Options: home})
		if diff := cmp.Diff(want, got, alike); diff != "" {
			t.Errorf("%s (-plain +it):\n%s", name, diff)
		}
	}
}

// However a hello is cut into segments, and in whatever order they come, it says
// the same.
func TestHelloAcrossSegments(t *testing.T) {
	for _, hello := range [][]byte{helloFor(t, "api.example.com"), twoRecords(helloFor(t, "api.example.com"))} {
		for size := 1; size < len(hello); size += 1 + size/3 {
			for _, backwards := range []bool{false, true} {
				c := newPcap()
				d := c.dial("192.0.2.9:50001", "198.51.100.7:443")
				pieces := slices.Collect(slices.Chunk(hello, size))
				if len(pieces) > 30 && backwards {
					continue // more holes than are kept
				}
				for i := range pieces {
					if backwards {
						i = len(pieces) - 1 - i
					}
					c.frame(ether(segment(d.client, d.server, tcpACK, d.up+uint32(i*size), pieces[i])))
				}
				if list := c.flows(t); len(list) != 1 || list[0].Name != "api.example.com" || list[0].Evidence != learn.SNI {
					t.Fatalf("in pieces of %d, backwards %v: got %+v", size, backwards, list)
				}
			}
		}
	}
}

// twoRecords spreads a ClientHello over two records.
func twoRecords(hello []byte) []byte {
	body := hello[5:]
	one, two := body[:len(body)/3], body[len(body)/3:]
	out := append([]byte{22, 3, 1, byte(len(one) >> 8), byte(len(one))}, one...)
	return append(append(out, 22, 3, 3, byte(len(two)>>8), byte(len(two))), two...)
}

func TestFragmentsArePutTogether(t *testing.T) {
	src, dst := netip.MustParseAddrPort("192.0.2.9:40001"), netip.MustParseAddrPort("192.0.2.1:53")
	whole := datagram(dst, src, message("long.example.com", true, "198.51.100.7", "198.51.100.8", "198.51.100.9"))
	payload := whole[20:]
	part := func(from, to int, more bool) []byte {
		p := ip(17, dst.Addr(), src.Addr(), payload[from:to])
		binary.BigEndian.PutUint16(p[6:], uint16(from/8))
		if more {
			p[6] |= 0x20
		}
		return ether(p)
	}
	for name, order := range map[string][]int{"in order": {0, 1, 2}, "backwards": {2, 1, 0}, "one twice": {0, 0, 2, 1}} {
		c := newPcap()
		for _, i := range order {
			c.frame([][]byte{part(0, 24, true), part(24, 48, true), part(48, len(payload), false)}[i])
		}
		list := c.records(t)
		if len(list) != 2 || list[0].Answer == nil || list[0].Answer.Name != "long.example.com" || len(list[0].Answer.Addrs) != 3 {
			t.Errorf("%s: got %+v, want an answer with three addresses", name, list)
		}
	}
}

// A capture that is read up to any record, and then by another stream, gives the
// same records as one that is read at once.
func TestCaptureIsReadOnFromItsCursor(t *testing.T) {
	path := okPcap(t).file(t, "x.pcap")
	want, _ := readCapture(t, path, source.StreamOptions{Options: home})
	for n := range len(want) + 1 {
		first := openPcap(t, path, nil, source.StreamOptions{Options: home})
		got := readOn(t, first, n)
		cursor, err := first.Cursor()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, readOn(t, openPcap(t, path, cursor, source.StreamOptions{Options: home}), -1)...)
		if diff := cmp.Diff(want, got, alike); diff != "" {
			t.Errorf("cut after %d (-at once +cut):\n%s", n, diff)
		}
	}
}

// What was read is not read again: not by its name, not by another one, not when
// there is more of it.
func TestCaptureIsNotReadTwice(t *testing.T) {
	c := okPcap(t)
	path := c.file(t, "x.pcap")
	o := source.StreamOptions{Options: home}
	st := openPcap(t, path, nil, o)
	all := readOn(t, st, -1)
	cursor, err := st.Cursor()
	if err != nil {
		t.Fatal(err)
	}
	if again := readOn(t, openPcap(t, path, cursor, o), -1); len(again) > 0 {
		t.Errorf("by its name: got %d records again", len(again))
	}
	o.Known = [][]byte{cursor}
	copied := openPcap(t, c.file(t, "y.pcap"), nil, o)
	if again := readOn(t, copied, -1); len(again) > 0 || copied.Stats().Known == 0 {
		t.Errorf("by another name: got %d records again, stats %+v", len(again), copied.Stats())
	}
	c.dial("192.0.2.9:50099", "198.51.100.77:443").say(helloFor(t, "more.example.com")).end()
	if err := os.WriteFile(path, c.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	more := readOn(t, openPcap(t, path, cursor, o), -1)
	if len(more) != 1 || more[0].Name != "more.example.com" {
		t.Errorf("grown: got %+v, want the new flow", more)
	}
	other := newPcap()
	other.dial("192.0.2.9:50001", "198.51.100.8:443").end()
	if err := os.WriteFile(path, other.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := readOn(t, openPcap(t, path, cursor, o), -1); len(got) != 1 || len(all) == 1 {
		t.Errorf("another capture of that name: got %d records, want 1", len(got))
	}
}

func openPcap(t testing.TB, path string, cursor []byte, o source.StreamOptions) source.Stream {
	t.Helper()
	s, err := source.Find("pcap")
	if err != nil {
		t.Fatal(err)
	}
	st, err := source.Open(s, path, cursor, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() }) // it was only read
	return st
}

// readOn reads n records, or all that there are; packets of others are left out.
func readOn(t testing.TB, st source.Stream, n int) (list []source.Record) {
	t.Helper()
	for len(list) != n {
		var r source.Record
		err := st.Next(&r)
		var e *source.RecordError
		switch {
		case errors.Is(err, io.EOF):
			return list
		case errors.As(err, &e) && e.Cause == source.OtherProgram:
		case err != nil:
			t.Fatal(err)
		default:
			list = append(list, r)
		}
	}
	return list
}

// While a capture is followed, a flow is told when its name is known, once.
func TestFollowedCaptureTellsEarly(t *testing.T) {
	c := newPcap()
	path := c.file(t, "x.pcap")
	st := openPcap(t, path, nil, source.StreamOptions{Options: home, Follow: true})
	if got := readOn(t, st, -1); len(got) > 0 {
		t.Fatalf("got %+v of an empty capture", got)
	}
	grow := func() []source.Record {
		if err := os.WriteFile(path, c.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return readOn(t, st, -1)
	}
	d := c.dial("192.0.2.9:50001", "198.51.100.7:443").say(helloFor(t, "api.example.com"))
	if got := grow(); len(got) != 1 || !got[0].Counted || got[0].Name != "api.example.com" {
		t.Errorf("after the hello: got %+v, want the flow", got)
	}
	d.hear(make([]byte, 900)).end()
	if got := grow(); len(got) != 0 {
		t.Errorf("later: got %+v", got)
	}
	c.now = c.now.Add(10e9)
	c.udp("192.0.2.9:5353", "224.0.0.251:5353", []byte("hello"))
	if got := grow(); len(got) != 2 || got[0].Why != source.Ended || got[0].Down < 900 {
		t.Errorf("at its end: got %+v, want the rest of its bytes", got)
	}
}

func TestCaptureErrorsSayWhere(t *testing.T) {
	ok := okPcap(t).Bytes()
	damaged := slices.Clone(ok)
	binary.LittleEndian.PutUint32(damaged[24+8:], 1<<30)
	for name, tt := range map[string]struct {
		text []byte
		want string
	}{
		"a log":   {[]byte("Mar 28 12:00:00 fw filterlog: 5,,,1"), "read standard input: not a packet capture"},
		"damaged": {damaged, "read standard input: damaged after 0 packets (byte 24): a packet of 1073741824 bytes"},
	} {
		st := openPcap(t, "-", nil, source.StreamOptions{Stdin: bytes.NewReader(tt.text)})
		var r source.Record
		err := st.Next(&r)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s: got %v, want %s", name, err, tt.want)
		}
	}
	s, err := source.Find("pcap")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := source.Open(s, filepath.Join(t.TempDir(), "no.pcap"), nil, source.StreamOptions{}); err == nil {
		t.Error("a file that is not there was opened")
	}
}

// FuzzPcap holds the promises of a source on any bytes.
func FuzzPcap(f *testing.F) {
	ok := okPcap(f)
	f.Add(ok.Bytes())
	f.Add(ok.pcapng(binary.LittleEndian, 6, func(us uint64) uint64 { return us }))
	f.Add(ok.pcapng(binary.BigEndian, 9, func(us uint64) uint64 { return us }))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, early := range []bool{false, true} {
			o := source.StreamOptions{Options: home, Stdin: bytes.NewReader(text)}
			o.Early = early
			list, bad := readCapture(t, "-", o)
			for _, e := range bad {
				if e.Cause == "" || e.Source != "pcap" || e.Line == 0 {
					t.Errorf("got error %#v, want source, packet and cause", e)
				}
			}
			for i := range list {
				promisesOfACapture(t, &list[i])
			}
		}
	})
}

func promisesOfACapture(t *testing.T, r *source.Record) {
	promisesOfARecord(t, r)
	if r.Name != "" {
		if name, ok := learn.CanonicalName(r.Name); !ok || name != r.Name || r.Evidence == learn.Unnamed {
			t.Errorf("got the name %q by %v, want a canonical one", r.Name, r.Evidence)
		}
	}
	if r.Answer != nil && (r.Counted || r.Answer.Name == "" || !r.Answer.Client.IsValid()) {
		t.Errorf("got %+v, want an answer to somebody that is not counted", r)
	}
}
