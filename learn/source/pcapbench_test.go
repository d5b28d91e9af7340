package source_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"tripline/learn/source"
	"tripline/learn/source/internal/capfile"
)

// benchPcap is a capture of many connections at once: each is asked for, opened,
// named and then carries data, as on a busy line.
func benchPcap(tb testing.TB, packets int) (t *pcapMaker, n int) {
	t = newPcap()
	var open []*dialogue
	hellos := make([][]byte, 200)
	for i := range hellos {
		hellos[i] = helloFor(tb, fmt.Sprintf("api%d.example.com", i))
	}
	full := make([]byte, 1200)
	for n < packets {
		i := len(open)
		client := fmt.Sprintf("192.0.2.%d:%d", 1+i%250, 10000+i%50000)
		server := fmt.Sprintf("198.51.%d.%d", 100+i/250%100, 1+i%250)
		name := fmt.Sprintf("api%d.example.com", i%len(hellos))
		t.answer(client, "192.0.2.253:53", name, server)
		d := t.dial(client, server+":443").say(hellos[i%len(hellos)])
		open = append(open, d)
		n += 5
		for j := range 45 { // of ten connections in turn
			d := open[max(0, len(open)-1-j%10)]
			if j%3 == 0 {
				d.say(full[:40])
			} else {
				d.hear(full)
			}
			n++
		}
	}
	return t, n
}

// BenchmarkPcap reads a capture, with flows, answers and names.
func BenchmarkPcap(b *testing.B) {
	t, packets := benchPcap(b, 500_000)
	path := filepath.Join(b.TempDir(), "bench.pcap")
	if err := os.WriteFile(path, t.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	s, err := source.Find("pcap")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(t.Len()))
	b.ReportAllocs()
	began := processorTime(b)
	for b.Loop() {
		st, err := source.Open(s, path, nil, source.StreamOptions{Options: home})
		if err != nil {
			b.Fatal(err)
		}
		var r source.Record
		flows := 0
		for {
			err := st.Next(&r)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			flows++
		}
		if err := st.Close(); err != nil || flows < packets/50 {
			b.Fatal(flows, err)
		}
	}
	perSecond(b, packets, began)
}

// BenchmarkPcapByGopacket reads the same capture from memory and makes flows of
// it with the usual library, without names: what the one above is measured by.
func BenchmarkPcapByGopacket(b *testing.B) {
	t, packets := benchPcap(b, 500_000)
	var eth layers.Ethernet
	var ip4 layers.IPv4
	var tcp layers.TCP
	var udp layers.UDP
	parser := gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &eth, &ip4, &tcp, &udp)
	parser.IgnoreUnsupported = true
	type tuple struct {
		src, dst [4]byte
		ports    [2]uint16
	}
	b.SetBytes(int64(t.Len()))
	b.ReportAllocs()
	began := processorTime(b)
	for b.Loop() {
		r, flows := capfile.NewReader(bytes.NewReader(t.Bytes())), map[tuple]int{}
		var p capfile.Packet
		var found []gopacket.LayerType
		for r.Next(&p) == nil {
			tcp.SrcPort, tcp.DstPort, udp.SrcPort, udp.DstPort = 0, 0, 0, 0
			if err := parser.DecodeLayers(p.Data, &found); err != nil {
				b.Fatal(err)
			}
			flows[tuple{
				[4]byte(ip4.SrcIP), [4]byte(ip4.DstIP),
				[2]uint16{uint16(tcp.SrcPort) + uint16(udp.SrcPort), uint16(tcp.DstPort) + uint16(udp.DstPort)},
			}] += len(p.Data)
		}
		if len(flows) < packets/50 {
			b.Fatal(len(flows))
		}
	}
	perSecond(b, packets, began)
}

// perSecond reports packets by the clock and by the time of the processor: others
// may be at work on the same machine.
func perSecond(b *testing.B, packets int, began time.Duration) {
	all := float64(packets) * float64(b.N)
	b.ReportMetric(all/b.Elapsed().Seconds(), "packets/s")
	b.ReportMetric(all/(processorTime(b)-began).Seconds(), "packets/cpu-s")
}

// processorTime is what this process has used so far.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
