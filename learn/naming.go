package learn

import "net/netip"

// Names counts how the flows of an agent came by their names: what share of the
// traffic a rule for a name can speak of at all.
type Names struct {
	Flows     uint64
	By        [Proxy + 1]uint64 // by evidence; By[Unnamed] has none
	Ambiguous uint64            // DNS had told several names for the address
	Conflicts uint64            // what the connection said was none of those that DNS told
	Stale     uint64            // DNS had told the name, and it had run out
	Hidden    uint64            // the true name is encrypted (ECH)
	Encrypted uint64            // to resolvers that hide what is asked (RFC 7858, 8484, 9250)
}

// Count adds a flow and how it was named.
func (n *Names) Count(f *Flow, how Naming) {
	n.Flows++
	evidence := f.Evidence
	if f.Name == "" {
		evidence = Unnamed
	}
	n.By[min(evidence, Proxy)]++
	if how.Hidden {
		n.Hidden++
	}
	if how.Stale && f.Evidence == DNS {
		n.Stale++
	}
	switch {
	case len(how.Others) == 0:
	case f.Evidence == DNS:
		n.Ambiguous++
	case !how.Resolved:
		n.Conflicts++
	}
	if EncryptedDNS(f) {
		n.Encrypted++
	}
}

// NamesOf counts the flows of destinations, each by the strongest evidence there
// is for its name. What DNS told beside that is not known any more.
func NamesOf(ds []Destination) (n Names) {
	for i := range ds {
		d := &ds[i]
		evidence := d.Evidence
		if d.Name == "" {
			evidence = Unnamed
		}
		n.Flows += d.Flows
		n.By[min(evidence, Proxy)] += d.Flows
		if EncryptedDNS(&Flow{Proto: d.Proto, Dst: d.Addr, DstPort: d.Port, Name: d.Name}) {
			n.Encrypted += d.Flows
		}
	}
	return n
}

// Named returns how many flows have a name.
func (n *Names) Named() uint64 { return n.Flows - n.By[Unnamed] }

// resolverNames are the hosts of well-known public resolvers for DNS over HTTPS,
// as their operators publish them.
var resolverNames = map[string]bool{
	"dns.google": true, "dns64.dns.google": true,
	"cloudflare-dns.com": true, "one.one.one.one": true, "mozilla.cloudflare-dns.com": true, "chrome.cloudflare-dns.com": true,
	"security.cloudflare-dns.com": true, "family.cloudflare-dns.com": true,
	"dns.quad9.net": true, "dns9.quad9.net": true, "dns10.quad9.net": true, "dns11.quad9.net": true,
	"doh.opendns.com": true, "dns.adguard-dns.com": true, "dns.nextdns.io": true, "doh.dns.sb": true,
	"dns.mullvad.net": true, "freedns.controld.com": true,
}

// isResolver says whether a well-known public resolver answers at a. Port 443
// there is suspected to be DNS over HTTPS; most serve a page as well.
func isResolver(a netip.Addr) bool {
	switch a.String() {
	case "1.1.1.1", "1.0.0.1", "1.1.1.2", "1.0.0.2", "1.1.1.3", "1.0.0.3", "2606:4700:4700::1111", "2606:4700:4700::1001",
		"8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "2001:4860:4860::8844",
		"9.9.9.9", "9.9.9.10", "9.9.9.11", "149.112.112.112", "2620:fe::fe", "2620:fe::9",
		"208.67.222.222", "208.67.220.220", "94.140.14.14", "94.140.15.15", "45.90.28.0", "45.90.30.0":
		return true
	}
	return false
}

// EncryptedDNS says whether f looks like DNS that cannot be read: DNS over TLS or
// QUIC by its port (853), DNS over HTTPS by a well-known resolver's name or
// address. Names asked for that way are not known.
func EncryptedDNS(f *Flow) bool {
	switch {
	case f.DstPort == 853 && (f.Proto == TCP || f.Proto == UDP):
		return true
	case f.DstPort != 443 || f.Proto != TCP && f.Proto != UDP:
		return false
	}
	return isResolver(f.Dst) || resolverNames[f.Name]
}
