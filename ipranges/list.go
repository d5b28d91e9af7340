package ipranges

import (
	"encoding/binary"
	"iter"
	"net/netip"
)

// A List is ranges in their order, in a tenth of the memory of a slice of them.
// The zero value is empty. It must not be added to while it is read.
type List struct {
	labels []Label
	number map[Label]uint64
	// for each range its label, the length of its prefix, 64 more for IPv6, and
	// as many bytes of the address as the length needs
	rows []byte
	n    int
}

// six marks an IPv6 prefix.
const six = 64

// Add adds a range. Host bits are masked, IPv4-in-IPv6 is unmapped, an invalid
// prefix is left out.
func (l *List) Add(r Range) {
	p := unmap(r.Prefix)
	if !p.IsValid() {
		return
	}
	code := byte(p.Bits())
	if p.Addr().Is6() {
		code += six
	}
	l.rows = append(binary.AppendUvarint(l.rows, l.numberOf(r.Label)), code)
	whole := p.Addr().As16()
	b := whole[:]
	if p.Addr().Is4() {
		b = whole[12:]
	}
	l.rows = append(l.rows, b[:(p.Bits()+7)/8]...)
	l.n++
}

func (l *List) numberOf(label Label) uint64 {
	n, known := l.number[label]
	if !known {
		if l.number == nil {
			l.number = map[Label]uint64{}
		}
		n = uint64(len(l.labels))
		l.number[label], l.labels = n, append(l.labels, label)
	}
	return n
}

// Len returns how many ranges there are.
func (l *List) Len() int { return l.n }

// All yields the ranges in the order in which they were added.
func (l *List) All() iter.Seq[Range] {
	return func(yield func(Range) bool) {
		for b := l.rows; len(b) > 0; {
			number, n := binary.Uvarint(b)
			p, size := unpack(b[n:])
			if !yield(Range{Prefix: p, Label: l.labels[number]}) {
				return
			}
			b = b[n+size:]
		}
	}
}

// unpack returns the prefix at the beginning of b, and how long that is.
func unpack(b []byte) (p netip.Prefix, size int) {
	bits := int(b[0])
	if bits < six {
		var a [4]byte
		size = 1 + copy(a[:], b[1:1+(bits+7)/8])
		return netip.PrefixFrom(netip.AddrFrom4(a), bits), size
	}
	bits -= six
	var a [16]byte
	size = 1 + copy(a[:], b[1:1+(bits+7)/8])
	return netip.PrefixFrom(netip.AddrFrom16(a), bits), size
}
