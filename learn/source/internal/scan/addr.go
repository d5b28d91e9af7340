package scan

import "net/netip"

// IPv4 reads a dotted quad: four decimal numbers without leading zeros.
func IPv4(b []byte) (netip.Addr, bool) {
	q, ok := quad(b)
	return netip.AddrFrom4(q), ok
}

// IPv4 reads the next field as a dotted quad, in one pass. An address that
// nothing follows is refused: it may have been cut. If it is no address nothing
// is passed over.
func (f *Fields) IPv4(sep byte) (netip.Addr, bool) {
	var q [4]byte
	n, digits, at := uint(0), 0, 0
	for i, c := range f.text[f.at:] {
		if d := uint(c - '0'); d <= 9 {
			if n = n*10 + d; n > 255 || digits > 0 && n < 10 {
				break
			}
			digits++
			continue
		}
		if digits == 0 || at == 3 && c != sep || at < 3 && c != '.' {
			break
		}
		q[at] = byte(n)
		if at == 3 {
			f.at += i + 1
			return netip.AddrFrom4(q), true
		}
		at, n, digits = at+1, 0, 0
	}
	return netip.Addr{}, false
}

func quad(b []byte) (q [4]byte, ok bool) {
	n, digits, at := uint(0), 0, 0
	for _, c := range b {
		switch d := uint(c) - '0'; {
		case d <= 9:
			if n = n*10 + d; n > 255 || digits > 0 && n < 10 {
				return q, false
			}
			digits++
		case c == '.' && digits > 0 && at < 3:
			q[at] = byte(n)
			at, n, digits = at+1, 0, 0
		default:
			return q, false
		}
	}
	q[at] = byte(n)
	return q, at == 3 && digits > 0
}

// IPv6 reads the text form of RFC 4291, section 2.2, without a zone. An IPv4
// address mapped into IPv6 comes back as IPv4.
func IPv6(b []byte) (netip.Addr, bool) {
	var a [16]byte
	at, gap := 0, -1 // bytes written; where "::" was met
	if len(b) >= 2 && b[0] == ':' && b[1] == ':' {
		b, gap = b[2:], 0
	}
	for len(b) > 0 {
		if at == 16 {
			return netip.Addr{}, false
		}
		n, length := hextet(b)
		if length < len(b) && b[length] == '.' {
			q, ok := quad(b)
			if !ok || at > 12 {
				return netip.Addr{}, false
			}
			copy(a[at:], q[:])
			at += 4
			break
		}
		if length == 0 {
			return netip.Addr{}, false
		}
		a[at], a[at+1] = byte(n>>8), byte(n)
		at += 2
		if b = b[length:]; len(b) == 0 {
			break
		}
		if b[0] != ':' || len(b) == 1 {
			return netip.Addr{}, false
		}
		if b = b[1:]; b[0] == ':' {
			if gap >= 0 {
				return netip.Addr{}, false
			}
			b, gap = b[1:], at
		}
	}
	return expand(&a, at, gap)
}

// hextet reads up to four hexadecimal digits and says how many there were.
func hextet(b []byte) (n uint, length int) {
	for length < len(b) && length < 4 {
		d := hexDigit(b[length])
		if d > 15 {
			break
		}
		n = n<<4 | d
		length++
	}
	return n, length
}

func hexDigit(c byte) uint {
	switch {
	case c >= '0' && c <= '9':
		return uint(c - '0')
	case c >= 'a' && c <= 'f':
		return uint(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return uint(c-'A') + 10
	}
	return 16
}

// expand fills the gap that "::" left with zeros.
func expand(a *[16]byte, at, gap int) (netip.Addr, bool) {
	if gap < 0 {
		return netip.AddrFrom16(*a).Unmap(), at == 16
	}
	if at == 16 {
		return netip.Addr{}, false
	}
	tail := at - gap
	copy(a[16-tail:], a[gap:at])
	clear(a[gap : 16-tail])
	return netip.AddrFrom16(*a).Unmap(), true
}

// Addr reads an address in text form, without a zone.
func Addr(b []byte) (netip.Addr, bool) {
	if a, ok := IPv4(b); ok {
		return a, true
	}
	return IPv6(b)
}
