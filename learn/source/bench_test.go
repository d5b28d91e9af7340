package source_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"tripline/learn/source"
)

// benchLines are lines of form D about 50,000 destinations: connections seen on
// the inside, what goes with them outside, refusals, and lookups.
func benchLines(n int) [][]byte {
	rng := rand.New(rand.NewPCG(1, 2))
	lines := make([][]byte, n)
	for i := range lines {
		d := rng.IntN(50_000)
		dst := fmt.Sprintf("203.%d.%d.%d", d>>16, d>>8&255, d&255)
		src := fmt.Sprintf("192.0.2.%d", 10+d%40)
		sport := strconv.Itoa(1024 + rng.IntN(60_000))
		csv := ""
		switch i % 8 {
		case 0, 1, 2:
			csv = tcp("in igb1.20 pass", src, sport, dst, "443", "S", rng.Int()%1e9) + ";nop;wscale;sackOK;TS"
		case 3:
			csv = tcp("out pppoe0 pass", wan, sport, dst, "443", "S", rng.Int()%1e9) + ";nop;wscale;sackOK;TS"
		case 4, 5:
			csv = udp("in igb1.20 pass", src, sport, dst, "443", 1250)
		case 6:
			csv = tcp("in igb1.20 block", src, sport, dst, "22", "S", rng.Int()%1e9) + ";nop;wscale;sackOK;TS"
		case 7:
			csv = tcp("in pppoe0 block", dst, sport, wan, "23", "S", rng.Int()%1e9) + ";nop;wscale;sackOK;TS"
		}
		at := i / 20
		lines[i] = fmt.Appendf(nil, "<134>1 2026-03-28T%02d:%02d:%02d.%06d-05:00 fw.example.com filterlog 64952 - - %s",
			at/3600%24, at/60%60, at%60, rng.IntN(1_000_000), csv)
	}
	return lines
}

// A target is what the aggregation of the benchmark counts.
type target struct {
	src, dst [16]byte
	service  uint32
}

// BenchmarkParse reads, judges and aggregates.
func BenchmarkParse(b *testing.B) {
	lines := benchLines(200_000)
	bytes := 0
	for _, line := range lines {
		bytes += len(line)
	}
	p, seen := parser(b, home), make(map[target]int, 1<<17)
	b.SetBytes(int64(bytes / len(lines)))
	b.ReportAllocs()
	var r source.Record
	i := 0
	for b.Loop() {
		if err := p.Parse(lines[i], written, &r); err != nil {
			b.Fatal(err)
		}
		if r.Counted {
			seen[target{r.Src.As16(), r.Dst.As16(), uint32(r.Proto)<<16 | uint32(r.DstPort)}]++
		}
		if i++; i == len(lines) {
			i = 0
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

// BenchmarkJudge is Parse without the aggregation.
func BenchmarkJudge(b *testing.B) {
	lines := benchLines(20_000)
	p := parser(b, home)
	b.ReportAllocs()
	var r source.Record
	i := 0
	for b.Loop() {
		if err := p.Parse(lines[i], written, &r); err != nil {
			b.Fatal(err)
		}
		if i++; i == len(lines) {
			i = 0
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

// BenchmarkState is what a cursor costs.
func BenchmarkState(b *testing.B) {
	p := parser(b, home)
	var r source.Record
	for _, line := range benchLines(20_000) {
		if err := p.Parse(line, written, &r); err != nil {
			b.Fatal(err)
		}
	}
	size := 0
	for b.Loop() {
		size = len(p.State())
	}
	b.ReportMetric(float64(size), "bytes")
}
