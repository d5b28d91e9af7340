package source

import "tripline/learn"

// A Record is one input record as the source understood it. Its flow has no
// agent yet; its time is always set.
type Record struct {
	learn.Flow
	Act         string // the firewall's own word: pass, block, rdr, nat, scrub, ...
	Direction   string // in or out, as seen from the firewall
	Reason      string // why the firewall decided: match is a rule
	Anchor      string
	RuleNumber  int64  // -1 where the log has none; changes with every rule set
	Version     uint8  // of IP: 4 or 6
	Flags       string // of TCP, as logged: S, SA, FPA, ...
	Seq         uint32 // of TCP or ICMP echo, if HasSeq
	HasSeq      bool
	Length      uint32        // of this one packet; never a volume
	DataLength  int64         // of its payload; negative when the packet lies
	Fragment    bool          // a fragment that is logged without ports
	Malformed   bool          // the packet's own headers contradict each other
	ICMP        string        // type of ICMP as logged, "" where the log has none
	ZoneAssumed bool          // the stamp had no zone
	TimeAssumed bool          // the line had no stamp: Time is that of the file
	Counted     bool          // one outbound connection of a local host
	Translated  Ends          // its ends after translation of addresses, zero where nobody said
	Hidden      bool          // the true name of the destination is encrypted (ECH)
	Answer      *learn.Answer // what a name was resolved to; nil for all that is no DNS answer
	Why         Why           // it was counted, or not
}

// A Why says why a record was counted or not, in words for a user. It is one of
// the constants.
type Why string

// Why a record was counted.
const (
	Outbound    Why = "outbound connection"
	OutboundNAT Why = "outbound through NAT: the inside host is not in this line"
	Blocked     Why = "blocked attempt"
)

// Why a record was not counted.
const (
	SameConnection Why = "same connection as the line on the inside"
	SameExchange   Why = "same exchange as an earlier line"
	Retry          Why = "retry of a blocked attempt"
	OutOfState     Why = "out-of-state packet"
	NotARequest    Why = "an ICMP message that opens nothing"
	MalformedPkt   Why = "malformed packet"
	Inbound        Why = "inbound"
	Foreign        Why = "between others: neither end is local"
	TowardsLocal   Why = "towards a host on the inside"
	Translation    Why = "translation or match rule, logged beside the deciding rule"
	NotARule       Why = "dropped by the firewall's own checks, not by a rule"
	Fragmented     Why = "fragment of a packet: the ports are not in this line"
	NoDirection    Why = "neither in nor out"
	Redirected     Why = "redirected by a port forward: the destination asked for is not in this line"
	Multicast      Why = "multicast destination"
	Broadcast      Why = "broadcast destination"
	LinkLocal      Why = "link-local destination"
	Loopback       Why = "loopback destination"
	NoDestination  Why = "unspecified destination"
	ToFirewall     Why = "to the firewall itself"
	Resolution     Why = "a DNS answer: it names the connections that follow"
	NoAnswer       Why = "DNS, but no answer with an address"
	Unasked        Why = "a DNS answer to nobody that the log names"
	Elsewhere      Why = "a connection that another source saw as well"
	Detail         Why = "more about a connection that has a record of its own"
	Passing        Why = "between hosts that are not known to be local"
	Ended          Why = "the end of a connection that was counted when it began"
)
