package source

import (
	"encoding/binary"
	"net/netip"

	"tripline/learn"
	"tripline/learn/source/internal/eve"
)

// An eveKey is one connection. Old versions use an id again, so the ports are
// part of it.
type eveKey struct {
	id           uint64
	sport, dport uint16
}

// keyOf returns the key of an event. Without an id it is made of the addresses,
// in whatever order they are.
func keyOf(e *eve.Event) eveKey {
	id := e.ID
	if !e.HasID {
		src, dst := bitsOf(e.Src), bitsOf(e.Dst)
		id = mix(src+dst, src^dst) | 1<<63
	}
	return eveKey{id, e.SrcPort, e.DstPort}
}

func bitsOf(a netip.Addr) uint64 {
	b := a.As16()
	return mix(binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:]))
}

// reverse is the key of the other direction.
func (k eveKey) reverse() eveKey { return eveKey{k.id, k.dport, k.sport} }

// with is the key of one more name on the connection.
func (k eveKey) with(name string) eveKey {
	h := uint64(len(name))
	for i := range len(name) {
		h = mix(h, uint64(name[i]))
	}
	return eveKey{mix(k.id, h) | 1<<63, k.sport, k.dport}
}

func (k eveKey) text() string {
	b := binary.LittleEndian.AppendUint64(nil, k.id)
	b = binary.LittleEndian.AppendUint16(b, k.sport)
	return string(binary.LittleEndian.AppendUint16(b, k.dport))
}

// An eveEntry is what was said of a connection before its end.
type eveEntry struct {
	name     string
	evidence learn.Evidence
	counted  bool
}

// Bounds of what is remembered of connections that have not ended: two
// generations of them, of which the older is dropped as a whole.
const (
	mostEveEntries = 1 << 14
	eveGeneration  = 24 * 3600 // seconds
)

type eveTable struct {
	now, before map[eveKey]eveEntry
	since       int64
}

func newEveTable() eveTable {
	return eveTable{now: map[eveKey]eveEntry{}, before: map[eveKey]eveEntry{}}
}

func (t *eveTable) get(k eveKey) (eveEntry, bool) {
	if e, ok := t.now[k]; ok {
		return e, true
	}
	e, ok := t.before[k]
	return e, ok
}

func (t *eveTable) put(k eveKey, e eveEntry, now int64) {
	if len(t.now) == 0 {
		t.since = now
	}
	if len(t.now) >= mostEveEntries || now-t.since >= eveGeneration {
		t.now, t.before, t.since = make(map[eveKey]eveEntry), t.now, now
	}
	delete(t.before, k)
	t.now[k] = e
}

func (t *eveTable) remove(k eveKey) {
	delete(t.now, k)
	delete(t.before, k)
}
