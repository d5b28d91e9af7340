package learn

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"tripline/ipranges"
)

// A To is what a rule admits: exactly one of name, label, ASN and prefix.
type To struct {
	Name   string           // an exact name, or "*.example.com" for names below it
	Within []ipranges.Label // with Name: the published sets its addresses were seen in
	Label  ipranges.Label
	ASN    uint32
	Prefix netip.Prefix
}

// String returns the destination in words: a name, "aws/S3/us-east-1",
// "AS64500", an address or a prefix.
func (t To) String() string {
	switch {
	case t.Name != "":
		return t.Name
	case t.Label != ipranges.Label{}:
		return t.Label.String()
	case t.ASN != 0:
		return fmt.Sprintf("AS%d", t.ASN)
	case t.Prefix.IsValid() && t.Prefix.IsSingleIP():
		return t.Prefix.Addr().String()
	}
	return t.Prefix.String()
}

// Seen is the evidence for a rule.
type Seen struct {
	Destinations int // distinct addresses or names, per port
	Blocks       int // hours in which any of them was seen
	Runs         int
	First, Last  time.Time // days, in UTC

	// Of a wildcard: how many names were seen below it, and the day when the
	// last of them came.
	Names int
	New   time.Time
}

// How a rule came to be.
const (
	Learned = "learned" // folding proposed it
	Allowed = "allowed" // a person asked for exactly this one
	Edited  = "edited"  // a person changed the proposal
	Merged  = "merged"  // it came from the baseline of another host
)

// A Rule admits destinations of one agent.
type Rule struct {
	To     To
	Ports  []Service // ascending
	Seen   Seen
	Admits ipranges.Exposure
	Addrs  []netip.Addr // with To.Name: the addresses seen behind it, ascending
	From   string       // Learned, Allowed, Edited or Merged
}

// ErrNoRanges is returned where a rule names a published set or an autonomous
// system that no stored range data holds.
var ErrNoRanges = errors.New("no ranges are stored for it")

// Single says whether t names hosts one by one, not a range of them.
func (t To) Single() bool {
	return t.Name != "" || t.Prefix.IsValid() && t.Prefix.IsSingleIP()
}

// Set returns the addresses t admits with what is known of addresses now; addrs
// are those seen behind a name.
func (t To) Set(space ipranges.Space, addrs []netip.Addr) (ipranges.Set, error) {
	switch {
	case t.Name != "":
		return hosts(addrs), nil
	case t.Label != ipranges.Label{}:
		if set, ok := space.Table.Set(t.Label); ok {
			return set, nil
		}
		return ipranges.Set{}, WithHint(ErrNoRanges, "tripline ranges pull %s", t.Label.Provider)
	case t.ASN != 0:
		if space.ASNs != nil {
			return space.ASNs.Announced(t.ASN), nil
		}
		return ipranges.Set{}, WithHint(ErrNoRanges, "tripline ranges import GeoLite2-ASN.mmdb")
	}
	return ipranges.NewSet(t.Prefix), nil
}

func hosts(addrs []netip.Addr) ipranges.Set {
	prefixes := make([]netip.Prefix, len(addrs))
	for i, a := range addrs {
		prefixes[i] = netip.PrefixFrom(a, a.BitLen())
	}
	return ipranges.NewSet(prefixes...)
}
