package main

import (
	"fmt"
	"net/netip"

	"tripline/ipranges"
)

// A level is a fixed way to widen every address that was seen.
type level struct {
	name  string
	rules rules
}

var lengths = []int{32, 26, 24, 22, 20, 18, 16, 15, 14, 13, 12}

// levels are uniform prefixes, and the whole published set or the whole
// autonomous system of each address, the address itself where there is none.
func (s *sample) levels(space ipranges.Space) []level {
	var out []level
	for _, n := range lengths {
		out = append(out, level{fmt.Sprintf("/%d", n), s.uniform(n)})
	}
	label := widened(func(a netip.Addr) (ipranges.Label, bool) { return space.Table.Home(a) },
		func(l ipranges.Label) ipranges.Set { set, _ := space.Table.Set(l); return set })
	asn := widened(func(a netip.Addr) (uint32, bool) { as, ok := space.AS(a); return as.Number, ok }, space.ASNs.Announced)
	return append(out, level{"label", label(s)}, level{"ASN", asn(s)})
}

// uniform admits the prefix of the given length around each known address.
func (s *sample) uniform(length int) rules {
	around := func(a netip.Addr) (netip.Prefix, bool) { return netip.PrefixFrom(a, length).Masked(), true }
	return widened(around, func(p netip.Prefix) ipranges.Set { return ipranges.NewSet(p) })(s)
}

// widened admits what set says of the owner of each known address.
func widened[K comparable](owner func(netip.Addr) (K, bool), set func(K) ipranges.Set) func(*sample) rules {
	known := map[K]ipranges.Set{}
	return func(s *sample) rules {
		out := rules{}
		for g, addrs := range s.known {
			done := map[K]bool{}
			for a := range addrs {
				k, ok := owner(a)
				if !ok {
					out[g] = append(out[g], ipranges.NewSet(netip.PrefixFrom(a, a.BitLen())))
					continue
				}
				if _, made := known[k]; !made {
					known[k] = set(k)
				}
				if !done[k] {
					done[k] = true
					out[g] = append(out[g], known[k])
				}
			}
		}
		return out
	}
}
