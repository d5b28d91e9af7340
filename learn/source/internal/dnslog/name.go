package dnslog

import (
	"net/netip"

	"tripline/learn"
)

// Names gives names as flows carry them, one string for each that was met. It
// forgets them all when there are too many. The zero value is ready.
type Names struct {
	known map[string]string // by what the log says; "" for what can be no host name
}

const mostNames = 1 << 12

// Get returns the canonical form of b, "" if it can be no host name.
func (n *Names) Get(b []byte) string {
	if name, ok := n.known[string(b)]; ok {
		return name
	}
	raw := string(b)
	name, ok := learn.CanonicalName(raw)
	if !ok {
		name = ""
	}
	if n.known == nil || len(n.known) >= mostNames {
		n.known = make(map[string]string)
	}
	if len(raw) < 256 { // what is longer is no name, and not worth keeping
		n.known[raw] = name
	}
	return name
}

// Host says whether an answer can be where somebody then goes: blocking
// resolvers answer with addresses that are nowhere.
func Host(a netip.Addr) bool { return a.IsValid() && !a.IsUnspecified() }
