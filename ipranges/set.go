package ipranges

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"slices"
)

// A Set is a set of addresses of both families. The zero value is empty. It is
// never changed once made, so it may be shared between goroutines. Addresses
// are unmapped and lose their zone before they are looked up.
type Set struct {
	v4 []span[a4] // ascending; no two overlap or touch
	v6 []span[a6]
}

// NewSet returns the union of prefixes. Host bits are masked, IPv4-in-IPv6 is
// unmapped, invalid prefixes are left out.
func NewSet(prefixes ...netip.Prefix) Set {
	s := Set{v4: slices.Grow([]span[a4](nil), count4(prefixes))}
	for _, p := range prefixes {
		p = unmap(p)
		switch {
		case !p.IsValid():
		case p.Addr().Is4():
			lo := num4(p.Addr())
			s.v4 = append(s.v4, span[a4]{lo: lo, hi: last4(lo, p.Bits())})
		default:
			lo := num6(p.Addr())
			s.v6 = append(s.v6, span[a6]{lo: lo, hi: last6(lo, p.Bits())})
		}
	}
	sort4(s.v4)
	return Set{v4: join(s.v4), v6: join(s.v6)}
}

func count4(prefixes []netip.Prefix) int {
	n := 0
	for _, p := range prefixes {
		if p.Addr().Is4() {
			n++
		}
	}
	return n
}

// SetOf returns the addresses of all ranges, whatever their labels.
func SetOf(ranges []Range) Set {
	prefixes := make([]netip.Prefix, len(ranges))
	for i, r := range ranges {
		prefixes[i] = r.Prefix
	}
	return NewSet(prefixes...)
}

// unmap returns p masked, and as an IPv4 prefix if it is one written in IPv6.
// The zero prefix comes back for an invalid one.
func unmap(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

// Contains says whether a is in the set.
func (s Set) Contains(a netip.Addr) bool {
	switch a = a.Unmap(); {
	case !a.IsValid():
		return false
	case a.Is4():
		return holds(s.v4, num4(a))
	}
	return holds(s.v6, num6(a))
}

// Exposure returns how much the set opens. It takes the same time for any set.
func (s Set) Exposure() Exposure { return Exposure{V4: size(s.v4), V6: size(s.v6)} }

// IsEmpty says whether no address is in the set.
func (s Set) IsEmpty() bool { return len(s.v4) == 0 && len(s.v6) == 0 }

// Union returns what is in s or in o.
func (s Set) Union(o Set) Set { return Set{v4: union(s.v4, o.v4), v6: union(s.v6, o.v6)} }

// Subtract returns what is in s and not in o.
func (s Set) Subtract(o Set) Set { return Set{v4: subtract(s.v4, o.v4), v6: subtract(s.v6, o.v6)} }

// Intersect returns what is in both s and o.
func (s Set) Intersect(o Set) Set { return Set{v4: intersect(s.v4, o.v4), v6: intersect(s.v6, o.v6)} }

// Equal says whether both hold the same addresses.
func (s Set) Equal(o Set) bool { return same(s.v4, o.v4) && same(s.v6, o.v6) }

// Within returns how many addresses (IPv4) or /64 networks (IPv6) of p are in
// the set. A /64 network that is in it in part counts.
func (s Set) Within(p netip.Prefix) uint64 {
	switch p = unmap(p); {
	case !p.IsValid():
		return 0
	case p.Addr().Is4():
		lo := num4(p.Addr())
		return count(s.v4, lo, last4(lo, p.Bits()))
	}
	lo := num6(p.Addr())
	return count(s.v6, lo, last6(lo, p.Bits()))
}

// Prefixes returns the smallest list of prefixes that is the set, ascending,
// IPv4 first.
func (s Set) Prefixes() []netip.Prefix {
	out := slices.Grow([]netip.Prefix(nil), (len(s.v4)+len(s.v6))*9/8)
	for _, r := range s.v4 {
		out = cut(out, a6{lo: uint64(r.lo)}, a6{lo: uint64(r.hi)}, 32)
	}
	for _, r := range s.v6 {
		out = cut(out, r.lo, r.hi, 128)
	}
	return out
}

// cut adds the prefixes that lo to hi consists of. At each step it takes the
// largest one that begins at lo: both its alignment and what is left bound it.
func cut(out []netip.Prefix, lo, hi a6, width int) []netip.Prefix {
	for {
		n := min(zeros(lo), log2(lo, hi), width)
		out = append(out, netip.PrefixFrom(lo.addr(width), width-n))
		last := last6(lo, 128-n)
		if last == hi {
			return out
		}
		lo = last.next()
	}
}

// zeros returns how many bits at the end of a are zero.
func zeros(a a6) int {
	if a.lo != 0 {
		return bits.TrailingZeros64(a.lo)
	}
	return 64 + bits.TrailingZeros64(a.hi)
}

// log2 returns how often the number of addresses from lo to hi can be halved.
func log2(lo, hi a6) int {
	d, borrow := bits.Sub64(hi.lo, lo.lo, 0)
	n := a6{hi.hi - lo.hi - borrow, d}.next()
	switch {
	case n == a6{}: // all 2^128 of them
		return 128
	case n.hi != 0:
		return 63 + bits.Len64(n.hi)
	}
	return bits.Len64(n.lo) - 1
}

func (a a6) addr(width int) netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], a.hi)
	binary.BigEndian.PutUint64(b[8:], a.lo)
	if width == 32 {
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return netip.AddrFrom16(b)
}
