package scan

import "net/netip"

// AddrInto reads the address of a field into a.
func AddrInto(field string, b []byte, a *netip.Addr) *Error {
	v, ok := Addr(b)
	if !ok {
		return Fault(BadAddress, field, b)
	}
	*a = v
	return nil
}

// UintInto reads the number of a field into n, and refuses what does not fit.
func UintInto[N uint8 | uint16 | uint32 | uint64](field string, b []byte, n *N) *Error {
	v, ok := Uint(b, uint64(^N(0)))
	if !ok {
		return Fault(BadNumber, field, b)
	}
	*n = N(v)
	return nil
}
