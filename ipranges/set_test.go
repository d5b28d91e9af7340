package ipranges_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"tripline/ipranges"
)

// A twin is a set and a slow, plain way to say what is in it: a function of one
// address.
type twin struct {
	set ipranges.Set
	has func(netip.Addr) bool
}

// A universe is a small part of the address space: where random prefixes lie,
// and the addresses at which anything can change.
type universe struct {
	name    string
	whole   netip.Prefix
	lengths []int
	points  []netip.Addr // the first of each step and more
	units   func() []netip.Prefix
}

func universes() []universe {
	v4 := netip.MustParsePrefix("192.0.2.0/24")
	v6 := netip.MustParsePrefix("2001:db8::/60")
	return []universe{
		{"v4", v4, []int{24, 25, 26, 27, 28, 29, 30, 31, 32}, nil, func() []netip.Prefix { return split(v4, 32) }},
		{"v6", v6, []int{60, 61, 62, 63, 64, 65, 66, 67, 127, 128}, nil, func() []netip.Prefix { return split(v6, 64) }},
	}
}

// split returns all prefixes of n bits in p.
func split(p netip.Prefix, n int) []netip.Prefix {
	var out []netip.Prefix
	for q := netip.PrefixFrom(p.Addr(), n); p.Contains(q.Addr()); q = after(q) {
		out = append(out, q)
	}
	return out
}

// after returns the prefix of the same size that follows p.
func after(p netip.Prefix) netip.Prefix {
	b := p.Addr().AsSlice()
	for i := p.Bits() - 1; i >= 0; i-- {
		b[i/8] ^= 1 << (7 - i%8)
		if b[i/8]&(1<<(7-i%8)) != 0 {
			break
		}
	}
	a, _ := netip.AddrFromSlice(b)
	return netip.PrefixFrom(a, p.Bits())
}

// draw returns a random prefix of the universe, near the borders of /64
// networks if it is small.
func (u universe) draw(r *rand.Rand) netip.Prefix {
	b := u.whole.Addr().AsSlice()
	for i := u.whole.Bits(); i < len(b)*8; i++ {
		if i >= 67 && i < 124 {
			continue
		}
		b[i/8] |= byte(r.IntN(2)) << (7 - i%8)
	}
	if len(b) == 16 && r.IntN(3) == 0 {
		for i := 8; i < 16; i++ {
			b[i] = 0xff
		}
	}
	a, _ := netip.AddrFromSlice(b)
	return netip.PrefixFrom(a, u.lengths[r.IntN(len(u.lengths))]).Masked()
}

func (u universe) twin(r *rand.Rand, depth int) (twin, []netip.Addr) {
	if depth == 0 {
		ps := make([]netip.Prefix, r.IntN(6))
		var borders []netip.Addr
		for i := range ps {
			ps[i] = u.draw(r)
			borders = append(borders, ps[i].Addr(), after(ps[i]).Addr(), ps[i].Addr().Prev())
		}
		has := func(a netip.Addr) bool {
			return slices.ContainsFunc(ps, func(p netip.Prefix) bool { return p.Contains(a) })
		}
		return twin{ipranges.NewSet(ps...), has}, borders
	}
	a, pa := u.twin(r, depth-1)
	b, pb := u.twin(r, depth-1)
	borders := append(pa, pb...)
	switch r.IntN(3) {
	case 0:
		return twin{a.set.Union(b.set), func(x netip.Addr) bool { return a.has(x) || b.has(x) }}, borders
	case 1:
		return twin{a.set.Intersect(b.set), func(x netip.Addr) bool { return a.has(x) && b.has(x) }}, borders
	}
	return twin{a.set.Subtract(b.set), func(x netip.Addr) bool { return a.has(x) && !b.has(x) }}, borders
}

// units counts the units of p in which has is true of any border or of the
// first address: between borders nothing changes.
func (u universe) count(p netip.Prefix, tw twin, borders []netip.Addr) uint64 {
	var n uint64
	for _, q := range u.units() {
		if !q.Overlaps(p) {
			continue
		}
		try := append(slices.Clone(borders), q.Addr(), p.Addr())
		if slices.ContainsFunc(try, func(a netip.Addr) bool { return q.Contains(a) && p.Contains(a) && tw.has(a) }) {
			n++
		}
	}
	return n
}

func each(t *testing.T, f func(t *testing.T, u universe, r *rand.Rand)) {
	for _, u := range universes() {
		t.Run(u.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			for range 400 {
				f(t, u, r)
			}
		})
	}
}

func TestSetHoldsWhatItsTwinHolds(t *testing.T) {
	each(t, func(t *testing.T, u universe, r *rand.Rand) {
		tw, borders := u.twin(r, r.IntN(4))
		if u.name == "v4" {
			for _, q := range u.units() {
				borders = append(borders, q.Addr())
			}
		}
		for _, a := range borders {
			if a.IsValid() && tw.set.Contains(a) != tw.has(a) {
				t.Fatalf("%v contains %v: got %v, want %v", tw.set.Prefixes(), a, !tw.has(a), tw.has(a))
			}
		}
	})
}

