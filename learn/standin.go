package learn

import (
	"crypto/sha256"
	"net/netip"

	"tripline/ipranges"
)

// standIns is where addresses are that stand for names which nobody looked up. Its
// "global ID" (RFC 4193, section 3.2.1) was chosen, not drawn: it spells "tripl".
var standIns = netip.MustParsePrefix("fd74:7269:706c:2::/64")

var standInSet = ipranges.NewSet(standIns)

// StandIn returns what stands in a flow or a rule for the address of a name that
// nobody looked up, always the same for a name. No rule opens it and no firewall is
// told of it.
func StandIn(name string) netip.Addr {
	sum := sha256.Sum256([]byte(name))
	a := standIns.Addr().As16()
	copy(a[8:], sum[:8])
	return netip.AddrFrom16(a)
}

// Place is an endpoint in words: by its name, where its address only stands for that.
func Place(dst netip.Addr, name string, s Service) string {
	if IsStandIn(dst) && name != "" {
		return Endpoint(name, s)
	}
	return Endpoint(dst.String(), s)
}

// IsStandIn says whether an address only stands for a name.
func IsStandIn(a netip.Addr) bool { return standIns.Contains(a) }
