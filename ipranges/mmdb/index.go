package mmdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"sort"
	"sync"

	"tripline/ipranges"
)

// An Index is a database written anew, in half the memory: which system
// announces an address, and all that a system announces. It is safe for
// concurrent use. It is one piece of memory; all numbers are big endian:
//
//	version   8 bytes
//	database  64 bytes, the SHA-256 of the database, in hex
//	networks  4 bytes, how many the database has
//	sizes     4 bytes for each of the sections that follow
//	systems   12 bytes each, ascending: its number, where its name ends, where its members end
//	names     text
//	members   for each system the blocks that have networks of it, as distances (varint)
//	IPv4      where each block ends, 4 bytes each; then the blocks, see [family]
//	IPv6      the same
//
// A system that is written with two names has two rows. Blocks are counted
// through both families.
type Index struct {
	networks int
	rows     []byte
	names    []byte
	members  []byte
	v4, v6   family
	seen     sync.Map // row -> ipranges.AS without a prefix
}

// IndexVersion says how an index is written. One that is written otherwise is
// refused.
const IndexVersion = "tl-asn-2"

const (
	digestSize = 64
	sections   = 7
	headSize   = len(IndexVersion) + digestSize + 4*(1+sections)
	rowSize    = 12
)

// errIndex is all there is to say: an index is made again from its database.
var errIndex = errors.New("index of AS numbers: damaged, or of another version or database")

// ReadIndex reads what [DB.Index] returned for the database with the SHA-256
// digest, in hex. It keeps raw, which must not be changed.
func ReadIndex(raw []byte, digest string) (*Index, error) {
	if len(digest) != digestSize || len(raw) < headSize || !bytes.HasPrefix(raw, []byte(IndexVersion+digest)) {
		return nil, errIndex
	}
	sizes, rest := raw[len(IndexVersion)+digestSize:headSize], raw[headSize:]
	ix := &Index{networks: int(binary.BigEndian.Uint32(sizes)), v4: family{width: 4}, v6: family{width: 16}}
	for i, into := range ix.sections() {
		size := uint64(binary.BigEndian.Uint32(sizes[4*(i+1):]))
		if size > uint64(len(rest)) {
			return nil, errIndex
		}
		*into, rest = rest[:size:size], rest[size:]
	}
	if len(rest) > 0 || !ix.whole() {
		return nil, errIndex
	}
	return ix, nil
}

func (ix *Index) sections() [sections]*[]byte {
	return [...]*[]byte{&ix.rows, &ix.names, &ix.members, &ix.v4.ends, &ix.v4.blocks, &ix.v6.ends, &ix.v6.blocks}
}

// whole says whether all of the index can be read, so that whoever asks it need
// not look.
func (ix *Index) whole() bool {
	name, member := 0, 0
	for i := range ix.systems() {
		_, n, m := ix.row(i)
		if n < name || m < member || n > len(ix.names) || m > len(ix.members) || !ix.wholeMembers(ix.members[member:m]) {
			return false
		}
		name, member = n, m
	}
	return len(ix.rows)%rowSize == 0 && ix.v4.whole(ix.systems()) && ix.v6.whole(ix.systems())
}

func (ix *Index) wholeMembers(b []byte) bool {
	block := uint64(0)
	for len(b) > 0 {
		d, n := binary.Uvarint(b)
		if n <= 0 || d > uint64(ix.v4.count()+ix.v6.count()) {
			return false
		}
		block, b = block+d, b[n:]
	}
	return block == 0 || block < uint64(ix.v4.count()+ix.v6.count())
}

func (ix *Index) systems() int { return len(ix.rows) / rowSize }

// row returns the number of the system in row i, and where its name and its
// members end.
func (ix *Index) row(i int) (number uint32, name, member int) {
	b := ix.rows[i*rowSize:]
	return binary.BigEndian.Uint32(b), int(binary.BigEndian.Uint32(b[4:])), int(binary.BigEndian.Uint32(b[8:]))
}

// before returns where the name and the members of row i begin.
func (ix *Index) before(i int) (name, member int) {
	if i == 0 {
		return 0, 0
	}
	_, name, member = ix.row(i - 1)
	return name, member
}

// Networks returns how many networks have an AS number.
func (ix *Index) Networks() int { return ix.networks }

// AS returns the system that announces a.
func (ix *Index) AS(a netip.Addr) (ipranges.AS, bool) {
	a = a.Unmap().WithZone("")
	if !a.IsValid() {
		return ipranges.AS{}, false
	}
	p, row, ok := ix.find(a)
	if !ok {
		return ipranges.AS{}, false
	}
	as := ix.system(row)
	as.Prefix = p
	return as, true
}

// find returns the network that holds a. In a database of both families one of
// IPv6 may hold all of IPv4, which has no prefix then.
func (ix *Index) find(a netip.Addr) (p netip.Prefix, row int, ok bool) {
	if !a.Is4() {
		return ix.v6.find(a)
	}
	if p, row, ok = ix.v4.find(a); ok {
		return p, row, ok
	}
	b := a.As4()
	_, row, ok = ix.v6.find(netip.AddrFrom16([16]byte{12: b[0], 13: b[1], 14: b[2], 15: b[3]}))
	return netip.PrefixFrom(a, a.BitLen()), row, ok
}

func (ix *Index) system(row int) ipranges.AS {
	if as, ok := ix.seen.Load(row); ok {
		return as.(ipranges.AS) // nothing else is stored in it
	}
	number, end, _ := ix.row(row)
	begin, _ := ix.before(row)
	as := ipranges.AS{Number: number, Org: string(ix.names[begin:end])}
	ix.seen.Store(row, as)
	return as
}

// Announced returns all addresses the system announces.
func (ix *Index) Announced(number uint32) ipranges.Set {
	var prefixes []netip.Prefix
	first := sort.Search(ix.systems(), func(i int) bool { n, _, _ := ix.row(i); return n >= number })
	for i := first; i < ix.systems(); i++ {
		n, _, end := ix.row(i)
		if n != number {
			break
		}
		_, begin := ix.before(i)
		prefixes = ix.collect(prefixes, i, ix.members[begin:end])
	}
	return ipranges.NewSet(prefixes...)
}

// collect adds the networks of a row, which are in the blocks that members are.
func (ix *Index) collect(out []netip.Prefix, row int, members []byte) []netip.Prefix {
	block := 0
	for len(members) > 0 {
		d, n := binary.Uvarint(members)
		block, members = block+int(d), members[n:]
		f, i := &ix.v4, block
		if i >= ix.v4.count() {
			f, i = &ix.v6, i-ix.v4.count()
		}
		for c := f.block(i); c.next(); {
			if c.row == row {
				out = append(out, c.prefix())
			}
		}
	}
	return out
}
