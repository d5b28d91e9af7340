package store

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"tripline/learn"
)

// log returns n flows over d destinations, in the order of time.
func log(n, d int) []learn.Flow {
	r := rand.New(rand.NewPCG(1, 2))
	flows, at := make([]learn.Flow, n), time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	for i := range flows {
		k := r.IntN(d)
		at = at.Add(time.Duration(r.Int64N(200)) * time.Millisecond)
		flows[i] = learn.Flow{
			Time: at, Agent: "bot", Proto: learn.TCP, Src: netip.AddrFrom4([4]byte{192, 0, 2, byte(r.IntN(4))}),
			SrcPort: uint16(r.UintN(1 << 16)), Dst: netip.AddrFrom4([4]byte{198, 51, byte(k >> 8), byte(k)}),
			DstPort: 443, Interface: "igb0", Rule: "1000000103",
		}
	}
	return flows
}

func BenchmarkPack(b *testing.B) {
	flows := log(1_000_000, 50_000)
	var c codec
	size := 0
	b.ReportAllocs()
	for b.Loop() {
		p, err := pack(&c, "r", flows)
		if err != nil {
			b.Fatal(err)
		}
		size = 0
		for _, v := range p.blocks {
			size += len(v)
		}
	}
	b.ReportMetric(float64(len(flows))*float64(b.N)/b.Elapsed().Seconds(), "flows/s")
	b.ReportMetric(float64(size)/float64(len(flows)), "bytes/flow")
}
