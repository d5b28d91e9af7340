package source

import (
	"strings"

	"tripline/learn"
)

const (
	protoTCP = learn.TCP
	protoUDP = learn.UDP

	echoRequest = "request" // ICMP type 8 in the words of pfSense
	echoreq     = "echoreq" // in those of OPNsense, and of ICMPv6 as well
)

// opensNothing says why a packet does not begin anything, "" if it does. The
// firewall logs every packet it refuses, late ones of dead connections included.
func opensNothing(r *Record) Why {
	switch r.Proto {
	case learn.TCP:
		if r.Malformed && r.Flags == "" {
			return MalformedPkt
		}
		if !opensTCP(r.Flags) {
			return OutOfState
		}
	case learn.ICMP, learn.ICMPv6:
		// Where the log has no type it may well have been a request.
		if r.ICMP != "" && r.ICMP != echoRequest && r.ICMP != echoreq {
			return NotARequest
		}
	default: // the rest has no sign of being a first packet
	}
	return ""
}

// opensTCP says whether these are the flags of a first packet: S, and of the
// others only those that negotiate congestion or carry data.
func opensTCP(flags string) bool {
	return strings.Contains(flags, "S") && !strings.ContainsAny(flags, "ARF")
}
