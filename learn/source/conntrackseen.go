package source

import (
	"encoding/binary"
	"slices"
)

// A seen set remembers connections that may last for hours, by keys that
// [recent] makes. When there are too many, or when a time has passed, those that
// were not met in the meantime are forgotten: what is forgotten and comes again
// is counted again.
type seenSet struct {
	keys       recent // only its seed is used
	young, old map[uint64]struct{}
	turned     uint32 // when old was young, in seconds since 1970
	life       uint32 // how long young stays so, in seconds; 0 is for ever
	most       int    // of young
}

// mostYoung bounds a state that is kept to 128 KiB.
const mostYoung = 1 << 13

func newSeenSet(life uint32) *seenSet {
	s := &seenSet{keys: newRecent(), young: map[uint64]struct{}{}, life: life, most: mostYoung}
	s.keys.seconds, s.keys.minutes = nil, nil
	return s
}

// meet says whether key was met before, and remembers it.
func (s *seenSet) meet(key uint64, now uint32) bool {
	if s.life > 0 && (s.turned == 0 || apart(s.turned, now) > s.life) {
		if apart(s.turned, now) > 2*s.life {
			clear(s.young)
		}
		s.turn(now)
	}
	if _, ok := s.young[key]; ok {
		return true
	}
	_, ok := s.old[key]
	if len(s.young) >= s.most {
		s.turn(now)
	}
	s.young[key] = struct{}{}
	return ok
}

func (s *seenSet) turn(now uint32) {
	s.old, s.young, s.turned = s.young, map[uint64]struct{}{}, now
}

// has says whether key was met.
func (s *seenSet) has(key uint64) bool {
	_, young := s.young[key]
	_, old := s.old[key]
	return young || old
}

func (s *seenSet) forget(key uint64) {
	delete(s.young, key)
	delete(s.old, key)
}

// The state: a version, the seed, when it turned, both sets, a checksum.
const seenVersion = 1

func (s *seenSet) state() []byte {
	b := []byte{seenVersion}
	b = binary.LittleEndian.AppendUint64(b, s.keys.seed[0])
	b = binary.LittleEndian.AppendUint64(b, s.keys.seed[1])
	b = binary.LittleEndian.AppendUint32(b, s.turned)
	for _, set := range []map[uint64]struct{}{s.young, s.old} {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(set)))
		keys := make([]uint64, 0, len(set))
		for key := range set {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			b = binary.LittleEndian.AppendUint64(b, key)
		}
	}
	return seal(b)
}

func (s *seenSet) restore(b []byte) error {
	if len(b) == 0 {
		*s = *newSeenSet(s.life)
		return nil
	}
	b, err := unseal(b, seenVersion)
	if err != nil {
		return err
	}
	if len(b) < 20 {
		return errDamaged
	}
	young, rest, ok := readKeys(b[20:])
	old, rest, ok2 := readKeys(rest)
	if !ok || !ok2 || len(rest) > 0 {
		return errDamaged
	}
	s.keys.seed = [2]uint64{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
	s.turned, s.young, s.old = binary.LittleEndian.Uint32(b[16:]), young, old
	return nil
}

func readKeys(b []byte) (set map[uint64]struct{}, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := int(binary.LittleEndian.Uint32(b))
	if b = b[4:]; n > len(b)/8 {
		return nil, nil, false
	}
	set = make(map[uint64]struct{}, n)
	for range n {
		set[binary.LittleEndian.Uint64(b)] = struct{}{}
		b = b[8:]
	}
	return set, b, true
}
