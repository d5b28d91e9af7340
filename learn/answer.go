package learn

import (
	"net/netip"
	"strings"
	"time"
)

// An Answer is what a client was told a name resolves to: evidence for the
// names of the flows that follow, not a flow. Who says so is a DNS message, a
// resolver's log or a sensor that saw either.
type Answer struct {
	Time   time.Time
	Client netip.Addr    // who asked, unmapped; the zero address if unknown
	Name   string        // what was asked for: the head of the chain, canonical
	Addrs  []netip.Addr  // A and AAAA at its end, unmapped, and address hints of HTTPS and SVCB
	Chain  []string      // CNAMEs between, canonical, in order
	TTL    time.Duration // the shortest of them; negative if the source has none
}

// maxName is the longest name in text form without the last dot (RFC 1035,
// section 2.3.4: 255 octets on the wire).
const maxName = 253

// CanonicalName returns a host name as flows carry it: lower case, without the
// last dot. It is empty, and ok false, for what can be no host name: one that is
// empty or too long, an address, bytes that are not printable ASCII (names of
// other alphabets travel as Punycode), or empty labels.
func CanonicalName(s string) (name string, ok bool) {
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > maxName {
		return "", false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, unfit) {
			return "", false
		}
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return "", false
	}
	return strings.ToLower(s), true
}

// unfit says whether a character has no place in a host name. Underscores and
// other oddities are met in practice; what could end a word or a line is not.
func unfit(r rune) bool {
	return r <= ' ' || r > '~' || strings.ContainsRune("\"'`<>\\/:;,@#%&*?()[]{}|=", r)
}
