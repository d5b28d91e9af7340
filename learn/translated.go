package learn

import (
	"net/netip"

	"tripline/ipranges"
)

// Space whose addresses hold an IPv4 address and reach it: translators (RFC
// 6052), translators of a network's own (RFC 8215), 6to4 (RFC 3056).
var (
	wellKnown  = netip.MustParsePrefix("64:ff9b::/96")
	local      = netip.MustParsePrefix("64:ff9b:1::/48")
	sixToFour  = netip.MustParsePrefix("2002::/16")
	localSpace = ipranges.NewSet(local)
)

// translated adds to s what reaches its IPv4 addresses by way of IPv6.
func translated(s ipranges.Set) ipranges.Set {
	prefixes := s.Prefixes()
	for _, p := range s.Prefixes() {
		if p.Addr().Is4() {
			prefixes = append(prefixes, holding(wellKnown, p), holding(sixToFour, p))
		}
	}
	return ipranges.NewSet(prefixes...)
}

// holding returns the part of space whose addresses hold one of p, right behind
// the bits of the space.
func holding(space, p netip.Prefix) netip.Prefix {
	b, v4 := space.Addr().As16(), p.Addr().As4()
	copy(b[space.Bits()/8:], v4[:])
	return netip.PrefixFrom(netip.AddrFrom16(b), space.Bits()+p.Bits())
}

// held returns the IPv4 address that a network's own translator holds in the
// last bits of a, as most do; other addresses are themselves.
func held(a netip.Addr) netip.Addr {
	if !local.Contains(a) {
		return a
	}
	b := a.As16()
	return netip.AddrFrom4([4]byte(b[12:]))
}
