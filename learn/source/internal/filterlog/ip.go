package filterlog

import (
	"math"

	"tripline/learn/source/internal/scan"
)

// ipv4 reads fields 9 to 19: tos, ecn, ttl, id, offset, flags, protocol number
// and name, length, addresses.
func (d *Decoder) ipv4(f *scan.Fields, l *Line) *scan.Error {
	if err := class(f); err != nil {
		return err
	}
	f.Next(',') // congestion bits
	var n numbers
	l.TTL = uint8(n.read(f, "ttl", math.MaxUint8))
	l.ID = uint16(n.read(f, "id", math.MaxUint16))
	l.Offset = uint32(n.read(f, "offset", math.MaxUint16))
	var err *scan.Error
	if l.Frag, err = d.word(&d.frag, "flags", f); err != nil {
		return err
	}
	l.Proto = uint8(n.read(f, "protoid", math.MaxUint8))
	f.Next(',') // name of the protocol
	l.Length = uint32(n.read(f, "length", math.MaxUint16))
	if n.err != nil {
		return n.err
	}
	if err := addresses(f, l); err != nil {
		return err
	}
	if l.Offset > 0 {
		return nil
	}
	return d.transport(f, l)
}

// ipv6 reads fields 9 to 16: class, flow label, hop limit, protocol name and
// number (the other way round than IPv4), length, addresses.
func (d *Decoder) ipv6(f *scan.Fields, l *Line) *scan.Error {
	if err := class(f); err != nil {
		return err
	}
	f.Next(',') // flow label
	var n numbers
	l.TTL = uint8(n.read(f, "hlim", math.MaxUint8))
	f.Next(',') // name of the protocol
	l.Proto = uint8(n.read(f, "protoid", math.MaxUint8))
	l.Length = uint32(n.read(f, "length", math.MaxUint32))
	if n.err != nil {
		return n.err
	}
	if err := addresses(f, l); err != nil {
		return err
	}
	return d.extensions(f, l)
}

// numbers reads fields that must be numbers and keeps the first error.
type numbers struct{ err *scan.Error }

func (n *numbers) read(f *scan.Fields, name string, maximum uint64) uint64 {
	v, ok := f.Uint(maximum, ',')
	if !ok && n.err == nil {
		b := f.Next(',')
		n.err = badNumber(f, name, b)
	}
	return v
}

// badNumber says of the last field of a line that it was cut: the end of a
// number is only known from what follows it.
func badNumber(f *scan.Fields, name string, b []byte) *scan.Error {
	if !f.More {
		return scan.Fault(scan.CutShort, name, b)
	}
	return scan.Fault(scan.BadNumber, name, b)
}

// addresses reads source and destination. Both must be followed by a comma,
// which the last field of a line that was cut is not.
func addresses(f *scan.Fields, l *Line) *scan.Error {
	var ok bool
	read := scan.IPv6
	if l.Version == 4 {
		if l.Src, ok = f.IPv4(','); ok {
			if l.Dst, ok = f.IPv4(','); ok {
				return nil
			}
			return badAddress(f, "dstip", f.Next(','))
		}
		read = scan.IPv4
	}
	src := f.Next(',')
	if l.Src, ok = read(src); !ok || !f.More {
		return badAddress(f, "srcip", src)
	}
	dst := f.Next(',')
	if l.Dst, ok = read(dst); !ok || !f.More {
		return badAddress(f, "dstip", dst)
	}
	return nil
}

func badAddress(f *scan.Fields, name string, b []byte) *scan.Error {
	if !f.More {
		return scan.Fault(scan.CutShort, name, b)
	}
	return scan.Fault(scan.BadAddress, name, b)
}
