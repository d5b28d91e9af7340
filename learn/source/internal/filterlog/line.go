package filterlog

import (
	"net/netip"
	"time"
)

// A Line is one line of the log. Its strings are owned and printable.
type Line struct {
	Time     time.Time // zero if Timeless
	Timeless bool      // the line had no stamp
	Zoneless bool      // the stamp had no zone

	Rule      int64 // number of the rule, -1 if there is none
	Anchor    string
	Tracker   string // pfSense: decimal; OPNsense: 32 hex digits, a UUID or 0
	Interface string
	Reason    string
	Act       string
	Direction string

	Version    uint8
	Proto      uint8
	TTL        uint8
	ID         uint16
	Offset     uint32 // of the fragment, in bytes; of IPv6, a lower bound
	Frag       string // DF, +, rsvd or none; "" in IPv6
	Length     uint32 // IPv4: of the packet; IPv6: of its payload
	Src, Dst   netip.Addr
	SrcPort    uint16
	DstPort    uint16
	DataLength int64

	Flags   string // of TCP
	Seq     uint32 // of TCP or ICMP echo
	HasSeq  bool
	ICMP    string // type in the log's words, "" if the log has none
	ICMPID  uint16
	BadData bool // the transport's values contradict themselves, or are missing
}
