package source

import (
	"cmp"
	"time"

	"tripline/learn"
	"tripline/learn/source/internal/eve"
	"tripline/learn/source/internal/scan"
)

// The events of Suricata 4 to 8, one JSON object in a line ("EVE JSON Format" in
// its user guide). A connection has a flow event at its end, and before it what
// its protocols said; flow_id joins them.
//
//	{"timestamp":"2026-03-28T12:00:00.123456+0000","flow_id":1234567890123456,"in_iface":"em1","event_type":"tls","src_ip":"192.0.2.10","src_port":50000,"dest_ip":"203.0.113.7","dest_port":443,"proto":"TCP","tls":{"sni":"api.example.com","version":"TLS 1.3"}}
//
// While following, a connection is counted at the first event that tells of it:
// an alarm must not wait until it ends, and its bytes are not known then. Else it
// is counted at its flow event, with name and bytes, as long as the log has flow
// events; the first of a log are not known to be followed by any, and one that was
// open when Suricata was killed has none. Each further name on one connection, as
// through a proxy, counts as one more.
var eveSource = Source{
	Name:  "eve",
	Short: "Events of Suricata: eve.json",
	Sees:  Sees{Names: true, Bytes: true, Late: true, Blind: "without flow events: all but DNS, TLS, QUIC, HTTP; bytes while following"},
	Lines: func(o Options) Parser { return newEveParser(o) },
	Sniff: sniffEve,
}

// mostWithout is how many other events may come before a log counts as one
// without flow events. Time would not tell: that of a recording is not in order.
const mostWithout = 10_000

type eveParser struct {
	decoder *eve.Decoder
	event   eve.Event
	place   place
	early   bool
	known   eveTable
	names   eveNames
	chain   eveChain
	words   scan.Words
	kind    scan.Last
	face    scan.Last
	icmp    scan.Last
	protos  map[string]learn.Proto
	flows   int64 // for how many more events a flow event is expected
	halves  int64 // the same of netflow events
	drops   eveDrops
}

func newEveParser(o Options) *eveParser {
	return &eveParser{
		decoder: eve.New(o.Zone), place: place{local: o.Local, firewall: o.Firewall}, early: o.Early,
		known: newEveTable(), names: eveNames{}, protos: map[string]learn.Proto{},
	}
}

// Parse implements [Parser].
func (p *eveParser) Parse(line []byte, _ time.Time, r *Record) error {
	if err := p.decoder.Decode(line, &p.event); err != nil {
		p.drops.note(&p.event)
		return p.bad(r, err)
	}
	if err := p.fill(r, &p.event); err != nil {
		return p.bad(r, err)
	}
	p.decide(r, &p.event)
	r.Counted = outgoing(r.Why)
	return nil
}

func (p *eveParser) bad(r *Record, err *scan.Error) error {
	*r = Record{}
	return &RecordError{Source: "eve", Field: err.Field, Cause: err.Cause, Text: err.Text}
}

// fill sets what an event says by itself. Reason is its type.
func (p *eveParser) fill(r *Record, e *eve.Event) *scan.Error {
	proto, ok := p.proto(e.Proto)
	if !ok {
		return scan.Fault(scan.BadText, "proto", e.Proto)
	}
	reason, ok := p.words.Get(&p.kind, e.Type)
	if !ok {
		return scan.Fault(scan.BadText, "event_type", e.Type)
	}
	face, ok := p.words.Get(&p.face, e.Interface)
	if !ok {
		return scan.Fault(scan.BadText, "in_iface", e.Interface)
	}
	*r = Record{
		Flow: learn.Flow{
			Time: e.Time, Proto: proto, Src: e.Src, Dst: e.Dst, SrcPort: e.SrcPort, DstPort: e.DstPort,
			Interface: face, Up: e.Up, Down: e.Down,
		},
		Act: "pass", Reason: reason, RuleNumber: -1, Version: versionOf(e), ICMP: p.icmpType(e.ICMP), ZoneAssumed: e.Zoneless,
	}
	if !proto.HasPorts() {
		r.SrcPort, r.DstPort = 0, 0
	}
	if !e.Start.IsZero() {
		r.Time = e.Start
	}
	if e.Refused {
		r.Act, r.Action = "block", learn.Refused
	}
	return nil
}

func versionOf(e *eve.Event) uint8 {
	if e.Dst.Is4() {
		return 4
	}
	return 6
}

// proto reads "TCP", "IPv6-ICMP" or a number.
func (p *eveParser) proto(text []byte) (learn.Proto, bool) {
	switch string(text) {
	case "TCP":
		return learn.TCP, true
	case "UDP":
		return learn.UDP, true
	}
	if proto, ok := p.protos[string(text)]; ok {
		return proto, true
	}
	proto, ok := protoOf(string(text))
	if ok && len(p.protos) < 256 {
		p.protos[string(text)] = proto
	}
	return proto, ok
}

