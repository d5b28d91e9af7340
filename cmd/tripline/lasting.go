package main

import (
	"crypto/rand"
	"encoding/binary"
	"maps"
	"slices"

	"tripline/learn/sandbox"
	"tripline/store"
)

// A lasting notes which connections of a command go on, between two commits. What is
// in the database of them stays there if tripline is killed.
type lasting struct {
	session string // no other process's ever
	checked bool   // nothing is learned from them
	kept    map[uint64]bool
	open    map[uint64]store.Lasting // to be written
	ended   []string
}

func newLasting(checked bool) *lasting {
	return &lasting{session: rand.Text(), checked: checked, kept: map[uint64]bool{}, open: map[uint64]store.Lasting{}}
}

// note takes what was told of a connection, whose flow goes into the same commit if
// it has ended.
func (l *lasting) note(t *sandbox.Told) {
	key := string(binary.BigEndian.AppendUint64([]byte(l.session), t.Number))
	switch {
	case t.Open:
		l.open[t.Number] = store.Lasting{Key: key, Flow: t.Flow, Checked: l.checked}
		return
	case l.kept[t.Number]:
		l.ended = append(l.ended, key)
	}
	delete(l.open, t.Number)
	delete(l.kept, t.Number)
}

// forget lets a connection go that has ended: what is in the database of it stays.
func (l *lasting) forget(number uint64) {
	delete(l.open, number)
	delete(l.kept, number)
}

// pending says whether there is anything to write.
func (l *lasting) pending() bool { return len(l.open)+len(l.ended) > 0 }

// unsaved takes back what could not be written. What has ended since needs no more
// than to be forgotten.
func (l *lasting) unsaved(b *store.Batch) {
	for _, one := range b.Lasting {
		n := binary.BigEndian.Uint64([]byte(one.Key[len(l.session):]))
		if _, newer := l.open[n]; l.kept[n] && !newer {
			l.open[n] = one
		}
	}
	l.ended = append(l.ended, b.Ended...)
}

// save moves what is to be written into a batch.
func (l *lasting) save(b *store.Batch) {
	b.Lasting, b.Ended = slices.Collect(maps.Values(l.open)), l.ended
	for n := range l.open {
		l.kept[n] = true
	}
	l.ended = nil
	clear(l.open)
}
