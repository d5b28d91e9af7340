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
	began := usedTime()
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
	b.SetBytes(int64(t.Len()))
	b.ReportAllocs()
	began := usedTime()
	for b.Loop() {
		r, f := capfile.NewReader(bytes.NewReader(t.Bytes())), newLayerFlows()
		var p capfile.Packet
		for r.Next(&p) == nil {
			if err := f.add(p.Data); err != nil {
				b.Fatal(err)
			}
		}
		if len(f.flows) < packets/50 {
			b.Fatal(len(f.flows))
		}
	}
	perSecond(b, packets, began)
}

// perSecond reports packets by the clock and by the time of the processor: others
// may be at work on the same machine.
func perSecond(b *testing.B, packets int, began time.Duration) {
	all := float64(packets) * float64(b.N)
	b.ReportMetric(all/b.Elapsed().Seconds(), "packets/s")
	b.ReportMetric(all/(usedTime()-began).Seconds(), "packets/cpu-s")
}

// usedTime is what this process has used of the processor so far.
func usedTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
