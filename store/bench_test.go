package store_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"tripline/learn"
	"tripline/store"
)

// busy returns n flows over d destinations, with names on a third of them, as a
// firewall's log of a day has them.
func busy(n, d int) []learn.Flow {
	r := rand.New(rand.NewPCG(1, 2))
	dst, names := make([]netip.Addr, d), make([]string, d)
	for i := range dst {
		dst[i] = netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)})
		if i >= 1<<16 || i%3 == 0 {
			names[i] = fmt.Sprintf("host-%d.example.com", i)
		}
	}
	flows, at := make([]learn.Flow, n), t0
	for i := range flows {
		at = at.Add(time.Duration(r.Int64N(200)) * time.Microsecond * 850)
		k := r.IntN(d)
		flows[i] = learn.Flow{
			Time: at, Agent: "bot", Proto: learn.TCP, Src: netip.AddrFrom4([4]byte{192, 0, 2, byte(r.IntN(4))}),
			SrcPort: uint16(r.UintN(1 << 16)), Dst: dst[k], DstPort: []uint16{443, 80, 8443}[k%3], Name: names[k],
			Interface: "igb0", Rule: "1000000103",
		}
	}
	return flows
}

func BenchmarkCommit(b *testing.B) {
	for _, n := range []int{10, 10_000, 250_000, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			s, _ := opened(b)
			batch := store.Batch{Run: "r", At: t0, Flows: busy(n, 50_000)}
			b.ReportAllocs()
			for b.Loop() {
				must(b, s.Commit(batch))
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "flows/s")
		})
	}
}

func BenchmarkOpenClose(b *testing.B) {
	path := filepath.Join(b.TempDir(), "x.db")
	s, err := store.Open(path, store.Options{})
	must(b, err)
	must(b, s.Commit(store.Batch{Run: "r", Flows: busy(1_000_000, 50_000)}))
	approve(b, s, 100)
	must(b, s.Close())
	b.ReportAllocs()
	for b.Loop() {
		s, err := store.Open(path, store.Options{})
		must(b, err)
		must(b, s.Close())
	}
}

func BenchmarkRead(b *testing.B) {
	s, _ := opened(b)
	must(b, s.Commit(store.Batch{Run: "r", Flows: busy(1_000_000, 50_000)}))
	b.Run("flows", func(b *testing.B) {
		n := 0
		for b.Loop() {
			for _, err := range s.Flows("") {
				must(b, err)
				n++
			}
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "flows/s")
	})
	b.Run("destinations", func(b *testing.B) {
		for b.Loop() {
			_, err := s.Destinations("bot")
			must(b, err)
		}
	})
}
