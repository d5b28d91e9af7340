package dissect

// mostHoles bounds how many stretches of a stream wait for what is before them.
const mostHoles = 32

// A Stream puts together what was sent in pieces, in any order. The zero value
// is empty.
type Stream struct {
	data   []byte
	pieces []stretch // that do not touch, in order
}

// A stretch of a stream is there.
type stretch struct{ from, to int }

// Insert puts data at its offset. What is there already stays: a second version
// of it is a trick. It returns false if there are too many holes.
func (s *Stream) Insert(offset int, data []byte) bool {
	end := offset + len(data)
	if offset < 0 || len(data) == 0 {
		return true
	}
	if len(s.pieces) == mostHoles {
		return false
	}
	if len(s.data) < end {
		s.data = append(s.data, make([]byte, end-len(s.data))...)
	}
	at := offset
	for _, p := range s.pieces { // fill what is between the pieces
		if p.to <= at {
			continue
		}
		if p.from >= end {
			break
		}
		if at < p.from {
			copy(s.data[at:p.from], data[at-offset:])
		}
		at = p.to
	}
	if at < end {
		copy(s.data[at:end], data[at-offset:])
	}
	s.join(stretch{offset, end})
	return true
}

// join adds a stretch to the pieces and melts those that touch it.
func (s *Stream) join(n stretch) {
	kept := make([]stretch, 0, len(s.pieces)+1)
	placed := false
	for _, p := range s.pieces {
		switch {
		case p.to < n.from:
			kept = append(kept, p)
		case p.from > n.to:
			if !placed {
				kept, placed = append(kept, n), true
			}
			kept = append(kept, p)
		default:
			n = stretch{min(p.from, n.from), max(p.to, n.to)}
		}
	}
	if !placed {
		kept = append(kept, n)
	}
	s.pieces = kept
}

// Prefix is what is there from the beginning, without a hole.
func (s *Stream) Prefix() []byte {
	if len(s.pieces) == 0 || s.pieces[0].from > 0 {
		return nil
	}
	return s.data[:s.pieces[0].to]
}

// Size is how many bytes are held.
func (s *Stream) Size() int { return cap(s.data) }

// Drop forgets the first n bytes of the prefix.
func (s *Stream) Drop(n int) {
	s.data = append([]byte(nil), s.data[n:]...)
	kept := s.pieces[:0]
	for _, p := range s.pieces {
		if p.to > n {
			kept = append(kept, stretch{max(0, p.from-n), p.to - n})
		}
	}
	s.pieces = kept
}
