package source

import (
	"time"

	"tripline/learn"
	"tripline/learn/source/internal/conntrack"
)

// What conntrack(8) prints: "conntrack -E -o timestamp,id" as it happens, or the
// table, "conntrack -L". The original tuple is what the host itself said, so that
// a container behind a translated address is still itself.
//
//	[1774699200.123456]	    [NEW] tcp      6 120 SYN_SENT src=192.0.2.10 dst=203.0.113.7 sport=50001 dport=443 [UNREPLIED] src=203.0.113.7 dst=198.51.100.2 sport=443 dport=50001 id=3668417984
var conntrackSource = Source{
	Name:  "conntrack",
	Short: "Connections of the Linux kernel, live or by conntrack(8)",
	Sees:  Sees{Bytes: true, Passed: true, Blind: "names; refused packets; bytes of connections that were counted when they began"},
	Speaks: Speaks{
		Silent: "the kernel tracks no connection of a local host",
		How:    "on the host or gateway, as root: sysctl net.netfilter.nf_conntrack_acct=1; conntrack -E -o timestamp,id >> conntrack.log. Only where a rule of a firewall or NAT uses it is anything tracked",
		Where:  "name what conntrack -E -o timestamp,id printed",
	},
	Lines: func(o Options) Parser { return newConntrackParser(o) },
	Live:  openTracked,
	Sniff: sniffLog,
}

type conntrackParser struct {
	decoder *conntrack.Decoder
	place   place
	seen    *seenSet
	line    conntrack.Line
}

func newConntrackParser(o Options) *conntrackParser {
	return &conntrackParser{
		decoder: conntrack.New(o.Zone), place: place{local: o.Local, firewall: o.Firewall}, seen: newSeenSet(0),
	}
}

// Parse implements [Parser].
func (p *conntrackParser) Parse(line []byte, newest time.Time, r *Record) error {
	l := &p.line
	if err := p.decoder.Decode(line, newest, l); err != nil {
		*r = Record{}
		return &RecordError{Source: "conntrack", Field: err.Field, Cause: err.Cause, Text: err.Text}
	}
	if l.Timeless {
		l.Time = newest
	}
	p.judge(r, l)
	return nil
}

// judge sets every field of r.
func (p *conntrackParser) judge(r *Record, l *conntrack.Line) {
	fillTracked(r, l)
	r.Time = r.Time.Add(-l.Age)
	if r.Why = p.aside(r, l); r.Why == "" {
		r.Why = p.once(r, l)
	}
	r.Counted = r.Why == Outbound
}

// State implements [Parser].
func (p *conntrackParser) State() []byte { return p.seen.state() }

// Restore implements [Parser].
func (p *conntrackParser) Restore(state []byte) error { return p.seen.restore(state) }

// fillTracked sets every field of r.
func fillTracked(r *Record, l *conntrack.Line) {
	*r = Record{
		Flow: learn.Flow{
			Time: l.Time, Proto: learn.Proto(l.Proto),
			Src: l.Original.Src, Dst: l.Original.Dst, SrcPort: l.Original.SrcPort, DstPort: l.Original.DstPort,
			Up: l.Original.Bytes, Down: l.Reply.Bytes,
		},
		Act: l.Event.String(), RuleNumber: -1, Version: 6,
		ZoneAssumed: l.Zoneless, TimeAssumed: l.Timeless,
	}
	if r.Src.Is4() {
		r.Version = 4
	}
	r.Translated = outerEnds(l)
	if l.HasType {
		r.ICMP = icmpWord(r.Proto, l.Type)
	}
}

// aside says why a connection is none of a host towards a destination of
// interest, "" if it is.
func (p *conntrackParser) aside(r *Record, l *conntrack.Line) Why {
	switch {
	case r.Src.IsLoopback():
		return Loopback
	case p.place.isFirewall(r.Dst) && !p.place.isLocal(r.Src):
		return Inbound
	case !p.place.isLocal(r.Src) && !p.place.isLocal(l.Reply.Src):
		return Foreign
	case !p.place.isLocal(r.Src):
		return Inbound
	}
	return p.place.noDestination(r.Dst)
}

// once counts a connection when it is first met, at its end at the latest.
func (p *conntrackParser) once(r *Record, l *conntrack.Line) Why {
	key := p.seen.keys.tuple(keyTuple, r, l.ID)
	if l.Event == conntrack.Destroyed {
		was := p.seen.has(key)
		p.seen.forget(key)
		if was {
			return Ended
		}
		return Outbound
	}
	if l.Event == conntrack.Opened { // the same five values may be used again
		p.seen.forget(key)
	}
	if p.seen.meet(key, 0) {
		return Detail
	}
	return Outbound
}

// outerEnds returns the ends after translation: those of the replies, the other
// way round. It is zero where they are the same.
func outerEnds(l *conntrack.Line) Ends {
	from, to := &l.Original, &l.Reply
	out := Ends{to.Dst, to.Src, to.DstPort, to.SrcPort}
	in := Ends{from.Src, from.Dst, from.SrcPort, from.DstPort}
	if out == in || !to.Src.IsValid() || !to.Dst.IsValid() {
		return Ends{}
	}
	return out
}
