package source_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"tripline/learn/source"
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
	b.ReportMetric(float64(packets)*float64(b.N)/b.Elapsed().Seconds(), "packets/s")
}
