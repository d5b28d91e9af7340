package mmdb

import (
	"bytes"
	"encoding/binary"
	"maps"
	"net/netip"
	"slices"
	"sort"

	"tripline/ipranges"
)

// An index is what each system announces, in one piece of memory. All numbers
// are big endian:
//
//	version   8 bytes
//	database  64 bytes, the SHA-256 of the database, in hex
//	networks  4 bytes, how many the database has
//	systems   4 bytes, how many rows there are
//	rows      8 bytes for each system, ascending: its number, and where its prefixes end
//	prefixes  for each one byte, then as many of the address as the length needs
//
// The byte is the length of an IPv4 prefix, or 64 more than that of an IPv6 one.
type index struct {
	networks int
	rows     []byte
	prefixes []byte
}

const (
	indexVersion = "tl-asn-1"
	digestSize   = 64
	headSize     = len(indexVersion) + digestSize + 8
	rowSize      = 8
	six          = 64 // marks an IPv6 prefix
)

// encodeIndex writes an index of the database with that digest.
func encodeIndex(digest string, networks int, by map[uint32][]netip.Prefix) []byte {
	numbers := slices.Sorted(maps.Keys(by))
	out := make([]byte, headSize, headSize+rowSize*len(numbers))
	copy(out, indexVersion)
	copy(out[len(indexVersion):], digest)
	binary.BigEndian.PutUint32(out[headSize-8:], uint32(networks))
	binary.BigEndian.PutUint32(out[headSize-4:], uint32(len(numbers)))
	var prefixes []byte
	for _, n := range numbers {
		for _, p := range ipranges.NewSet(by[n]...).Prefixes() {
			prefixes = appendPrefix(prefixes, p)
		}
		out = binary.BigEndian.AppendUint32(out, n)
		out = binary.BigEndian.AppendUint32(out, uint32(len(prefixes)))
	}
	return append(out, prefixes...)
}

func appendPrefix(out []byte, p netip.Prefix) []byte {
	n := byte(p.Bits())
	if p.Addr().Is6() {
		n += six
	}
	return append(append(out, n), p.Addr().AsSlice()[:(p.Bits()+7)/8]...)
}

// readIndex reads what encodeIndex wrote; ok is false if it is damaged, of
// another version or of another database.
func readIndex(raw []byte, digest string) (ix index, ok bool) {
	head := []byte(indexVersion + digest)
	if len(digest) != digestSize || len(raw) < headSize || !bytes.HasPrefix(raw, head) {
		return index{}, false
	}
	ix.networks = int(binary.BigEndian.Uint32(raw[headSize-8:]))
	rows, body := uint64(binary.BigEndian.Uint32(raw[headSize-4:]))*rowSize, raw[headSize:]
	if rows > uint64(len(body)) {
		return index{}, false
	}
	ix.rows, ix.prefixes = body[:rows], body[rows:]
	return ix, ix.whole()
}

// whole says whether all of the index can be read, so that [index.announced]
// need not.
func (ix index) whole() bool {
	from, last := 0, uint32(0) // AS 0 announces nothing
	for i := range ix.systems() {
		n, to := ix.row(i)
		if n <= last || to < from || to > len(ix.prefixes) || !wholePrefixes(ix.prefixes[from:to]) {
			return false
		}
		from, last = to, n
	}
	return from == len(ix.prefixes)
}

func wholePrefixes(b []byte) bool {
	for len(b) > 0 {
		size, ok := prefixSize(b)
		if !ok {
			return false
		}
		b = b[size:]
	}
	return true
}

// prefixSize returns how many bytes the prefix at the beginning of b has.
func prefixSize(b []byte) (size int, ok bool) {
	n := int(b[0])
	if n > 32 && n < six || n > six+128 {
		return 0, false
	}
	if n >= six {
		n -= six
	}
	size = 1 + (n+7)/8
	return size, size <= len(b)
}

func (ix index) systems() int { return len(ix.rows) / rowSize }

// row returns the number of the system in row i, and where its prefixes end.
func (ix index) row(i int) (number uint32, end int) {
	b := ix.rows[i*rowSize:]
	return binary.BigEndian.Uint32(b), int(binary.BigEndian.Uint32(b[4:]))
}

// announced returns all addresses the system announces.
func (ix index) announced(number uint32) ipranges.Set {
	i := sort.Search(ix.systems(), func(i int) bool { n, _ := ix.row(i); return n >= number })
	if i == ix.systems() {
		return ipranges.Set{}
	}
	n, to := ix.row(i)
	if n != number {
		return ipranges.Set{}
	}
	from := 0
	if i > 0 {
		_, from = ix.row(i - 1)
	}
	return ipranges.NewSet(decodePrefixes(ix.prefixes[from:to])...)
}

// decodePrefixes reads prefixes that are known to be whole.
func decodePrefixes(b []byte) []netip.Prefix {
	var out []netip.Prefix
	for len(b) > 0 {
		size, _ := prefixSize(b)
		out = append(out, decodePrefix(int(b[0]), b[1:size]))
		b = b[size:]
	}
	return out
}

func decodePrefix(n int, address []byte) netip.Prefix {
	if n < six {
		var a [4]byte
		copy(a[:], address)
		return netip.PrefixFrom(netip.AddrFrom4(a), n)
	}
	var a [16]byte
	copy(a[:], address)
	return netip.PrefixFrom(netip.AddrFrom16(a), n-six)
}
