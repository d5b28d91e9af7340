package store

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"tripline/learn"
)

// A sum is what is kept of one destination. Runs are numbers here: their names
// would be most of the bytes.
type sum struct {
	first, last              instant
	flows, refused, up, down uint64
	evidence                 learn.Evidence
	day                      learn.Block // with hours: blocks not yet in blocks
	hours                    uint64      // bit n is the block day+n
	blocks                   []learn.Block
	runs                     []uint32
}

// add counts a flow. Blocks are put in order later, by tidy.
func (s *sum) add(f *learn.Flow, at instant) {
	if s.flows == 0 || at.before(s.first) {
		s.first = at
	}
	if s.flows == 0 || s.last.before(at) {
		s.last = at
	}
	s.flows++
	if f.Action == learn.Refused {
		s.refused++
	}
	s.up += f.Up
	s.down += f.Down
	s.evidence = max(s.evidence, f.Evidence)
	b := learn.BlockOf(f.Time)
	if day := b &^ 63; day != s.day {
		s.unroll()
		s.day = day
	}
	s.hours |= 1 << (b & 63)
}

// unroll moves the blocks of the day to the others.
func (s *sum) unroll() {
	for ; s.hours != 0; s.hours &= s.hours - 1 {
		s.blocks = append(s.blocks, s.day+learn.Block(bits.TrailingZeros64(s.hours)))
	}
}

// merge counts what t counted as well.
func (s *sum) merge(t *sum) {
	if t.first.before(s.first) {
		s.first = t.first
	}
	if s.last.before(t.last) {
		s.last = t.last
	}
	s.flows += t.flows
	s.refused += t.refused
	s.up += t.up
	s.down += t.down
	s.evidence = max(s.evidence, t.evidence)
	s.blocks = append(s.blocks, t.blocks...)
	s.runs = append(s.runs, t.runs...)
	s.tidy()
}

// tidy sorts what was appended and drops repeats.
func (s *sum) tidy() {
	s.unroll()
	s.blocks, s.runs = set(s.blocks), set(s.runs)
}

func set[T ~uint32](v []T) []T {
	for i := 1; i < len(v); i++ {
		if v[i-1] >= v[i] {
			slices.Sort(v)
			return slices.Compact(v)
		}
	}
	return v
}

// appendTo appends the value that is kept. A long name is not in the key and
// goes here.
func (s *sum) appendTo(b []byte, longName string) []byte {
	b = appendInstant(appendInstant(b, s.first), s.last)
	for _, n := range []uint64{s.flows, s.refused, s.up, s.down} {
		b = binary.AppendUvarint(b, n)
	}
	b = append(b, byte(s.evidence))
	b = appendRising(appendRising(b, s.blocks), s.runs)
	return append(b, longName...)
}

// sumOf reads a value; longName is what follows it.
func sumOf(v []byte) (s sum, longName string, err error) {
	r := reader{b: v}
	s.first, s.last = r.instant(), r.instant()
	s.flows, s.refused, s.up, s.down = r.uvarint(), r.uvarint(), r.uvarint(), r.uvarint()
	s.evidence = learn.Evidence(r.byte())
	s.blocks, s.runs = rising[learn.Block](&r), rising[uint32](&r)
	if r.bad {
		return sum{}, "", fmt.Errorf("sums of a destination: %w", errShort)
	}
	return s, string(r.b), nil
}