func TestExposureAndWithinCountLikeTheTwin(t *testing.T) {
	each(t, func(t *testing.T, u universe, r *rand.Rand) {
		tw, borders := u.twin(r, r.IntN(3))
		if got, want := tw.set.Exposure().Total(), u.count(u.whole, tw, borders); got != want {
			t.Fatalf("exposure of %v: got %d, want %d", tw.set.Prefixes(), got, want)
		}
		p := u.draw(r)
		if got, want := tw.set.Within(p), u.count(p, tw, borders); got != want {
			t.Fatalf("%v of %v: got %d, want %d", p, tw.set.Prefixes(), got, want)
		}
	})
}

func TestPrefixesAreTheSmallestList(t *testing.T) {
	each(t, func(t *testing.T, u universe, r *rand.Rand) {
		tw, _ := u.twin(r, r.IntN(4))
		ps := tw.set.Prefixes()
		if !ipranges.NewSet(ps...).Equal(tw.set) {
			t.Fatalf("%v is another set when read back", ps)
		}
		for i, p := range ps {
			if p != p.Masked() {
				t.Fatalf("%v has host bits", p)
			}
			if i == 0 {
				continue
			}
			q := ps[i-1]
			if q.Addr().Compare(p.Addr()) >= 0 || q.Overlaps(p) {
				t.Fatalf("%v is not ascending at %v", ps, p)
			}
			if wide := netip.PrefixFrom(p.Addr(), max(p.Bits()-1, 0)).Masked(); q.Bits() == p.Bits() && wide.Addr() == q.Addr() {
				t.Fatalf("%v and %v are one prefix", q, p)
			}
		}
	})
}

func TestSetLaws(t *testing.T) {
	each(t, func(t *testing.T, u universe, r *rand.Rand) {
		a, _ := u.twin(r, r.IntN(3))
		b, _ := u.twin(r, r.IntN(3))
		both, only, all := a.set.Intersect(b.set), a.set.Subtract(b.set), a.set.Union(b.set)
		if !both.Union(only).Equal(a.set) || !both.Intersect(only).IsEmpty() {
			t.Fatalf("%v: parts %v and %v", a.set.Prefixes(), both.Prefixes(), only.Prefixes())
		}
		if !all.Equal(b.set.Union(a.set)) || !all.Subtract(b.set).Equal(only) {
			t.Fatalf("%v with %v is %v", a.set.Prefixes(), b.set.Prefixes(), all.Prefixes())
		}
		if got, want := all.Equal(b.set), only.IsEmpty(); got != want {
			t.Fatalf("equal: got %v, want %v", got, want)
		}
	})
}

func TestEndsOfTheAddressSpace(t *testing.T) {
	all4, all6 := netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")
	all := ipranges.NewSet(all4, all6)
	if got, want := all.Exposure(), (ipranges.Exposure{V4: 1 << 32, V6: 1<<64 - 1}); got != want {
		t.Errorf("exposure of everything: got %v, want %v (saturated)", got, want)
	}
	if got := all.Prefixes(); !slices.Equal(got, []netip.Prefix{all4, all6}) {
		t.Errorf("prefixes of everything: got %v", got)
	}
	ends := ipranges.NewSet(netip.MustParsePrefix("0.0.0.0/32"), netip.MustParsePrefix("255.255.255.255/32"),
		netip.MustParsePrefix("::/128"), netip.MustParsePrefix("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"))
	middle := all.Subtract(ends)
	if got, want := middle.Exposure(), (ipranges.Exposure{V4: 1<<32 - 2, V6: 1<<64 - 1}); got != want {
		t.Errorf("exposure without the ends: got %v, want %v", got, want)
	}
	if !middle.Union(ends).Equal(all) || !middle.Intersect(ends).IsEmpty() || !all.Subtract(all).IsEmpty() {
		t.Error("the ends and the rest are not everything")
	}
	if n := len(middle.Prefixes()); n != 62+254 {
		t.Errorf("%d prefixes without the ends, want %d", n, 62+254)
	}
}

func TestSetReadsOddPrefixes(t *testing.T) {
	s := ipranges.NewSet(netip.Prefix{}, netip.PrefixFrom(netip.MustParseAddr("192.0.2.77"), 24),
		netip.MustParsePrefix("::ffff:198.51.100.0/120"), netip.PrefixFrom(netip.MustParseAddr("2001:db8::"), 200))
	want := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24")}
	if got := s.Prefixes(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, a := range []string{"::ffff:192.0.2.1", "198.51.100.9"} {
		if !s.Contains(netip.MustParseAddr(a)) {
			t.Errorf("%s is not in %v", a, want)
		}
	}
	if s.Contains(netip.Addr{}) || s.Within(netip.Prefix{}) != 0 || (ipranges.Set{}).Contains(netip.MustParseAddr("192.0.2.1")) {
		t.Error("the zero address is in a set, or the empty set holds an address")
	}
	if got := s.Within(netip.MustParsePrefix("::ffff:192.0.2.0/121")); got != 128 {
		t.Errorf("within an IPv4 prefix written in IPv6: got %d, want 128", got)
	}
}
