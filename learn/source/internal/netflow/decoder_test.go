package netflow_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	goflow "github.com/netsampler/goflow2/v2/decoders/netflow"

	"tripline/learn/source/internal/netflow"
	"tripline/learn/source/internal/scan"
)

const samples = "../../../../../shared/data/traffic/netflow/logstash-codec/*.dat"

// drain reads a datagram to its end.
func drain(t testing.TB, d *netflow.Decoder, each func(*netflow.Record)) (faults []scan.Cause) {
	t.Helper()
	for {
		var r netflow.Record
		err := d.Next(&r)
		if errors.Is(err, io.EOF) {
			return faults
		}
		if f, ok := errors.AsType[*scan.Error](err); ok {
			faults = append(faults, f.Cause)
		} else if err != nil {
			t.Fatal(err)
		} else if each != nil {
			each(&r)
		}
	}
}

// A values is what both decoders are asked for.
type values struct {
	src, dst         netip.Addr
	srcPort, dstPort uint64
	proto            uint64
}

// The library and the plans read the same from the datagrams of real exporters.
func TestPlansAgreeWithTheLibrary(t *testing.T) {
	files, err := filepath.Glob(samples)
	if err != nil || len(files) == 0 {
		t.Skip("the samples of exporters are not here")
	}
	system, n := goflow.CreateTemplateSystem(), 0
	d := netflow.New()
	for range 2 { // templates come behind the data in the order of names
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if version := binary.BigEndian.Uint16(data); version != 9 && version != 10 || filepath.Base(file) == "netflow9_test_paloalto_81_data257_1flowset_in_large_zerofilled_packet.dat" {
				continue // the library refuses padding
			}
			d.Flush()
			drain(t, d, nil)
			want := library(t, data, system)
			var got []values
			d.Feed(netflow.Datagram{Data: data})
			drain(t, d, func(r *netflow.Record) {
				if !r.Options {
					got = append(got, values{r.Src, r.Dst, uint64(r.SrcPort), uint64(r.DstPort), uint64(r.Proto)})
				}
			})
			n += compare(t, filepath.Base(file), got, want)
		}
	}
	if n < 300 {
		t.Errorf("got %d records to compare, want hundreds", n)
	}
}

func compare(t *testing.T, name string, got, want []values) int {
	t.Helper()
	if len(want) > len(got) {
		t.Errorf("%s: got %d records, the library %d", name, len(got), len(want))
		return 0
	}
	for i, w := range want {
		if w != got[i] {
			t.Errorf("%s record %d: got %v, the library %v", name, i, got[i], w)
		}
	}
	return len(want)
}

// library decodes with the library; records that both families claim are left
// out, and sets that it cannot read.
func library(t *testing.T, data []byte, system goflow.NetFlowTemplateSystem) (list []values) {
	t.Helper()
	var v9 goflow.NFv9Packet
	var v10 goflow.IPFIXPacket
	_ = goflow.DecodeMessageVersion(bytes.NewBuffer(data), system, &v9, &v10) // what was read before an error is compared
	for _, s := range append(v9.FlowSets, v10.FlowSets...) {
		if set, ok := s.(goflow.DataFlowSet); ok {
			for _, r := range set.Records {
				list = append(list, valuesOf(r.Values))
			}
		}
	}
	return list
}

func valuesOf(fields []goflow.DataField) (v values) {
	for _, f := range fields {
		b, ok := f.Value.([]byte)
		if !ok || f.PenProvided || len(b) == 0 {
			continue
		}
		n := uint64(0)
		for _, c := range b {
			n = n<<8 | uint64(c)
		}
		switch f.Type {
		case 8, 27:
			v.src = chosen(v.src, b)
		case 12, 28:
			v.dst = chosen(v.dst, b)
		case 7, 180, 182:
			v.srcPort = n
		case 11, 181, 183:
			v.dstPort = n
		case 4:
			v.proto = n
		}
	}
	return v
}

func chosen(was netip.Addr, b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	if a = a.Unmap(); was.IsValid() && a.IsUnspecified() {
		return was
	}
	return a
}

func be16(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }

// ipfix is a message of sets, each with its number.
func ipfix(seq, domain uint32, sets ...[]byte) []byte {
	body := bytes.Join(sets, nil)
	b := append(be16(10), be16(16+len(body))...)
	for _, n := range []uint32{1774699200, seq, domain} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return append(b, body...)
}

func set(id int, body ...byte) []byte {
	return append(append(be16(id), be16(4+len(body))...), body...)
}

// A record of no length would never end: the library loops on this one.
func TestTemplatesOfNoLengthAreRefused(t *testing.T) {
	d := netflow.New()
	for _, body := range [][]byte{{1, 0, 0, 1, 0, 1, 0, 0}, {1, 0, 0, 2, 0, 8, 0, 0, 0, 12, 0, 0}} {
		d.Feed(netflow.Datagram{Data: ipfix(0, 1, set(2, body...), set(256, 1, 2, 3, 4))})
		if got := drain(t, d, nil); len(got) != 1 || got[0] != netflow.BadTemplate {
			t.Errorf("got %q, want a bad template", got)
		}
	}
	d.Flush()
	if got := drain(t, d, nil); len(got) != 2 {
		t.Errorf("got %q, want two sets without a template", got)
	}
}

