package learn_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"tripline/ipranges"
	"tripline/learn"
)

// few returns up to n prefixes in little space, so that halves are often full.
func few(r *rand.Rand, n int) ipranges.Set {
	var prefixes []netip.Prefix
	for range 1 + r.IntN(n) {
		switch r.IntN(8) {
		case 0:
			a := netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 7: byte(r.IntN(32)), 15: byte(r.IntN(4))})
			prefixes = append(prefixes, netip.PrefixFrom(a, 60+r.IntN(69)).Masked())
		case 1:
			prefixes = append(prefixes, netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(r.Uint32())}), 26+r.IntN(7)).Masked())
		default:
			prefixes = append(prefixes, netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, byte(r.IntN(2) * 2), byte(r.IntN(64))}), 32))
		}
	}
	return ipranges.NewSet(prefixes...)
}

// A twin is the frontier of a subtree computed without any cleverness: for each
// number of prefixes the least exposure of a cover, -1 where there is none.
type twin struct{ set, closed ipranges.Set }

func (w twin) frontier(p netip.Prefix) []int64 {
	inside := w.set.Intersect(ipranges.NewSet(p))
	if inside.IsEmpty() {
		return []int64{0}
	}
	if inside.Equal(ipranges.NewSet(p)) {
		return []int64{-1, int64(inside.Exposure().Total())}
	}
	lower, upper := bothHalves(p)
	a, b := w.frontier(lower), w.frontier(upper)
	out := make([]int64, len(a)+len(b)-1)
	for i := range out {
		out[i] = -1
	}
	for i, x := range a {
		for j, y := range b {
			if x < 0 || y < 0 {
				continue
			}
			sum := x + y
			if x > 0 && y > 0 && p.Addr().Is6() && p.Bits() >= 64 {
				sum = 1 // one /64 network
			}
			if out[i+j] < 0 || sum < out[i+j] {
				out[i+j] = sum
			}
		}
	}
	whole := ipranges.NewSet(p)
	if whole.Intersect(w.closed).Subtract(w.set).IsEmpty() {
		out = append(out, make([]int64, max(0, 2-len(out)))...)
		if n := int64(whole.Exposure().Total()); out[1] < 0 || n < out[1] {
			out[1] = n
		}
	}
	return out
}

func bothHalves(p netip.Prefix) (lower, upper netip.Prefix) {
	b := p.Addr().AsSlice()
	b[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
	a, _ := netip.AddrFromSlice(b)
	return netip.PrefixFrom(p.Addr(), p.Bits()+1), netip.PrefixFrom(a, p.Bits()+1)
}

// least returns the frontier of both families: for at most so many prefixes
// the least that is opened beyond the set, -1 where there is none.
func (w twin) least() []int64 {
	a, b := w.frontier(netip.MustParsePrefix("192.0.0.0/16")), w.frontier(netip.MustParsePrefix("2001:db8::/32"))
	out := make([]int64, len(a)+len(b)-1)
	for i := range out {
		out[i] = -1
	}
	for i, x := range a {
		for j, y := range b {
			if x >= 0 && y >= 0 && (out[i+j] < 0 || x+y < out[i+j]) {
				out[i+j] = x + y
			}
		}
	}
	has := int64(w.set.Exposure().Total())
	for k, x := range out {
		if x >= 0 {
			out[k] = x - has
		}
		if k > 0 && out[k-1] >= 0 && (out[k] < 0 || out[k-1] < out[k]) {
			out[k] = out[k-1]
		}
	}
	return out
}

// TestReduceIsExact compares with the twin at every number of prefixes.
func TestReduceIsExact(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	between := 0
	for round := range 400 {
		w := twin{set: few(r, 60)}
		if r.IntN(3) == 0 {
			w.closed = few(r, 3)
		}
		got, want := learn.Reduce(w.set, w.closed), w.least()
		corners := map[int]uint64{}
		for p := range got.Corners() {
			corners[p.Prefixes] = p.Extra
		}
		for k := range want {
			one, ok := got.MaxRules(k)
			if ok != (want[k] >= 0) {
				t.Fatalf("round %d, %d prefixes: got %v, want %d", round, k, ok, want[k])
			}
			if !ok {
				continue
			}
			extra, corner := corners[k]
			if corner && extra != uint64(want[k]) {
				t.Fatalf("round %d, %v: corner at %d prefixes opens %d, want %d", round, w.set.Prefixes(), k, extra, want[k])
			}
			if !corner {
				between++
			}
			if one.Opens.Total() != uint64(want[k]) || !one.Exact() || len(one.Prefixes) > k {
				t.Fatalf("round %d, %v: %d prefixes open %d, at least %d; want %d with %d", round, w.set.Prefixes(), len(one.Prefixes), one.Opens.Total(), one.Least, want[k], k)
			}
			w.check(t, one)
		}
	}
	if between < 1000 {
		t.Errorf("%d choices lay between two corners, want more", between)
	}
}

// check holds what any list promises: it covers the set, opens nothing closed,
// and says the truth on what it opens.
func (w twin) check(t *testing.T, got learn.Reduced) {
	t.Helper()
	set := ipranges.NewSet(got.Prefixes...)
	if !w.set.Subtract(set).IsEmpty() {
		t.Fatalf("%v does not cover %v", got.Prefixes, w.set.Prefixes())
	}
	if !set.Subtract(w.set).Intersect(w.closed).IsEmpty() {
		t.Fatalf("%v opens of %v what is closed: %v", got.Prefixes, w.set.Prefixes(), w.closed.Prefixes())
	}
	if total := set.Exposure().Total() - w.set.Exposure().Total(); total != got.Opens.Total() {
		t.Fatalf("%v says it opens %d, opens %d", got.Prefixes, got.Opens.Total(), total)
	}
}

// TestReduceMaxExposureIsTheShortestList compares with the twin at budgets on,
// below and above each of its points.
func TestReduceMaxExposureIsTheShortestList(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for range 100 {
		w := twin{set: few(r, 40)}
		got, want := learn.Reduce(w.set, ipranges.Set{}), w.least()
		for _, at := range want {
			for _, extra := range []int64{at - 1, at, at + 1} {
				if extra < 0 {
					continue
				}
				one := got.MaxExposure(uint64(extra))
				k := slices.IndexFunc(want, func(x int64) bool { return x >= 0 && x <= extra })
				if len(one.Prefixes) != k || one.Opens.Total() > uint64(extra) {
					t.Fatalf("%v: %d prefixes open %d for %d, want %d", w.set.Prefixes(), len(one.Prefixes), one.Opens.Total(), extra, k)
				}
				w.check(t, one)
			}
		}
	}
}

func TestReduceOfNothing(t *testing.T) {
	r := learn.Reduce(ipranges.Set{}, ipranges.Set{})
	if got, ok := r.MaxRules(0); !ok || got.Prefixes != nil || r.Least() != 0 || r.Most() != 0 {
		t.Errorf("got %v %v, %d to %d", got, ok, r.Least(), r.Most())
	}
	if got := r.MaxExposure(0); got.Prefixes != nil {
		t.Errorf("got %v", got)
	}
	for p := range r.Corners() {
		t.Errorf("got %v", p)
	}
}

func TestReduceNeverJoinsFamilies(t *testing.T) {
	r := learn.Reduce(prefixSet("192.0.2.1/32", "192.0.2.9/32", "2001:db8::/64", "2001:db8:1::/64"), ipranges.Set{})
	if _, ok := r.MaxRules(1); ok || r.Least() != 2 {
		t.Errorf("got a list of one prefix, least %d", r.Least())
	}
	got, ok := r.MaxRules(2)
	want := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/28"), netip.MustParsePrefix("2001:db8::/47")}
	if !ok || !slices.Equal(got.Prefixes, want) || got.Opens != (ipranges.Exposure{V4: 14, V6: 1<<17 - 2}) {
		t.Errorf("got %v %v", got, ok)
	}
}

// prefixSet returns the set of the prefixes.
func prefixSet(texts ...string) ipranges.Set {
	prefixes := make([]netip.Prefix, len(texts))
	for i, s := range texts {
		prefixes[i] = netip.MustParsePrefix(s)
	}
	return ipranges.NewSet(prefixes...)
}

// scattered returns about n addresses: of all space, or in few networks.
func scattered(r *rand.Rand, n int, clustered bool) ipranges.Set {
	prefixes := make([]netip.Prefix, n)
	for i := range prefixes {
		a := r.Uint32()
		if clustered {
			a = a&0x3ff | (a>>24&15)*0x01234400
		}
		prefixes[i] = netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)}), 32)
	}
	return ipranges.NewSet(prefixes...)
}

