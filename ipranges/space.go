package ipranges

import "net/netip"

// An AS is an autonomous system that announces an address. Org is hostile
// text: escape it before it is shown.
type AS struct {
	Number uint32
	Org    string
	Prefix netip.Prefix // the announced network that holds the address
}

// ASNs says which autonomous system announces an address.
type ASNs interface {
	// AS returns the system that announces a; ok is false if none is known.
	AS(a netip.Addr) (as AS, ok bool)
	// Announced returns all addresses the system announces.
	Announced(number uint32) Set
}

// A Space is everything that is known of addresses. Both fields may be nil:
// then nothing is known, and folding has prefixes only.
type Space struct {
	Table *Table
	ASNs  ASNs
}

// AS returns the system that announces a.
func (s Space) AS(a netip.Addr) (AS, bool) {
	if s.ASNs == nil {
		return AS{}, false
	}
	return s.ASNs.AS(a)
}
