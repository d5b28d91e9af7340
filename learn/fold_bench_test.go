package learn_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
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

// million returns a million destinations of as many addresses: a tenth of IPv6,
// three tenths in published sets, three tenths with one of some 200,000 names.
func million() []learn.Destination {
	r := rand.New(rand.NewPCG(3, 3))
	kinds := rotating(r, 2500)
	known := make(map[netip.Addr]bool, 1e6)
	out := make([]learn.Destination, 0, 1e6)
	for len(out) < cap(out) {
		d := kinds[r.IntN(len(kinds))]
		a := d.Addr.As4()
		name := ""
		switch k := r.IntN(10); {
		case k < 3:
			d.Addr = netip.AddrFrom4([4]byte{a[0], a[1], byte(r.Uint32()), byte(r.Uint32())})
		case k == 3:
			d.Addr = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, byte(r.IntN(64)), byte(r.Uint32()), 0, byte(r.Uint32()), 15: 1})
		case k < 7:
			name = "host" + strconv.Itoa(r.IntN(100)) + ".site" + strconv.Itoa(r.IntN(3000)) + ".example.com"
			fallthrough
		default:
			d.Addr = netip.AddrFrom4([4]byte{byte(20 + r.IntN(60)), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())})
		}
		if !known[d.Addr] {
			known[d.Addr] = true
			d.Name, d.Evidence, d.Port = name, learn.SNI, uint16(440+r.IntN(4))
			out = append(out, d)
		}
	}
	return out
}

// What a session brings that lasts for months, or a file of them: with published
// sets, when each was first seen, and names.
func BenchmarkFoldMillion(b *testing.B) {
	if testing.Short() {
		b.Skip("a million destinations take seconds")
	}
	named := million()
	bare := slices.Clone(named)
	for i := range bare {
		bare[i].Name = ""
	}
	for _, c := range []struct {
		name  string
		ds    []learn.Destination
		space ipranges.Space
	}{{"prefixes", bare, ipranges.Space{}}, {"published", bare, storage()}, {"named", named, storage()}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				learn.Fold(c.ds, learn.FoldOptions{Space: c.space})
			}
		})
	}
}

// What "review --show frontier" waits for.
func BenchmarkFrontier(b *testing.B) {
	if testing.Short() {
		b.Skip("folding at every width takes seconds")
	}
	ds := million()
	for i := range ds {
		ds[i].Name = ""
	}
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				learn.NewFrontier(ds[:n], learn.FoldOptions{Space: storage()})
			}
		})
		// Where fewer rules are wanted, more is tried.
		b.Run(strconv.Itoa(n)+"/rules", func(b *testing.B) {
			rules := 100
			for b.Loop() {
				f := learn.NewFrontier(ds[:n], learn.FoldOptions{Space: storage()})
				if _, err := f.Pick(learn.Limits{Rules: &rules}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
