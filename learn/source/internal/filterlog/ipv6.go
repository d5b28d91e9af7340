package filterlog

import (
	"bytes"
	"math"

	"tripline/learn/source/internal/scan"
)

// extensions reads what pfSense writes about extension headers in front of the
// transport's values. It leaves the transport's protocol in l where the values
// tell it; pfSense itself logs the first header. OPNsense logs the last one it
// reached and, where the chain broke, "truncated-ip6=N" or "INVALIDOPT" only.
func (d *Decoder) extensions(f *scan.Fields, l *Line) *scan.Error {
	if broken(f.Rest()) {
		l.BadData = true
		return nil
	}
	switch l.Proto {
	case protoHopByHop, protoOptions:
		return d.afterOptions(f, l)
	case protoFragment:
		return fragment(f, l)
	case protoRouting:
		return d.afterRouting(f, l)
	case protoMobility, protoICMP:
		if !bytes.HasPrefix(f.Rest(), []byte("datalength=")) {
			return nil
		}
	}
	return d.transport(f, l)
}

func broken(b []byte) bool {
	return bytes.HasPrefix(b, []byte("truncated-ip6=")) || bytes.HasPrefix(b, []byte("INVALIDOPT"))
}

// afterOptions passes over "HBH,PADN,RTALERT,0x0000," and the like. What follows
// with nothing to say is ICMPv6 as a rule: it travels behind a router alert.
func (d *Decoder) afterOptions(f *scan.Fields, l *Line) *scan.Error {
	if bytes.HasPrefix(f.Rest(), []byte("datalength=")) {
		return d.transport(f, l)
	}
	for f.More {
		start := f.Rest()
		b := f.Next(',')
		if len(b) > 0 && b[0]-'0' <= 9 && !hexField(b) {
			*f = scan.Split(start)
			return d.guess(f, l)
		}
		skip := valuesOf(b)
		for ; skip > 0 && f.More; skip-- {
			f.Next(',')
		}
	}
	l.Proto = protoICMPv6
	return nil
}

// valuesOf says how many fields belong to an option.
func valuesOf(option []byte) int {
	switch string(option) {
	case "RTALERT", "JUMBO", "HOMEADDR":
		return 1
	case "TYPE":
		return 2
	}
	return 0
}

func hexField(b []byte) bool { return len(b) > 1 && b[0] == '0' && b[1] == 'x' }

// guess reads the transport behind extension headers, which the log does not
// name: UDP has three values, TCP more.
func (d *Decoder) guess(f *scan.Fields, l *Line) *scan.Error {
	l.Proto = protoUDP
	if bytes.Count(f.Rest(), []byte{','}) > 2 {
		l.Proto = protoTCP
	}
	return d.transport(f, l)
}

// fragment reads "FRAG6, 0x0000002a:1|72,". The program masks the offset in the
// wrong byte order, so that bits 8 to 10 are lost and the low three are flags: what
// is left is a lower bound. It never writes ports.
func fragment(f *scan.Fields, l *Line) *scan.Error {
	f.Next(',') // FRAG6
	b := f.Next(',')
	if !f.More {
		return nil
	}
	from, to := bytes.IndexByte(b, ':'), bytes.IndexByte(b, '|')
	if from < 0 || to < from {
		return nil
	}
	if n, ok := scan.Uint(b[from+1:to], math.MaxUint16); ok {
		l.Offset = uint32(n) &^ 7
	}
	return nil
}

// afterRouting reads "2,0,1,0x0,0, 2001:db8::951000,443,...": the source port is
// glued to the last address, and where one ends and the other begins is lost.
func (d *Decoder) afterRouting(f *scan.Fields, l *Line) *scan.Error {
	f.Skip(5, ',')
	for f.More && len(f.Rest()) > 0 && f.Rest()[0] == ' ' {
		f.Next(',')
	}
	if !f.More || len(f.Rest()) == 0 || f.Rest()[0]-'0' > 9 {
		l.BadData = true
		return nil
	}
	glued := append([]byte("0,"), f.Rest()...)
	rest := scan.Split(glued)
	return d.guess(&rest, l)
}
