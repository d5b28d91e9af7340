package ipranges

import (
	"math/bits"
	"strconv"
)

// An Exposure is how much a set of addresses opens. IPv6 is counted in /64
// networks, because one subscriber has at least one (RFC 6177); a part of a /64
// counts as one. Both saturate.
type Exposure struct {
	V4 uint64 // IPv4 addresses
	V6 uint64 // IPv6 /64 networks
}

// Plus returns the sum. It is the exposure of both sets only if they are
// disjoint.
func (e Exposure) Plus(f Exposure) Exposure {
	return Exposure{V4: plus(e.V4, f.V4), V6: plus(e.V6, f.V6)}
}

// IsZero says whether nothing is opened.
func (e Exposure) IsZero() bool { return e.V4 == 0 && e.V6 == 0 }

// Total returns addresses and networks together, the size that rules are
// ordered by.
func (e Exposure) Total() uint64 { return plus(e.V4, e.V6) }

// String returns "1,524,736", "3 /64" or "1,524,736 + 3 /64".
func (e Exposure) String() string {
	switch {
	case e.V6 == 0:
		return Thousands(e.V4)
	case e.V4 == 0:
		return Thousands(e.V6) + " /64"
	}
	return Thousands(e.V4) + " + " + Thousands(e.V6) + " /64"
}

// Thousands writes n in groups of three digits.
func Thousands(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func plus(a, b uint64) uint64 {
	sum, carry := bits.Add64(a, b, 0)
	if carry != 0 {
		return 1<<64 - 1
	}
	return sum
}
