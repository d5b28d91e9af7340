package learn_test

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"tripline/learn"
)

// aWeek returns a million flows of a week, to 50,000 destinations.
func aWeek() []learn.Flow {
	r := rand.New(rand.NewPCG(2, 1))
	flows := make([]learn.Flow, 1_000_000)
	for i := range flows {
		host := min(r.IntN(50_000), r.IntN(50_000)) // some are popular
		flows[i] = learn.Flow{
			Time:  monday.Add(time.Duration(i) * 604 * time.Millisecond),
			Agent: "bot", Proto: learn.TCP, DstPort: 443, Dst: netip.AddrFrom4([4]byte{198, 51, byte(host >> 8), byte(host)}),
		}
	}
	return flows
}

func BenchmarkHistory(b *testing.B) {
	flows := aWeek()
	var ds []learn.Destination
	for _, d := range folded(flows, monday.AddDate(1, 0, 0)) {
		ds = append(ds, *d)
	}
	b.Run("flows", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			h := learn.NewHistory("bot", 0)
			for i := range flows {
				h.Add(&flows[i], "week")
			}
		}
		b.ReportMetric(float64(len(flows))*float64(b.N)/b.Elapsed().Seconds(), "flows/s")
	})
	b.Run("destinations", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			learn.HistoryOf("bot", 0, ds)
		}
	})
	h := learn.HistoryOf("bot", 0, ds)
	border, err := h.Split()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("backtest", func(b *testing.B) { // without what the fold takes
		b.ReportAllocs()
		for b.Loop() {
			if _, err := h.Backtest(border, h.All().To, func([]learn.Destination) (learn.Judge, error) {
				return func(f *learn.Flow) bool { return f.DstPort == 443 }, nil
			}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
