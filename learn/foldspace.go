package learn

import (
	"encoding/binary"
	"net/netip"

	"tripline/ipranges"
)

// A family is how addresses become keys of a tree: all bits of an IPv4 address,
// the network half of an IPv6 address (RFC 6177: a subscriber has a /64 at
// least, so the other half says nothing).
type family struct {
	v4     bool
	depth  int // bits of a key
	widest int // no prefix that folding proposes is shorter
}

var families = [...]family{{v4: true, depth: 32, widest: 8}, {depth: 64, widest: 32}}

func familyOf(a netip.Addr) family {
	if a.Is4() {
		return families[0]
	}
	return families[1]
}

func (f family) key(a netip.Addr) uint64 {
	if f.v4 {
		b := a.As4()
		return uint64(binary.BigEndian.Uint32(b[:]))
	}
	b := a.As16()
	return binary.BigEndian.Uint64(b[:8])
}

func (f family) prefix(n node) netip.Prefix {
	if f.v4 {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(n.key))
		return netip.PrefixFrom(netip.AddrFrom4(b), n.bits)
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], n.key)
	return netip.PrefixFrom(netip.AddrFrom16(b), n.bits)
}

// last returns the last key of a node.
func (f family) last(n node) uint64 { return n.key | (1<<(f.depth-n.bits) - 1) }

// size returns how much of this family s opens.
func (f family) size(s ipranges.Set) float64 {
	if f.v4 {
		return float64(s.Exposure().V4)
	}
	return float64(s.Exposure().V6)
}

// homeOf returns the smallest published set that holds a, nothing if there is
// none. Space of which only hosts are admitted has none, whatever is published
// of it.
func (f *folding) homeOf(a netip.Addr) ipranges.Label {
	if f.hosts.Contains(a) {
		return ipranges.Label{}
	}
	l, _ := f.options.Space.Table.Home(a)
	return l
}

// A published is a published set as a candidate: empty if it must not be one.
type published struct {
	set  ipranges.Set
	size float64
}

// published returns what l opens of a family. A set that reaches into space of
// which only hosts are admitted is no candidate.
func (f *folding) published(fam family, l ipranges.Label) published {
	set, ok := f.options.Space.Table.Set(l)
	if !ok || !set.Intersect(f.hosts).IsEmpty() {
		return published{}
	}
	return published{set: set, size: fam.size(set)}
}
