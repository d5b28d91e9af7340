package ctnetlink

import (
	"time"

	ct "github.com/ti-mo/conntrack"

	"tripline/learn"
	"tripline/learn/source/internal/conntrack"
)

// lineOf is what the kernel said as conntrack(8) would print it; ok is false where
// a direction has no address.
func lineOf(kind conntrack.Event, f *ct.Flow, now time.Time) (l conntrack.Line, ok bool) {
	l = conntrack.Line{Time: now, Event: kind, Proto: f.TupleOrig.Proto.Protocol, ID: uint64(f.ID)}
	l.Original, ok = tupleOf(&f.TupleOrig, f.CountersOrig.Bytes)
	if !ok {
		return l, false
	}
	l.Reply, ok = tupleOf(&f.TupleReply, f.CountersReply.Bytes)
	if p := learn.Proto(l.Proto); p == learn.ICMP || p == learn.ICMPv6 {
		l.HasType, l.Type = true, f.TupleOrig.Proto.ICMPType
	}
	at := f.Timestamp.Start
	if kind == conntrack.Destroyed && !f.Timestamp.Stop.IsZero() {
		at = f.Timestamp.Stop
	}
	if !at.IsZero() && at.Unix() > 0 {
		l.Time = at
	}
	return l, ok
}

func tupleOf(t *ct.Tuple, bytes uint64) (conntrack.Tuple, bool) {
	src, dst := t.IP.SourceAddress.Unmap().WithZone(""), t.IP.DestinationAddress.Unmap().WithZone("")
	return conntrack.Tuple{
		Src: src, Dst: dst, SrcPort: t.Proto.SourcePort, DstPort: t.Proto.DestinationPort, Bytes: bytes,
	}, src.IsValid() && dst.IsValid() && src.Is4() == dst.Is4()
}