// protoOf reads the names that Suricata has for protocols, and three digits.
func protoOf(name string) (learn.Proto, bool) {
	switch name {
	case "IPv6-ICMP", "IPV6-ICMP", "ICMPV6":
		return learn.ICMPv6, true
	case "IP-ENCAP", "IPIP":
		return 4, true
	}
	if n, ok := scan.Uint([]byte(name), 255); ok && n > 0 {
		return learn.Proto(n), true
	}
	proto, err := learn.ParseProto(name)
	return proto, err == nil && proto != 0
}

// icmpType is the number in a word that flows are told by, and else as it is.
func (p *eveParser) icmpType(number []byte) string {
	n, ok := scan.Uint(number, 255)
	if !ok {
		return ""
	}
	if n == 8 || n == 128 {
		return echoRequest
	}
	word, _ := p.words.Get(&p.icmp, number)
	return word
}

// decide says what an event is, and what of it counts.
func (p *eveParser) decide(r *Record, e *eve.Event) {
	now := e.Time.Unix()
	p.flows, p.halves = max(0, p.flows-1), max(0, p.halves-1)
	switch e.Kind {
	case eve.Flow:
		p.flows = mostWithout
		r.Why = p.flow(r, e)
	case eve.Netflow:
		p.halves = mostWithout
		r.Why = p.netflow(r, e, now)
	case eve.DNS:
		r.Why = p.dns(r, e, now)
	case eve.TLS, eve.QUIC, eve.HTTP:
		r.Name, r.Evidence = p.nameOf(e)
		r.Why = p.opening(r, e, now)
	default:
		r.Why = Detail
	}
}

// where says whose connection it is.
func (p *eveParser) where(r *Record) Why {
	own := p.place.isFirewall(r.Src)
	if !own && !p.place.isLocal(r.Src) {
		if why := p.place.noDestination(r.Dst); why != "" && why != ToFirewall {
			return why
		}
		return Inbound
	}
	switch why := p.place.noDestination(r.Dst); {
	case why != "":
		return why
	case r.Action == learn.Refused:
		return Blocked
	case own && !p.place.isOwn(r.Src):
		return OutboundNAT
	}
	return Outbound
}

// flow is the end of a connection.
func (p *eveParser) flow(r *Record, e *eve.Event) Why {
	k := keyOf(e)
	before, was := p.known.get(k)
	p.known.remove(k)
	why := p.where(r)
	switch {
	case !outgoing(why):
		return why
	case r.Proto == learn.ICMP || r.Proto == learn.ICMPv6:
		return cmp.Or(opensNothing(r), why)
	case e.NoSYN && r.SrcPort < 1024 && r.SrcPort < r.DstPort:
		return OutOfState // the end of what somebody else opened
	case was && before.counted:
		return Ended
	}
	r.Name, r.Evidence = before.name, before.evidence
	return why
}

// netflow is one direction of a flow at its end; that to the server comes first.
// Where there are flow events too, these say more.
func (p *eveParser) netflow(r *Record, e *eve.Event, now int64) Why {
	if p.flows > 0 {
		return Detail
	}
	k := keyOf(e)
	if before, was := p.known.get(k.reverse()); was && before.counted {
		return Detail
	}
	before, was := p.known.get(k)
	if was && before.counted {
		return Ended
	}
	before.counted = true
	p.known.put(k, before, now) // inbound ones as well: else their other half would be outbound
	why := p.where(r)
	if !outgoing(why) {
		return why
	}
	r.Name, r.Evidence = before.name, before.evidence
	return why
}

// opening is what a protocol says when a connection begins.
func (p *eveParser) opening(r *Record, e *eve.Event, now int64) Why {
	why := p.where(r)
	if !outgoing(why) {
		return why
	}
	k := keyOf(e)
	before, was := p.known.get(k)
	switch {
	case was && r.Name != "" && r.Name != before.name:
		return p.another(r, k, why, now)
	case was && before.counted:
		return Detail
	case p.waits():
		if !was && r.Name != "" {
			p.known.put(k, eveEntry{name: r.Name, evidence: r.Evidence}, now)
		}
		return Detail
	}
	p.known.put(k, eveEntry{name: r.Name, evidence: r.Evidence, counted: true}, now)
	return why
}

// another is one more name on a connection.
func (p *eveParser) another(r *Record, k eveKey, why Why, now int64) Why {
	k = k.with(r.Name)
	if _, was := p.known.get(k); was {
		return Detail
	}
	p.known.put(k, eveEntry{counted: true}, now)
	return why
}

// waits says whether a flow event will come, and may be waited for.
func (p *eveParser) waits() bool { return !p.early && (p.flows > 0 || p.halves > 0) }

func outgoing(why Why) bool { return why == Outbound || why == OutboundNAT || why == Blocked }
