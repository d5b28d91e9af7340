package learn_test

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"tripline/ipranges"
	"tripline/learn"
)

// busy returns 50,000 destinations: half in published sets, half anywhere, one
// in ten of IPv6.
func busy() []learn.Destination {
	r := rand.New(rand.NewPCG(1, 1))
	ds := rotating(r, 2500)
	for len(ds) < 25000 {
		ds = append(ds, ds[r.IntN(2500)])
		d := &ds[len(ds)-1]
		a := d.Addr.As4()
		d.Addr = netip.AddrFrom4([4]byte{a[0], a[1], byte(r.Uint32()), byte(r.Uint32())})
	}
	for len(ds) < 50000 {
		d := ds[r.IntN(2500)]
		d.Addr = netip.AddrFrom4([4]byte{byte(20 + r.IntN(60)), byte(r.IntN(64)), byte(r.Uint32()), byte(r.Uint32())})
		if r.IntN(5) == 0 {
			d.Addr = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, byte(r.IntN(64)), byte(r.Uint32()), 0, byte(r.Uint32()), 15: 1})
		}
		d.Port = uint16(440 + r.IntN(4))
		ds = append(ds, d)
	}
	return ds
}

func BenchmarkFold(b *testing.B) {
	ds := busy()
	for _, c := range []struct {
		name  string
		space ipranges.Space
	}{{"prefixes", ipranges.Space{}}, {"published", storage()}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				learn.Fold(ds, learn.FoldOptions{Space: c.space})
			}
		})
	}
}
