package mmdb

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"tripline/ipranges"
)

// Index returns what [ReadIndex] wants, for a database with the SHA-256 digest,
// in hex. It reads the whole database.
func (db *DB) Index(digest string) ([]byte, error) {
	if len(digest) != digestSize {
		return nil, fmt.Errorf("digest %.80q, want %d hexadecimal digits", digest, digestSize)
	}
	all, err := db.walk()
	if err != nil {
		return nil, err
	}
	return encodeIndex(digest, all), nil
}

// encodeIndex writes an index of all that a database says.
func encodeIndex(digest string, all walked) []byte {
	slices.SortFunc(all.networks, func(a, b announced) int { return a.prefix.Addr().Compare(b.prefix.Addr()) }) // IPv4 first
	systems, rows := all.rows()
	v4, v6 := writer{family: family{width: 4}}, writer{family: family{width: 16}}
	in := make([][]int, len(systems)) // the blocks of each
	for _, n := range all.networks {
		row, block := rows[n.system], 0
		if n.prefix.Addr().Is4() {
			block = v4.add(n.prefix, row)
		} else {
			block = v4.count() + v6.add(n.prefix, row)
		}
		in[row] = append(in[row], block)
	}
	ix := Index{v4: v4.family, v6: v6.family}
	for row, as := range systems {
		ix.addSystem(as, in[row])
	}
	return ix.bytes(digest, len(all.networks))
}

// rows returns the systems in order, each once, and for each index of a system
// which of them it is.
func (w *walked) rows() (systems []ipranges.AS, rows []int) {
	order := func(a, b ipranges.AS) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), strings.Compare(a.Org, b.Org))
	}
	systems = slices.Clone(w.systems)
	slices.SortFunc(systems, order)
	systems = slices.Compact(systems)
	rows = make([]int, len(w.systems))
	for i, as := range w.systems {
		rows[i], _ = slices.BinarySearchFunc(systems, as, order)
	}
	return systems, rows
}

// addSystem adds a row. blocks come in order, some of them several times.
func (ix *Index) addSystem(as ipranges.AS, blocks []int) {
	ix.names = append(ix.names, as.Org...)
	last := 0
	for _, b := range slices.Compact(blocks) {
		ix.members = binary.AppendUvarint(ix.members, uint64(b-last))
		last = b
	}
	ix.rows = binary.BigEndian.AppendUint32(ix.rows, as.Number)
	ix.rows = binary.BigEndian.AppendUint32(ix.rows, uint32(len(ix.names)))
	ix.rows = binary.BigEndian.AppendUint32(ix.rows, uint32(len(ix.members)))
}

func (ix *Index) bytes(digest string, networks int) []byte {
	out := binary.BigEndian.AppendUint32([]byte(IndexVersion+digest), uint32(networks))
	for _, section := range ix.sections() {
		out = binary.BigEndian.AppendUint32(out, uint32(len(*section)))
	}
	for _, section := range ix.sections() {
		out = append(out, *section...)
	}
	return out
}
