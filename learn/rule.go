package learn

import (
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
}

// How a rule came to be.
const (
	Learned = "learned" // folding proposed it
	Allowed = "allowed" // a person asked for exactly this one
	Edited  = "edited"  // a person changed the proposal
)

// A Rule admits destinations of one agent.
type Rule struct {
	To     To
	Ports  []Service // ascending
	Seen   Seen
	Admits ipranges.Exposure
	Addrs  []netip.Addr // with To.Name: the addresses seen behind it, ascending
	From   string       // Learned, Allowed or Edited
}
