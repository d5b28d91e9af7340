package scan

import "math"

// Uint reads a decimal number of at most maximum. Signs, blanks and an empty
// field are no number.
func Uint(b []byte, maximum uint64) (uint64, bool) {
	if len(b) == 0 || len(b) > 19 {
		return 0, false
	}
	var n uint64
	for _, c := range b {
		d := c - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + uint64(d)
	}
	return n, n <= maximum
}

// Port reads a port; one that is left out, a nil field, is 0.
func Port(b []byte) (uint16, bool) {
	if b == nil {
		return 0, true
	}
	n, ok := Uint(b, math.MaxUint16)
	return uint16(n), ok
}

// Int reads a decimal number that may be negative, of at most 18 digits.
func Int(b []byte) (int64, bool) {
	if len(b) > 0 && b[0] == '-' {
		n, ok := Uint(b[1:], 1e18)
		return -int64(n), ok
	}
	n, ok := Uint(b, 1e18)
	return int64(n), ok
}

// two reads exactly two digits.
func two(b []byte) (int, bool) {
	if len(b) < 2 {
		return 0, false
	}
	hi, lo := b[0]-'0', b[1]-'0'
	return int(hi)*10 + int(lo), hi <= 9 && lo <= 9
}
