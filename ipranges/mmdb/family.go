package mmdb

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"sort"
)

// A family is the networks of IPv4 or of IPv6 by address, in blocks of a few,
// so that one is found by halving and a short walk. Of each network there is
//
//	length  1 byte, of its prefix; for IPv4 with kept in its upper two bits
//	kept    1 byte, for IPv6 alone
//	rest    of the address, as many bytes as the length needs
//	row     of its system (varint)
//
// kept is how many bytes are those of the network before it in the block.
type family struct {
	width  int    // bytes of an address
	ends   []byte // of blocks, 4 bytes each
	blocks []byte
}

// perBlock is how many networks a block has: more of them take less memory and
// longer to walk.
const perBlock = 16

func (f *family) count() int { return len(f.ends) / 4 }

func (f *family) end(i int) int {
	if i < 0 {
		return 0
	}
	return int(binary.BigEndian.Uint32(f.ends[4*i:]))
}

// block returns where the networks of block i are read.
func (f *family) block(i int) cursor {
	return cursor{network{width: f.width}, f.blocks[f.end(i-1):f.end(i)]}
}

// whole says whether all blocks can be read, and have rows of so many systems.
func (f *family) whole(systems int) bool {
	if len(f.ends)%4 != 0 || f.end(f.count()-1) != len(f.blocks) {
		return false
	}
	for i := range f.count() {
		if f.end(i-1) >= f.end(i) || f.end(i) > len(f.blocks) {
			return false
		}
		if !f.wholeBlock(i, systems) {
			return false
		}
	}
	return true
}

func (f *family) wholeBlock(i, systems int) bool {
	c := f.block(i)
	if c.keeps() > 0 {
		return false
	}
	for c.next() {
		if c.row >= systems {
			return false
		}
	}
	return len(c.rest) == 0
}

// find returns the network that holds a.
func (f *family) find(a netip.Addr) (p netip.Prefix, row int, ok bool) {
	full := a.As16()
	want := full[16-f.width:]
	i := sort.Search(f.count(), func(i int) bool { return f.beyond(i, want) })
	if i == 0 {
		return netip.Prefix{}, 0, false
	}
	last := network{width: f.width}
	for c := f.block(i - 1); c.next() && bytes.Compare(c.addr[:f.width], want) <= 0; {
		last = c.network
	}
	p = last.prefix()
	return p, last.row, p.Contains(a)
}

// beyond says whether block i begins after want. Its first network keeps
// nothing of another.
func (f *family) beyond(i int, want []byte) bool {
	b := f.blocks[f.end(i-1):]
	bits, address := int(b[0]), b[2:]
	if f.width == 4 {
		bits, address = bits&63, b[1:]
	}
	size := (bits + 7) / 8
	return bytes.Compare(address[:size], want[:size]) > 0
}

// A network is a prefix and the row of its system.
type network struct {
	addr  [16]byte // as many bytes as the width
	width int
	bits  int
	row   int
}

func (n *network) prefix() netip.Prefix {
	if n.width == 4 {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(n.addr[:])), n.bits)
	}
	return netip.PrefixFrom(netip.AddrFrom16(n.addr), n.bits)
}

// A cursor is at one network of a block.
type cursor struct {
	network

	rest []byte
}

// keeps returns how many bytes the next network has of the one before.
func (c *cursor) keeps() int {
	switch {
	case c.width == 4:
		return int(c.rest[0] >> 6)
	case len(c.rest) > 1:
		return int(c.rest[1])
	}
	return 0
}

// next goes on to the next network. It stays where a block cannot be read.
func (c *cursor) next() bool {
	if len(c.rest) < 2 {
		return false
	}
	bits, kept, b := int(c.rest[0]), int(c.rest[1]), c.rest[2:]
	if c.width == 4 {
		bits, kept, b = bits&63, bits>>6, c.rest[1:]
	}
	size := (bits + 7) / 8
	if bits > 8*c.width || kept > size || len(b) < size-kept {
		return false
	}
	for i := kept; i < size; i++ { // mostly one byte, for which copy and clear are slow
		c.addr[i] = b[i-kept]
	}
	for i := size; i < c.width; i++ {
		c.addr[i] = 0
	}
	b = b[size-kept:]
	row, n := binary.Uvarint(b)
	if n <= 0 || row >= 1<<31 {
		return false
	}
	c.bits, c.row, c.rest = bits, int(row), b[n:]
	return true
}

// A writer makes a family of networks that come by address.
type writer struct {
	family
	before []byte // the last address of the block
	n      int
}

// add adds a network of the system in row, and returns the number of its block.
func (w *writer) add(p netip.Prefix, row int) int {
	if w.n%perBlock == 0 {
		w.ends, w.before = append(w.ends, 0, 0, 0, 0), nil
	}
	w.n++
	address := p.Addr().AsSlice()[:(p.Bits()+7)/8]
	kept := common(w.before, address)
	if w.width == 4 {
		kept = min(kept, 3)
		w.blocks = append(w.blocks, byte(kept<<6|p.Bits()))
	} else {
		w.blocks = append(w.blocks, byte(p.Bits()), byte(kept))
	}
	w.blocks = append(w.blocks, address[kept:]...)
	w.blocks = binary.AppendUvarint(w.blocks, uint64(row))
	w.before = address
	binary.BigEndian.PutUint32(w.ends[len(w.ends)-4:], uint32(len(w.blocks)))
	return w.count() - 1
}

// common returns how many bytes a and b begin with that are the same.
func common(a, b []byte) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}