// A flood of templates, domains, exporters and sets without templates costs no
// more than its bounds.
func TestMemoryIsBoundedUnderFloods(t *testing.T) {
	d := netflow.New()
	wide := []byte{1, 0, 0, 200}
	for i := range 200 {
		wide = append(wide, be16(1+i%120)...)
		wide = append(wide, be16(1)...)
	}
	data := bytes.Repeat([]byte{1}, 1000)
	faults := map[scan.Cause]int{}
	for i := range 60_000 {
		from := netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
		wide[0], wide[1] = byte(1+i>>8&0x7f), byte(i)
		d.Feed(netflow.Datagram{Exporter: from, Data: ipfix(uint32(i), uint32(i/300), set(2, wide...), set(0xff00|i&0xff, data...))})
		for _, c := range drain(t, d, nil) {
			faults[c]++
		}
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapAlloc > 64<<20 {
		t.Errorf("got %d MiB in use, want less than 64", m.HeapAlloc>>20)
	}
	d.Flush()
	for _, c := range drain(t, d, nil) {
		faults[c]++
	}
	if faults[netflow.NoTemplate] != 60_000 {
		t.Errorf("got %v, want each of the 60000 sets told", faults)
	}
	runtime.KeepAlive(d)
}

// A joiner holds no more than its bounds, and nothing is lost by that.
func TestJoinerIsBoundedUnderFloods(t *testing.T) {
	j := netflow.NewJoiner()
	n, at := 0, time.Unix(1774699200, 0)
	var c netflow.Conversation
	for i := range 400_000 {
		r := netflow.Record{
			Src: netip.AddrFrom4([4]byte{192, 0, byte(i >> 16), byte(i >> 8)}), Dst: netip.MustParseAddr("203.0.113.7"),
			SrcPort: uint16(i), DstPort: 443, Proto: 6, HasProto: true, Flags: 2, Start: at, End: at,
		}
		for j.Add(&r, at); j.Next(&c); n++ {
			continue
		}
	}
	if n < 300_000 {
		t.Errorf("got %d before the end, want that few are held", n)
	}
	for j.Flush(); j.Next(&c); n++ {
		continue
	}
	if n != 400_000 {
		t.Errorf("got %d conversations of 400000 records", n)
	}
}

// FuzzDecoder feeds datagrams, one behind the other, each with its length before
// it, so that templates of one meet data of another.
func FuzzDecoder(f *testing.F) {
	files, _ := filepath.Glob("../../../../testdata/source/netflow/*.dat")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(ipfix(0, 1, set(2, 1, 0, 0, 2, 0, 8, 0xff, 0xff, 0x81, 0, 0, 4, 0, 0, 0x72, 0x79), set(256, 255, 0, 4, 192, 0, 2, 1, 1, 2, 3, 4)))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, j := netflow.New(), netflow.NewJoiner()
		for len(data) > 0 {
			n, _ := netflow.Split(data)
			if n == 0 {
				data = data[1:]
				continue
			}
			d.Feed(netflow.Datagram{Data: data[:n:n]})
			drain(t, d, func(r *netflow.Record) { promises(t, j, r) })
			data = data[n:]
		}
		d.Flush()
		drain(t, d, nil)
		if d.Pending() || d.Missing() < 0 {
			t.Errorf("got pending %v, %d missing at the end", d.Pending(), d.Missing())
		}
	})
}

func promises(t *testing.T, j *netflow.Joiner, r *netflow.Record) {
	t.Helper()
	if r.Start.IsZero() || r.End.Before(r.Start) {
		t.Errorf("got a record from %v to %v", r.Start, r.End)
	}
	for _, a := range []netip.Addr{r.Src, r.Dst, r.NATSrc, r.NATDst} {
		if a.Is4In6() || a.Zone() != "" {
			t.Errorf("got address %v, want a plain one", a)
		}
	}
	if !r.Src.IsValid() || !r.Dst.IsValid() {
		return
	}
	octets := r.Octets + r.ReverseOctets
	var c netflow.Conversation
	j.Add(r, r.Start)
	j.Flush()
	for j.Next(&c) {
		if c.Octets+c.ReverseOctets != octets {
			t.Errorf("got %d+%d octets of %d", c.Octets, c.ReverseOctets, octets)
		}
	}
}

// BenchmarkDecode and BenchmarkLibrary read the same datagram of softflowd.
func BenchmarkDecode(b *testing.B) {
	data := softflowd(b)
	d, n := netflow.New(), 0
	b.ReportAllocs()
	var r netflow.Record
	for b.Loop() {
		d.Feed(netflow.Datagram{Data: data})
		for d.Next(&r) == nil {
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkLibrary(b *testing.B) {
	data := softflowd(b)
	system, n := goflow.CreateTemplateSystem(), 0
	b.ReportAllocs()
	for b.Loop() {
		var v9 goflow.NFv9Packet
		if err := goflow.DecodeMessageVersion(bytes.NewBuffer(data), system, &v9, nil); err != nil {
			b.Fatal(err)
		}
		for _, s := range v9.FlowSets {
			if set, ok := s.(goflow.DataFlowSet); ok {
				n += len(set.Records)
			}
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}

func softflowd(b *testing.B) []byte {
	b.Helper()
	data, err := os.ReadFile(filepath.Join(filepath.Dir(samples), "netflow9_test_softflowd_tpl_data.dat"))
	if err != nil {
		b.Skip("the samples of exporters are not here")
	}
	return data
}
