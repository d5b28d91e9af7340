package source

import (
	"net/netip"
	"slices"

	"tripline/learn"
)

// A place answers where an address is, as far as a firewall's log can know.
type place struct {
	local    []netip.Prefix
	firewall []netip.Addr
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// isLocal says whether a is private or one of the user's own networks.
func (p *place) isLocal(a netip.Addr) bool {
	return a.IsPrivate() || isShared(a) || p.isOwn(a)
}

// isOwn says whether a is in a network the user named.
func (p *place) isOwn(a netip.Addr) bool {
	for _, n := range p.local {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// isShared says whether a is in 100.64.0.0/10 (RFC 6598), which overlays use
// between hosts and providers use behind their translation.
func isShared(a netip.Addr) bool {
	if !a.Is4() {
		return false
	}
	b := a.As4()
	return b[0] == 100 && b[1]&0xc0 == 64
}

// isHost says whether a is local and a host's. An agent that asks a cloud about
// its machine is news, though that address is private.
func (p *place) isHost(a netip.Addr) bool { return p.isLocal(a) && !learn.Metadata(a) }

// noDestination says why a is no destination of interest, "" if it is one.
func (p *place) noDestination(a netip.Addr) Why {
	switch {
	case a.IsMulticast():
		return Multicast
	case a.IsUnspecified():
		return NoDestination
	case a.IsLoopback():
		return Loopback
	case a.IsLinkLocalUnicast() && !learn.Metadata(a):
		return LinkLocal
	case a == broadcast || p.isBroadcast(a):
		return Broadcast
	case p.isFirewall(a):
		return ToFirewall
	}
	return ""
}

func (p *place) isFirewall(a netip.Addr) bool {
	return len(p.firewall) > 0 && slices.Contains(p.firewall, a)
}

// isBroadcast says whether a is the last address of a network the user named.
// Other networks' sizes are unknown here.
func (p *place) isBroadcast(a netip.Addr) bool {
	if !a.Is4() {
		return false
	}
	for _, n := range p.local {
		if n.Addr().Is4() && n.Bits() < 31 && n.Contains(a) && last4(n) == a {
			return true
		}
	}
	return false
}

func last4(n netip.Prefix) netip.Addr {
	b := n.Masked().Addr().As4()
	for i := n.Bits(); i < 32; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	return netip.AddrFrom4(b)
}
