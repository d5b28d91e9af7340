package vpcflow

import (
	"bytes"
	"net/netip"
	"strings"
	"time"

	"tripline/learn/source/internal/scan"
)

// A Line is what was seen of one direction.
type Line struct {
	Start            time.Time
	Interface        string
	Src, Dst         netip.Addr // of the packet, where the line tells it apart from the interface's
	SrcPort, DstPort uint16
	Proto            uint8
	Bytes            uint64
	Refused          bool
	HasFlags         bool  // of TCP
	Flags            uint8 // all that were met
	Egress           bool  // the interface sent it
	Ingress          bool
}

// Skipped is the cause of a line that says that the service left out flows.
const Skipped scan.Cause = "flows were left out by the service"

// A field is a column that is of interest.
type field uint8

const (
	ignored field = iota
	srcAddr
	dstAddr
	packetSrc
	packetDst
	srcPort
	dstPort
	protocol
	bytesSeen
	start
	action
	status
	tcpFlags
	direction
	iface
)

var names = map[string]field{
	"srcaddr": srcAddr, "dstaddr": dstAddr, "pkt-srcaddr": packetSrc, "pkt-dstaddr": packetDst,
	"srcport": srcPort, "dstport": dstPort, "protocol": protocol, "bytes": bytesSeen, "start": start,
	"action": action, "log-status": status, "tcp-flags": tcpFlags, "flow-direction": direction, "interface-id": iface,
}

// version2 is the order where nothing else is said.
const version2 = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"

// mostColumns is beyond what there is to choose from.
const mostColumns = 64

// A Decoder reads the lines of one log. It is not for concurrent use.
type Decoder struct {
	columns []field
	heading string // what they were read from
	words   scan.Words
	last    scan.Last
}

// New returns a decoder that expects the order of version 2.
func New() *Decoder {
	d := &Decoder{}
	d.SetHeading(version2)
	return d
}

// Heading returns the line that says what the columns are.
func (d *Decoder) Heading() string { return d.heading }

// SetHeading takes such a line, and says whether it is one.
func (d *Decoder) SetHeading(s string) bool {
	var columns []field
	known := 0
	for name := range strings.FieldsSeq(s) {
		f := names[strings.ReplaceAll(strings.Trim(name, "${}"), "_", "-")]
		if f != ignored {
			known++
		}
		columns = append(columns, f)
	}
	if known < 2 || len(columns) > mostColumns {
		return false
	}
	d.columns, d.heading = columns, s
	return true
}

// Decode reads one line into l. On an error l is zero.
//
//	2 123456789010 eni-1235b8ca123456789 192.0.2.10 203.0.113.7 50001 443 6 20 4249 1774699200 1774699260 ACCEPT OK
func (d *Decoder) Decode(line []byte, l *Line) *scan.Error {
	*l = Line{}
	err := d.decode(line, l)
	if err == nil {
		return nil
	}
	*l = Line{}
	if bytes.IndexByte(line, 0) >= 0 {
		return scan.Fault(scan.Binary, "", nil)
	}
	return err
}

