package filterlog

import (
	"bytes"
	"math"

	"tripline/learn/source/internal/scan"
)

// Protocol numbers that have a part of their own.
const (
	protoHopByHop = 0
	protoICMP     = 1
	protoTCP      = 6
	protoUDP      = 17
	protoRouting  = 43
	protoFragment = 44
	protoICMPv6   = 58
	protoOptions  = 60
	protoMobility = 135
	protoSCTP     = 132
)

// transport reads what the protocol says for itself. OPNsense writes
// "datalength=N" where it knows no more.
func (d *Decoder) transport(f *scan.Fields, l *Line) *scan.Error {
	if bytes.HasPrefix(f.Rest(), []byte("datalength=")) {
		return d.plain(f, l)
	}
	switch l.Proto {
	case protoTCP:
		return d.tcp(f, l)
	case protoUDP, protoSCTP:
		return d.udp(f, l)
	case protoICMP:
		return d.icmpGlued(f, l)
	}
	return nil // tunnels, CARP and the rest: nothing a flow needs
}

// udp reads ports and length. What follows the ports of SCTP over IPv6 is
// whatever lay behind them in memory.
func (d *Decoder) udp(f *scan.Fields, l *Line) *scan.Error {
	if err := ports(f, l); err != nil {
		return err
	}
	if l.Proto == protoSCTP && l.Version == 6 {
		return nil
	}
	b := f.Next(',')
	if len(b) == 0 {
		return scan.Fault(scan.CutShort, "datalen", nil)
	}
	n, ok := scan.Int(b)
	if !ok {
		return scan.Fault(scan.BadNumber, "datalen", b)
	}
	l.DataLength = n
	return nil
}

// tcp reads ports, length, flags and sequence number. The packet's own errors
// stand where one of these would. Flags that nothing follows are no flags: "S"
// may be all that is left of "SA".
func (d *Decoder) tcp(f *scan.Fields, l *Line) *scan.Error {
	if bytes.HasPrefix(f.Rest(), []byte("errormsg=")) {
		l.BadData = true
		return nil
	}
	if err := ports(f, l); err != nil {
		return err
	}
	b := f.Next(',')
	n, ok := scan.Int(b)
	if !ok {
		return badNumber(f, "datalen", b)
	}
	l.DataLength = n
	var err *scan.Error
	if l.Flags, err = d.word(&d.flags, "tcpflags", f); err != nil {
		return err
	}
	if !f.More {
		l.Flags, l.BadData = "", true
		return nil
	}
	return sequence(f, l)
}

// sequence reads "N", or "A:B" where there is data, of which A counts.
func sequence(f *scan.Fields, l *Line) *scan.Error {
	b := f.Next(',')
	if bytes.HasPrefix(b, []byte("errormsg=")) {
		l.BadData = true
		return nil
	}
	if i := bytes.IndexByte(b, ':'); i >= 0 {
		b = b[:i]
	}
	if len(b) == 0 || !f.More {
		return nil
	}
	n, ok := scan.Uint(b, math.MaxUint32)
	if !ok {
		return scan.Fault(scan.BadNumber, "seq", b)
	}
	l.Seq, l.HasSeq = uint32(n), true
	return nil
}

// ports reads source and destination port.
func ports(f *scan.Fields, l *Line) *scan.Error {
	var n numbers
	l.SrcPort = uint16(n.read(f, "srcport", math.MaxUint16))
	l.DstPort = uint16(n.read(f, "dstport", math.MaxUint16))
	return n.err
}

// plain reads "datalength=N" and, of ICMP since OPNsense 26, what follows it:
// type, code, id, sequence number and MTU.
func (d *Decoder) plain(f *scan.Fields, l *Line) *scan.Error {
	b := bytes.TrimRight(f.Next(',')[len("datalength="):], " ")
	n, ok := scan.Int(b)
	if !ok {
		return badNumber(f, "datalength", b)
	}
	l.DataLength = n
	if l.Proto != protoICMP && l.Proto != protoICMPv6 || !f.More {
		return nil
	}
	kind := f.Next(',')
	if !f.More {
		return nil // cut within the type: say nothing of it
	}
	var err *scan.Error
	if l.ICMP, err = d.intern(&d.icmp, "icmp_type", kind); err != nil {
		return err
	}
	f.Next(',') // code
	echo(l, f.Next(','), f.Next(','))
	return nil
}

// echo keeps the id and sequence number of an ICMP query, if there are both.
func echo(l *Line, id, seq []byte) {
	n, ok1 := scan.Uint(id, math.MaxUint16)
	m, ok2 := scan.Uint(seq, math.MaxUint16)
	if ok1 && ok2 {
		l.ICMPID, l.Seq, l.HasSeq = uint16(n), uint32(m), true
	}
}
