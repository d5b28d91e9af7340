package zeek

import (
	"math"
	"net/netip"

	"tripline/learn/source/internal/scan"
)

// Protocols by their numbers.
const (
	icmp   = 1
	tcp    = 6
	udp    = 17
	icmpv6 = 58
)

// fill makes a Line of the values of one line.
func (d *Decoder) fill(kind Kind, l *Line) (err *scan.Error) {
	*l = Line{Kind: kind, TTL: -1}
	v := &d.values
	var ok bool
	if l.Time, ok = moment(v[ts]); !ok {
		return scan.Fault(scan.BadTime, "ts", v[ts])
	}
	if v[uid] != nil {
		l.UID = hash(v[uid])
	}
	if err = d.ends(l); err != nil {
		return err
	}
	if l.Proto, err = d.transport(kind, l.Src); err != nil {
		return err
	}
	switch kind {
	case Conn:
		return d.connection(l)
	case DNS:
		return d.answer(l)
	case HTTP:
		l.Host, l.Method, l.URI = d.text(v[host]), v[method], v[uri]
	default:
		l.Host = d.text(v[serverName])
	}
	return nil
}

// ends reads both addresses and ports. ICMP has its type and code there.
func (d *Decoder) ends(l *Line) *scan.Error {
	v := &d.values
	if v[origHost] == nil || v[respHost] == nil {
		return scan.Fault(scan.NoAddresses, "", nil)
	}
	var ok bool
	if l.Src, ok = scan.Addr(v[origHost]); !ok {
		return scan.Fault(scan.BadAddress, "id.orig_h", v[origHost])
	}
	if l.Dst, ok = scan.Addr(v[respHost]); !ok {
		return scan.Fault(scan.BadAddress, "id.resp_h", v[respHost])
	}
	if l.SrcPort, ok = scan.Port(v[origPort]); !ok {
		return scan.Fault(scan.BadNumber, "id.orig_p", v[origPort])
	}
	if l.DstPort, ok = scan.Port(v[respPort]); !ok {
		return scan.Fault(scan.BadNumber, "id.resp_p", v[respPort])
	}
	return nil
}

// transport returns the protocol. Of the logs without one, ssl has a version that
// tells TLS over UDP apart (DTLS).
func (d *Decoder) transport(kind Kind, src netip.Addr) (uint8, *scan.Error) {
	v := &d.values
	switch {
	case kind == QUIC, kind == SSL && len(v[version]) > 4 && string(v[version][:4]) == "DTLS":
		return udp, nil
	case kind == SSL, kind == HTTP:
		return tcp, nil
	}
	switch string(v[proto]) {
	case "tcp":
		return tcp, nil
	case "udp":
		return udp, nil
	case "icmp":
		if src.Is4() {
			return icmp, nil
		}
		return icmpv6, nil
	}
	if n, ok := scan.Uint(v[ipProto], math.MaxUint8); ok {
		return uint8(n), nil
	}
	switch string(v[proto]) {
	case "", "unknown_transport":
		return 0, nil
	}
	return 0, scan.Fault(scan.BadText, "proto", v[proto])
}

// connection reads what conn alone has.
func (d *Decoder) connection(l *Line) *scan.Error {
	v := &d.values
	var ok bool
	if l.Up, ok = volume(v[origBytes]); !ok {
		return scan.Fault(scan.BadNumber, "orig_bytes", v[origBytes])
	}
	if l.Down, ok = volume(v[respBytes]); !ok {
		return scan.Fault(scan.BadNumber, "resp_bytes", v[respBytes])
	}
	l.State, l.SrcLocal, l.DstLocal = state(v[connState]), isTrue(v[localOrig]), isTrue(v[localResp])
	return nil
}

// volume reads a number of bytes; an unknown one is 0.
func volume(b []byte) (uint64, bool) {
	if b == nil {
		return 0, true
	}
	return scan.Uint(b, math.MaxInt64)
}

func isTrue(b []byte) bool { return len(b) > 0 && (b[0] == 'T' || b[0] == 't') }

// state returns one of the words of Zeek, "" for any other.
func state(b []byte) string {
	for _, s := range [...]string{"SF", "S0", "S1", "REJ", "OTH", "RSTO", "RSTR", "S2", "S3", "RSTOS0", "RSTRH", "SH", "SHR"} {
		if string(b) == s {
			return s
		}
	}
	return ""
}

// answer reads what dns alone has.
func (d *Decoder) answer(l *Line) *scan.Error {
	v := &d.values
	l.Query = d.text(v[query])
	if v[rtt] != nil {
		l.Delay, _ = span(v[rtt]) // it is told to the microsecond, and may be left out
	}
	if v[qtype] != nil {
		n, ok := scan.Uint(v[qtype], math.MaxUint16)
		if !ok {
			return scan.Fault(scan.BadNumber, "qtype", v[qtype])
		}
		l.Type = uint16(n)
	}
	l.Refused = isTrue(v[rejected]) || v[rcode] != nil && string(v[rcode]) != "0"
	d.answers = d.answers[:0]
	for rest := d.list(v[answers]); rest != nil; {
		var a []byte
		a, rest = d.element(rest)
		d.answers = append(d.answers, d.text(a))
	}
	l.Answers = d.answers
	for rest := d.list(v[ttls]); rest != nil; {
		var a []byte
		a, rest = d.element(rest)
		if t, ok := span(a); ok && (l.TTL < 0 || t < l.TTL) {
			l.TTL = t
		}
	}
	return nil
}