func (d *Decoder) decode(line []byte, l *Line) *scan.Error {
	b := bytes.TrimSuffix(bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")), []byte{'\r'})
	b = withoutStamp(b)
	if len(b) == 0 {
		return scan.Fault(scan.NotALog, "", nil)
	}
	if isHeading(b) && d.SetHeading(string(b)) {
		return scan.Fault(Heading, "", nil)
	}
	return d.values(b, l)
}

// Heading is the cause of a line that says what the columns are.
const Heading = scan.OtherProgram

// withoutStamp takes off the time at which CloudWatch got a line.
func withoutStamp(b []byte) []byte {
	var s scan.Stamp
	if len(b) < 20 || b[4] != '-' {
		return b
	}
	if _, n, _ := s.ISO(b); n > 0 && n < len(b) && b[n] == ' ' {
		return b[n+1:]
	}
	return b
}

// isHeading says whether a line has a name where values are numbers, addresses
// and upper-case words.
func isHeading(b []byte) bool {
	return bytes.Contains(b, []byte("srcaddr")) || bytes.Contains(b, []byte("pkt-dstaddr"))
}

// A reading is what is known of a line on the way.
type reading struct {
	l                *Line
	pktSrc, pktDst   netip.Addr
	nothing, skipped bool
	started          bool
}

func (d *Decoder) values(b []byte, l *Line) *scan.Error {
	f := scan.Split(b)
	r := reading{l: l}
	var first *scan.Error // a line without data has dashes everywhere, and says so last
	count := 0
	for ; f.More && count < len(d.columns); count++ {
		if err := d.value(&r, d.columns[count], f.Next(' ')); err != nil && first == nil {
			first = err
		}
	}
	switch {
	case r.skipped:
		return scan.Fault(Skipped, "", nil)
	case r.nothing:
		return scan.Fault(scan.OtherProgram, "log-status", []byte("NODATA"))
	case count < len(d.columns) && first == nil:
		return scan.Fault(scan.CutShort, "", nil)
	case f.More || count < len(d.columns):
		return scan.Fault(scan.NotALog, "", b)
	case first != nil:
		return first
	}
	return r.complete()
}

// complete checks what a flow cannot do without.
func (r *reading) complete() *scan.Error {
	if r.pktSrc.IsValid() {
		r.l.Src = r.pktSrc
	}
	if r.pktDst.IsValid() {
		r.l.Dst = r.pktDst
	}
	switch {
	case !r.l.Src.IsValid() || !r.l.Dst.IsValid():
		return scan.Fault(scan.NoAddresses, "", nil)
	case r.l.Src.Is4() != r.l.Dst.Is4():
		return scan.Fault(scan.BadVersion, "dstaddr", nil)
	case !r.started:
		return scan.Fault(scan.NoDate, "start", nil)
	}
	return nil
}

// value reads one column. A dash is no value.
func (d *Decoder) value(r *reading, f field, b []byte) *scan.Error {
	if f == ignored || len(b) == 1 && b[0] == '-' {
		return nil
	}
	l := r.l
	switch f {
	case srcAddr:
		return scan.AddrInto("srcaddr", b, &l.Src)
	case dstAddr:
		return scan.AddrInto("dstaddr", b, &l.Dst)
	case packetSrc:
		return scan.AddrInto("pkt-srcaddr", b, &r.pktSrc)
	case packetDst:
		return scan.AddrInto("pkt-dstaddr", b, &r.pktDst)
	case srcPort:
		return scan.UintInto("srcport", b, &l.SrcPort)
	case dstPort:
		return scan.UintInto("dstport", b, &l.DstPort)
	case protocol:
		return scan.UintInto("protocol", b, &l.Proto)
	case bytesSeen:
		return scan.UintInto("bytes", b, &l.Bytes)
	case start:
		var seconds uint32
		err := scan.UintInto("start", b, &seconds)
		l.Start, r.started = time.Unix(int64(seconds), 0).UTC(), true
		return err
	case tcpFlags:
		l.HasFlags = true
		return scan.UintInto("tcp-flags", b, &l.Flags)
	case iface:
		s, ok := d.words.Get(&d.last, b)
		if !ok {
			return scan.Fault(scan.BadText, "interface-id", b)
		}
		l.Interface = s
	default:
		return r.word(f, b)
	}
	return nil
}

// word reads what is one of a few words.
func (r *reading) word(f field, b []byte) *scan.Error {
	switch s := string(b); {
	case f == action && s == "ACCEPT", f == status && s == "OK":
	case f == action && s == "REJECT":
		r.l.Refused = true
	case f == status && s == "NODATA":
		r.nothing = true
	case f == status && s == "SKIPDATA":
		r.skipped = true
	case f == direction && s == "egress":
		r.l.Egress = true
	case f == direction && s == "ingress":
		r.l.Ingress = true
	case f == action:
		return scan.Fault(scan.BadText, "action", b)
	case f == status:
		return scan.Fault(scan.BadText, "log-status", b)
	default:
		return scan.Fault(scan.BadText, "flow-direction", b)
	}
	return nil
}
