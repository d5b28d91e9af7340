package netfilter

import (
	"net/netip"
	"time"
)

// A Line is one packet. Its strings are owned and printable.
type Line struct {
	Time     time.Time // zero if Timeless
	Timeless bool      // the line had no stamp
	Zoneless bool      // the stamp had no zone

	Prefix  string // without what syslog put before it; "" if there is none
	Refused bool   // the prefix says so
	In, Out string // interfaces; "" where the packet is of this host itself

	Src, Dst   netip.Addr
	Length     uint32 // of the packet; of IPv6 with its header
	Proto      uint8
	SrcPort    uint16
	DstPort    uint16
	Fragment   bool   // not the first one: it has no ports
	Incomplete bool   // ports were to be expected
	HasFlags   bool   // a TCP header was shown
	Flags      string // of TCP, in the order and letters of pf
	Seq        uint32 // of TCP, or of ICMP echo
	HasSeq     bool
	HasType    bool // of ICMP
	Type       uint8
}
