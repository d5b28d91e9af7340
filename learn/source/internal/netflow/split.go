package netflow

import "encoding/binary"

// Longest is the longest datagram there is.
const Longest = 1 << 16

// Split returns the length of the first datagram in b, where several follow each
// other without anything between. More says that b may not have all of it: read
// on, up to [Longest] bytes, and ask again. At the end of the input, what is there
// is all there is. 0 means that none begins here.
func Split(b []byte) (n int, more bool) {
	if len(b) < 4 {
		return len(b), true
	}
	switch binary.BigEndian.Uint16(b) {
	case 5:
		n = header5 + record5*int(binary.BigEndian.Uint16(b[2:]))
	case 9:
		return split9(b)
	case 10:
		n = max(header10, int(binary.BigEndian.Uint16(b[2:])))
	default:
		return 0, false
	}
	return min(n, len(b)), n > len(b)
}

// split9 walks over the sets of NetFlow v9, which does not say how long it is.
// No set has the number of a version: those below 256 are reserved but for two.
func split9(b []byte) (n int, more bool) {
	if len(b) < header9 {
		return len(b), true
	}
	for n = header9; n < len(b); {
		if len(b)-n < setHead {
			return len(b), true
		}
		id, length := binary.BigEndian.Uint16(b[n:]), int(binary.BigEndian.Uint16(b[n+2:]))
		switch {
		case id == 0 && length == 0: // padding
			length = setHead
		case id > 1 && id < 256:
			return n, false
		case length < setHead:
			return len(b), len(b) < Longest
		}
		if n+length > len(b) {
			return len(b), true
		}
		n += length
	}
	return n, true
}

// Begins says whether b begins like a datagram.
func Begins(b []byte) bool {
	if len(b) < 2 {
		return false
	}
	switch binary.BigEndian.Uint16(b) {
	case 5, 9, 10:
		return true
	}
	return false
}

// Complete says whether b is as long as it says that it is.
func Complete(b []byte) bool {
	n, more := Split(b)
	return n == len(b) && (!more || len(b) >= header9 && binary.BigEndian.Uint16(b) == 9 && whole9(b))
}

// whole9 says whether the sets of NetFlow v9 end where b ends.
func whole9(b []byte) bool {
	for b = b[header9:]; len(b) > 0; {
		if len(b) < setHead {
			return isZero(b)
		}
		id, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if id == 0 && n == 0 {
			n = setHead
		}
		if n < setHead || n > len(b) {
			return false
		}
		b = b[n:]
	}
	return true
}
