package netflow

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// A Record is one data record: a flow, or what happened to one. Zero fields were
// not in it.
type Record struct {
	Src, Dst         netip.Addr // unmapped; not valid where the record has none
	SrcPort, DstPort uint16
	NATSrc, NATDst   netip.Addr // after translation
	NATSrcPort       uint16
	NATDstPort       uint16
	Proto            uint8
	HasProto         bool
	Start, End       time.Time // always set
	Octets, Packets  uint64    // from Src to Dst
	Reverse          bool      // both directions are in this record
	ReverseOctets    uint64
	ReversePackets   uint64
	Flags            uint8 // of TCP, of all packets from Src to Dst
	ReverseFlags     uint8
	ICMPType         uint8
	HasICMP          bool
	Input, Output    uint32 // numbers of interfaces
	VLAN             uint16
	Egress           bool  // seen when it left the exporter
	Initiator        uint8 // biflowDirection: 1 is Src, 2 is Dst
	Event            Event
	Dropped          bool   // the exporter refused it
	Host             []byte // of HTTP; valid until the next record is read
	Options          bool   // about the exporter, not about traffic

	exporterTimes
	sampling
}

// An Event is why a record was written, where that is not the end of a flow.
type Event uint8

// The events of firewalls and translators (IANA: firewallEvent, natEvent).
const (
	NoEvent Event = iota
	Began
	Ended
	Updated
	Denied
	OtherEvent // about no connection: a pool is exhausted, a port block assigned
)

// exporterTimes are times as the record has them, in nanoseconds since 1970,
// and in milliseconds since the exporter booted.
type exporterTimes struct {
	start, end, event, boot int64
	deltaStart, deltaEnd    uint32 // microseconds before the export
	first, last             uint32
	hasDelta, hasUptime     bool
}

// sampling is what a record says about it.
type sampling struct {
	rate, taken, passed, size, population uint64
}

// ratio returns how many packets there are for one that is looked at, 0 if the
// record does not say.
func (s *sampling) ratio() uint64 {
	switch {
	case s.taken > 0 && s.passed > 0:
		return (s.taken + s.passed) / s.taken
	case s.taken > 0 && s.rate == 0:
		return s.taken // some write "one in so many" there
	case s.size > 0:
		return s.population / s.size
	}
	return s.rate
}

// set takes a field.
func (r *Record) set(k kind, b []byte) {
	switch k {
	case srcAddr:
		r.Src = address(r.Src, b)
	case dstAddr:
		r.Dst = address(r.Dst, b)
	case natSrcAddr:
		r.NATSrc = address(r.NATSrc, b)
	case natDstAddr:
		r.NATDst = address(r.NATDst, b)
	case httpHost:
		r.Host = b
	default:
		r.setNumber(k, number(b), b)
	}
}

func (r *Record) setNumber(k kind, v uint64, b []byte) {
	switch k {
	case srcPort:
		r.SrcPort = uint16(v)
	case dstPort:
		r.DstPort = uint16(v)
	case natSrcPort:
		r.NATSrcPort = uint16(v)
	case natDstPort:
		r.NATDstPort = uint16(v)
	case protocol:
		r.Proto, r.HasProto = uint8(v), true
	case octets:
		r.Octets = max(r.Octets, v)
	case octetsBeyond:
		if r.Octets == 0 {
			r.Octets = v
		}
	case packets:
		r.Packets = max(r.Packets, v)
	case responderOctets:
		r.ReverseOctets = v
	case responderPackets:
		r.ReversePackets = v
	case tcpFlags:
		r.Flags = b[len(b)-1]
	case reverseFlags:
		r.ReverseFlags = b[len(b)-1]
	case input:
		r.Input = uint32(v)
	case output:
		r.Output = uint32(v)
	default:
		r.setMore(k, v)
	}
}

func (r *Record) setMore(k kind, v uint64) {
	switch k {
	case vlan:
		r.VLAN = uint16(v)
	case direction:
		r.Egress = v == 1
	case biflow:
		r.Initiator = uint8(v)
	case icmpTypeCode:
		r.ICMPType, r.HasICMP = uint8(v>>8), r.HasICMP || v != 0
	case icmpType:
		r.ICMPType, r.HasICMP = uint8(v), true
	case natEvent:
		r.Event = natEventOf(v)
	case firewallEvent:
		r.Event = firewallEventOf(v)
	case forwarding:
		r.Dropped = v>>6 == 2
	case samplingRate:
		r.rate = max(r.rate, v)
	case samplingInterval:
		r.taken = v
	case samplingSpace:
		r.passed = v
	case samplingSize:
		r.size = v
	case samplingPopulation:
		r.population = v
	default:
		r.exporterTimes.set(k, v)
	}
}

func natEventOf(v uint64) Event {
	switch v {
	case 0:
		return NoEvent
	case 1, 4, 6:
		return Began
	case 2, 5, 7:
		return Ended
	}
	return OtherEvent
}

func firewallEventOf(v uint64) Event {
	switch v {
	case 1:
		return Began
	case 2:
		return Ended
	case 3:
		return Denied
	case 5:
		return Updated
	}
	return NoEvent
}

// address reads one. A record may have fields for both families, one of them
// unused.
func address(was netip.Addr, b []byte) netip.Addr {
	a, ok := netip.AddrFromSlice(b)
	if a = a.Unmap(); !ok || a.IsUnspecified() && was.IsValid() {
		return was
	}
	return a
}

// number reads an integer of any length up to eight bytes (RFC 7011, section
// 6.2); 0 for what is longer.
func number(b []byte) (v uint64) {
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.BigEndian.Uint16(b))
	case 4:
		return uint64(binary.BigEndian.Uint32(b))
	case 8:
		return binary.BigEndian.Uint64(b)
	case 3, 5, 6, 7:
		for _, c := range b {
			v = v<<8 | uint64(c)
		}
	}
	return v
}
