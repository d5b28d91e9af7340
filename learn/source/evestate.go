package source

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"maps"
	"slices"

	"tripline/learn"
)

// eveStateVersion is that of the state: how long flow events are expected, the chain of
// aliases that is being read, and the connections that have not ended.
const eveStateVersion = 1

// State implements [Parser].
func (p *eveParser) State() []byte {
	b := []byte{eveStateVersion}
	for _, n := range []int64{p.flows, p.halves, p.known.since, p.drops.last} {
		b = binary.AppendVarint(b, n)
	}
	b = appendText(b, p.chain.id)
	b = binary.AppendUvarint(b, uint64(len(p.chain.names)))
	for _, name := range p.chain.names {
		b = appendText(b, name)
	}
	b = appendEntries(b, p.known.now)
	b = appendEntries(b, p.known.before)
	return seal(b)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendEntries writes them in order, so that equal tables are equal bytes.
func appendEntries(b []byte, entries map[eveKey]eveEntry) []byte {
	b = binary.AppendUvarint(b, uint64(len(entries)))
	for _, k := range slices.SortedFunc(maps.Keys(entries), eveKey.compare) {
		e := entries[k]
		counted := byte(0)
		if e.counted {
			counted = 1
		}
		b = append(b, k.text()...)
		b = append(b, byte(e.evidence), counted)
		b = appendText(b, e.name)
	}
	return b
}

func (k eveKey) compare(l eveKey) int {
	return cmp.Or(cmp.Compare(k.id, l.id), cmp.Compare(k.sport, l.sport), cmp.Compare(k.dport, l.dport))
}

// Restore implements [Parser]. Nil is the state before the first record.
func (p *eveParser) Restore(b []byte) error {
	if len(b) == 0 {
		p.known, p.chain, p.flows, p.halves, p.drops.last = newEveTable(), eveChain{}, 0, 0, 0
		return nil
	}
	body, err := unseal(b, eveStateVersion)
	if err != nil {
		return err
	}
	r := stateReader{text: body}
	flows, halves, since, last := r.varint(), r.varint(), r.varint(), r.varint()
	chain := eveChain{id: r.string()}
	for range r.count() {
		chain.names = append(chain.names, r.string())
	}
	table := eveTable{now: r.entries(), before: r.entries(), since: since}
	if r.bad || len(r.text) > 0 {
		return errDamaged
	}
	p.known, p.chain, p.flows, p.halves, p.drops.last = table, chain, flows, halves, last
	return nil
}

// A stateReader reads what State wrote. After the first damage all is zero.
type stateReader struct {
	text []byte
	bad  bool
}

func (r *stateReader) varint() int64 {
	n, size := binary.Varint(r.text)
	r.take(size)
	return n
}

// count reads how many follow, each of at least one byte.
func (r *stateReader) count() int {
	n, size := binary.Uvarint(r.text)
	r.take(size)
	if n > uint64(len(r.text)) {
		r.bad = true
		return 0
	}
	return int(n)
}

// take returns the next bytes; a size of nothing is damage.
func (r *stateReader) take(size int) []byte {
	if r.bad || size <= 0 || size > len(r.text) {
		r.bad = true
		return nil
	}
	b := r.text[:size]
	r.text = r.text[size:]
	return b
}

func (r *stateReader) string() string {
	n := r.count()
	if n == 0 {
		return ""
	}
	return string(bytes.Clone(r.take(n)))
}

func (r *stateReader) entries() map[eveKey]eveEntry {
	entries := map[eveKey]eveEntry{}
	for range r.count() {
		b := r.take(14)
		if b == nil {
			break
		}
		k := eveKey{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint16(b[8:]), binary.LittleEndian.Uint16(b[10:])}
		entries[k] = eveEntry{evidence: learn.Evidence(b[12]), counted: b[13] == 1, name: r.string()}
	}
	return entries
}
