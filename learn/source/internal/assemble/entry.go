package assemble

import (
	"tripline/learn"
	"tripline/learn/source/internal/packet"
)

// A key is what both directions of a flow have in common: the smaller address
// and port first. It has no padding, so that it is hashed at once.
type key struct {
	a, b packet.Addr
	rest uint64 // port of a, port of b, protocol
}

// keyOf returns the key of a packet and its direction: 0 from a to b, else 1.
func keyOf(p *packet.Packet) (key, int) {
	if p.Src.Less(p.Dst) || p.Src == p.Dst && p.SrcPort <= p.DstPort {
		return key{p.Src, p.Dst, uint64(p.SrcPort)<<32 | uint64(p.DstPort)<<16 | uint64(p.Proto)}, 0
	}
	return key{p.Dst, p.Src, uint64(p.DstPort)<<32 | uint64(p.SrcPort)<<16 | uint64(p.Proto)}, 1
}

func (k *key) port(side int) uint16 {
	if side == 0 {
		return uint16(k.rest >> 32)
	}
	return uint16(k.rest >> 16)
}

func (k *key) proto() learn.Proto { return learn.Proto(k.rest) }

// An entry is a flow in the table. Where it has two values they are those of
// the directions of its key.
type entry struct {
	key                  key
	prev, next           *entry
	start, last, touched int64
	bytes, told          [2]uint64
	name                 string
	face                 string
	talk                 *talk // what is put together to find a name
	base                 [2]uint32
	isn                  uint32 // of the SYN
	based                [2]bool
	fin                  [2]bool
	seen                 [2]bool // packets
	looked               [2]bool // at what it says first
	client               uint8   // the direction of the client
	evidence             learn.Evidence
	class, list          class
	live                 bool
	sure                 bool // which side is the client
	syn                  bool // was seen
	opens                bool
	rst                  bool
	hidden               bool
	settled              bool // there is nothing more to find
	delivered            bool
}

// begin reads the first packet of a flow: who is the client?
func (e *entry) begin(p *packet.Packet, dir int) {
	e.client, e.opens = uint8(dir), true
	switch p.Proto {
	case uint8(learn.TCP):
		e.beginTCP(p, dir)
	case uint8(learn.UDP):
		e.sure = true
		if p.SrcPort < 1024 && p.DstPort >= 1024 {
			e.client ^= 1 // an answer to what was not captured
		}
	default:
		e.sure, e.settled = true, true
		if p.Proto == uint8(learn.ICMP) || p.Proto == uint8(learn.ICMPv6) {
			e.opens = p.IsEcho()
		}
	}
}

// beginTCP goes by the handshake, and where it was not captured by the ports.
func (e *entry) beginTCP(p *packet.Packet, dir int) {
	switch p.Flags & (packet.SYN | packet.ACK) {
	case packet.SYN:
		e.sure = true
	case packet.SYN | packet.ACK:
		e.client, e.sure = uint8(dir^1), true
	default:
		if p.SrcPort < 1024 && p.DstPort >= 1024 || p.SrcPort < 32768 && p.DstPort >= 32768 {
			e.client ^= 1
		}
	}
}

// over says whether a packet begins another connection between the same ports.
func (e *entry) over(p *packet.Packet, dir int) bool {
	if p.Proto != uint8(learn.TCP) || p.Flags&(packet.SYN|packet.ACK) != packet.SYN {
		return false
	}
	answered := e.seen[0] && e.seen[1]
	return e.rst || e.fin[0] && e.fin[1] || answered && (!e.syn || dir != int(e.client) || p.Seq != e.isn)
}

// track follows the state of a connection.
func (e *entry) track(p *packet.Packet, dir int) {
	e.seen[dir] = true
	if p.Proto != uint8(learn.TCP) {
		e.class = short
		return
	}
	if p.Flags&packet.SYN != 0 {
		e.base[dir], e.based[dir] = p.Seq+1, true
		if p.Flags&packet.ACK == 0 {
			e.syn, e.isn = true, p.Seq
		}
	}
	e.fin[dir] = e.fin[dir] || p.Flags&packet.FIN != 0
	e.rst = e.rst || p.Flags&packet.RST != 0
	switch {
	case e.rst || e.fin[0] && e.fin[1]:
		e.class = closed
	case e.seen[0] && e.seen[1]:
		e.class = open
	default:
		e.class = asked
	}
}

// flow returns the flow as it is now.
func (e *entry) flow() Flow {
	addrs := [2]packet.Addr{e.key.a, e.key.b}
	c, s := int(e.client), int(e.client^1)
	f := Flow{
		Start: e.start, Src: addrs[c].Addr(), Dst: addrs[s].Addr(), Proto: e.key.proto(),
		Name: e.name, Evidence: e.evidence, Hidden: e.hidden, Answered: e.seen[s], Opens: e.opens,
		Rest: e.delivered, Up: e.bytes[c] - e.told[c], Down: e.bytes[s] - e.told[s], Interface: e.face,
	}
	if f.Proto.HasPorts() {
		f.SrcPort, f.DstPort = e.key.port(c), e.key.port(s)
	}
	return f
}
