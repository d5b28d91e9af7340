package ipranges

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"net/netip"
	"slices"
)

// An a4 is an IPv4 address, an a6 an IPv6 address, as numbers.
type (
	a4 uint32
	a6 struct{ hi, lo uint64 }
)

// A point is an address of either family. unit is what exposure counts: the
// address itself for IPv4, its /64 network for IPv6. next and prev wrap around.
type point[T any] interface {
	comparable
	compare(T) int
	next() T
	prev() T
	unit() uint64
}

func (a a4) compare(b a4) int { return cmp.Compare(a, b) }
func (a a4) next() a4         { return a + 1 }
func (a a4) prev() a4         { return a - 1 }
func (a a4) unit() uint64     { return uint64(a) }

func (a a6) unit() uint64 { return a.hi }

func (a a6) compare(b a6) int {
	if a.hi != b.hi {
		return cmp.Compare(a.hi, b.hi)
	}
	return cmp.Compare(a.lo, b.lo)
}

func (a a6) next() a6 {
	lo, carry := bits.Add64(a.lo, 1, 0)
	return a6{a.hi + carry, lo}
}

func (a a6) prev() a6 {
	lo, borrow := bits.Sub64(a.lo, 1, 0)
	return a6{a.hi - borrow, lo}
}

func num4(a netip.Addr) a4 {
	b := a.As4()
	return a4(binary.BigEndian.Uint32(b[:]))
}

func num6(a netip.Addr) a6 {
	b := a.As16()
	return a6{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// last4 and last6 return the last address of the prefix that begins at a.
func last4(a a4, n int) a4 { return a | a4(uint64(1)<<(32-n)-1) }

func last6(a a6, n int) a6 {
	if n < 64 {
		return a6{a.hi | (1<<(64-n) - 1), 1<<64 - 1}
	}
	return a6{a.hi, a.lo | (uint64(1)<<(128-n) - 1)}
}

// A span is the addresses lo to hi, both included. before is how many units lie
// in the spans before it; a unit shared with the span before is not counted
// there, so that positions can be subtracted.
type span[T point[T]] struct {
	lo, hi T
	before uint64
}

// rank is the position of p, which is in s, among the units of the set.
func (s span[T]) rank(p T) uint64 { return s.before + (p.unit() - s.lo.unit()) }

// push adds lo to hi at the end of spans, joined to the last one where they
// touch. Spans must come in the order of lo.
func push[T point[T]](spans []span[T], lo, hi T) []span[T] {
	if len(spans) == 0 {
		return append(spans, span[T]{lo: lo, hi: hi})
	}
	last := &spans[len(spans)-1]
	if lo.compare(last.hi) <= 0 || last.hi.next() == lo {
		if hi.compare(last.hi) > 0 {
			last.hi = hi
		}
		return spans
	}
	before := last.rank(last.hi)
	if last.hi.unit() != lo.unit() {
		before++
	}
	return append(spans, span[T]{lo, hi, before})
}

// join sorts spans and unites those that overlap or touch, in place.
func join[T point[T]](spans []span[T]) []span[T] {
	byStart := func(a, b span[T]) int { return a.lo.compare(b.lo) }
	if !slices.IsSortedFunc(spans, byStart) {
		slices.SortFunc(spans, byStart)
	}
	out := spans[:0]
	for _, s := range spans {
		out = push(out, s.lo, s.hi)
	}
	return out
}

func union[T point[T]](a, b []span[T]) []span[T] {
	if len(a) == 0 {
		return b
	}
	if len(b) == 0 {
		return a
	}
	out := make([]span[T], 0, len(a)+len(b))
	for len(a) > 0 || len(b) > 0 {
		if len(b) == 0 || len(a) > 0 && a[0].lo.compare(b[0].lo) <= 0 {
			out, a = push(out, a[0].lo, a[0].hi), a[1:]
		} else {
			out, b = push(out, b[0].lo, b[0].hi), b[1:]
		}
	}
	return out
}

func intersect[T point[T]](a, b []span[T]) []span[T] {
	var out []span[T]
	for len(a) > 0 && len(b) > 0 {
		lo, hi := a[0].lo, a[0].hi
		if b[0].lo.compare(lo) > 0 {
			lo = b[0].lo
		}
		if b[0].hi.compare(hi) < 0 {
			hi = b[0].hi
		}
		if lo.compare(hi) <= 0 {
			out = push(out, lo, hi)
		}
		if a[0].hi.compare(b[0].hi) < 0 {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return out
}

func subtract[T point[T]](a, b []span[T]) []span[T] {
	var out []span[T]
	for _, s := range a {
		if len(b) > 0 && b[0].hi.compare(s.lo) < 0 {
			b = b[find(b, s.lo):] // there may be many of them, and few of a
		}
		out = without(out, s.lo, s.hi, b)
	}
	return out
}

// without adds to out what is left of lo to hi when holes, which end at lo or
// later, are cut out of it.
func without[T point[T]](out []span[T], lo, hi T, holes []span[T]) []span[T] {
	for _, h := range holes {
		if h.lo.compare(hi) > 0 {
			break
		}
		if lo.compare(h.lo) < 0 {
			out = push(out, lo, h.lo.prev())
		}
		if h.hi.compare(hi) >= 0 {
			return out
		}
		lo = h.hi.next()
	}
	return push(out, lo, hi)
}

// find returns the index of the first span that ends at p or later.
func find[T point[T]](spans []span[T], p T) int {
	i, _ := slices.BinarySearchFunc(spans, p, func(s span[T], p T) int { return s.hi.compare(p) })
	return i
}

func holds[T point[T]](spans []span[T], p T) bool {
	i := find(spans, p)
	return i < len(spans) && spans[i].lo.compare(p) <= 0
}

// count returns how many units of lo to hi are in spans.
func count[T point[T]](spans []span[T], lo, hi T) uint64 {
	i := find(spans, lo)
	if i == len(spans) || spans[i].lo.compare(hi) > 0 {
		return 0
	}
	j := find(spans, hi)
	if j == len(spans) || spans[j].lo.compare(hi) > 0 {
		j--
	}
	if spans[i].lo.compare(lo) > 0 {
		lo = spans[i].lo
	}
	if spans[j].hi.compare(hi) < 0 {
		hi = spans[j].hi
	}
	return plus(spans[j].rank(hi)-spans[i].rank(lo), 1)
}

// size returns how many units are in spans.
func size[T point[T]](spans []span[T]) uint64 {
	if len(spans) == 0 {
		return 0
	}
	last := spans[len(spans)-1]
	return plus(last.rank(last.hi), 1)
}

func same[T point[T]](a, b []span[T]) bool {
	return slices.EqualFunc(a, b, func(s, t span[T]) bool { return s.lo == t.lo && s.hi == t.hi })
}