// TestReduceFindsTheBestOfEveryLength: the twin is too slow for these, but what
// is found says itself whether it is the best.
func TestReduceFindsTheBestOfEveryLength(t *testing.T) {
	for _, clustered := range []bool{false, true} {
		set := scattered(rand.New(rand.NewPCG(7, 7)), 700, clustered)
		r := learn.Reduce(set, ipranges.Set{})
		before := uint64(1 << 33)
		for k := 1; k <= r.Most(); k++ {
			got, ok := r.MaxRules(k)
			if !ok || !got.Exact() || got.Opens.Total() > before || len(got.Prefixes) > k {
				t.Fatalf("clustered %v, %d prefixes: %d open %d, least %d, fewer prefixes opened %d", clustered, k, len(got.Prefixes), got.Opens.Total(), got.Least, before)
			}
			before = got.Opens.Total()
		}
		if before != 0 {
			t.Errorf("as many prefixes as it takes open %d more", before)
		}
	}
}

// TestReduceIsNeverWiderThanFixedLengths writes the addresses as prefixes of
// each length, and with Reduce as so many.
func TestReduceIsNeverWiderThanFixedLengths(t *testing.T) {
	for _, clustered := range []bool{false, true} {
		set := scattered(rand.New(rand.NewPCG(8, 8)), 20_000, clustered)
		r := learn.Reduce(set, ipranges.Set{})
		for length := 8; length < 32; length += 4 {
			var fixed []netip.Prefix
			for _, p := range set.Prefixes() {
				fixed = append(fixed, netip.PrefixFrom(p.Addr(), min(length, p.Bits())).Masked())
			}
			fixed = slices.Compact(fixed)
			theirs := ipranges.NewSet(fixed...).Exposure().Total() - set.Exposure().Total()
			got, ok := r.MaxRules(len(fixed))
			if !ok || len(got.Prefixes) > len(fixed) || got.Opens.Total() > theirs {
				t.Errorf("clustered %v: %d prefixes open %d, want at most the %d of /%d", clustered, len(got.Prefixes), got.Opens.Total(), theirs, length)
			}
		}
	}
}

// BenchmarkReduce computes the whole frontier of a million addresses.
func BenchmarkReduce(b *testing.B) {
	set := scattered(rand.New(rand.NewPCG(1, 1)), 1_000_000, false)
	b.ReportAllocs()
	for b.Loop() {
		learn.Reduce(set, ipranges.Set{})
	}
}
