package ipranges

import "net/netip"

// A Purpose is space that is nobody's on the Internet, or everybody's.
type Purpose struct {
	Prefix netip.Prefix
	Name   string // "private use"
	Source string // "RFC 1918"
}

// purposes are the registries of special-purpose addresses (RFC 6890, as IANA
// keeps them), and multicast. They are no labels: no rule may be folded to one.
var purposes = []Purpose{
	purpose("0.0.0.0/8", "this network", "RFC 791"),
	purpose("10.0.0.0/8", "private use", "RFC 1918"),
	purpose("100.64.0.0/10", "shared by a provider's customers", "RFC 6598"),
	purpose("127.0.0.0/8", "this host", "RFC 1122"),
	purpose("169.254.169.254/32", "metadata of a cloud's machines", "RFC 3927"),
	purpose("169.254.0.0/16", "link local", "RFC 3927"),
	purpose("172.16.0.0/12", "private use", "RFC 1918"),
	purpose("192.0.0.0/24", "protocol assignments", "RFC 6890"),
	purpose("192.0.2.0/24", "documentation", "RFC 5737"),
	purpose("192.31.196.0/24", "AS112", "RFC 7535"),
	purpose("192.52.193.0/24", "AMT", "RFC 7450"),
	purpose("192.88.99.0/24", "6to4 relays, no more in use", "RFC 7526"),
	purpose("192.168.0.0/16", "private use", "RFC 1918"),
	purpose("192.175.48.0/24", "AS112", "RFC 7534"),
	purpose("198.18.0.0/15", "benchmarks", "RFC 2544"),
	purpose("198.51.100.0/24", "documentation", "RFC 5737"),
	purpose("203.0.113.0/24", "documentation", "RFC 5737"),
	purpose("224.0.0.0/4", "multicast", "RFC 5771"),
	purpose("240.0.0.0/4", "reserved", "RFC 1112"),
	purpose("255.255.255.255/32", "broadcast", "RFC 919"),
	purpose("::/128", "no address", "RFC 4291"),
	purpose("::1/128", "this host", "RFC 4291"),
	purpose("64:ff9b::/96", "IPv4 by translation", "RFC 6052"),
	purpose("64:ff9b:1::/48", "IPv4 by translation, local", "RFC 8215"),
	purpose("100::/64", "discard", "RFC 6666"),
	purpose("2001::/32", "Teredo", "RFC 4380"),
	purpose("2001::/23", "protocol assignments", "RFC 2928"),
	purpose("2001:db8::/32", "documentation", "RFC 3849"),
	purpose("2002::/16", "6to4", "RFC 3056"),
	purpose("3fff::/20", "documentation", "RFC 9637"),
	purpose("5f00::/16", "segment routing", "RFC 9602"),
	purpose("fc00::/7", "unique local", "RFC 4193"),
	purpose("fe80::/10", "link local", "RFC 4291"),
	purpose("ff00::/8", "multicast", "RFC 4291"),
}

func purpose(prefix, name, source string) Purpose {
	return Purpose{netip.MustParsePrefix(prefix), name, source}
}

// Special returns what a is set apart for, by its longest prefix; ok is false
// for an address of the Internet.
func Special(a netip.Addr) (p Purpose, ok bool) {
	a = a.Unmap().WithZone("")
	for _, q := range purposes {
		if q.Prefix.Contains(a) && (!ok || q.Prefix.Bits() > p.Prefix.Bits()) {
			p, ok = q, true
		}
	}
	return p, ok
}
