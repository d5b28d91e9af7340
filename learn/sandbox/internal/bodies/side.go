package bodies

import (
	"bufio"
	"errors"
	"io"
	"iter"
)

// A side is one direction: a reader that is called by what it reads. It runs inside
// of feed, until it has read all of what it was fed, so that nothing is queued.
type side struct {
	read   func(*source)
	src    source
	resume func() (struct{}, bool)
	stop   func()
	over   bool
}

func newSide(read func(*source)) *side { return &side{read: read} }

// feed runs the reader over what comes next.
func (s *side) feed(b []byte) {
	if s.over || len(b) == 0 {
		return
	}
	s.src.data = b
	s.run()
	s.src.data = nil
}

// end lets the reader see the end.
func (s *side) end() {
	if s.resume != nil && !s.over {
		s.src.ended = true
		s.run()
	}
	if s.stop != nil {
		s.stop()
	}
	s.over = true
}

func (s *side) run() {
	if s.resume == nil {
		s.resume, s.stop = iter.Pull(func(yield func(struct{}) bool) {
			s.src.more = func() bool { return yield(struct{}{}) }
			s.read(&s.src)
		})
	}
	if _, more := s.resume(); !more {
		s.over = true
		s.src = source{} // it may hold much
	}
}

// A source is what a reader reads from.
type source struct {
	data  []byte // that was fed and not read yet; it is lent
	ended bool
	more  func() bool // waits until there is more
	head  int         // how much may be read of the head of a message; negative is any
}

var errHead = errors.New("head of a message: too long")

// Read implements [io.Reader].
func (s *source) Read(p []byte) (int, error) {
	for len(s.data) == 0 {
		if s.ended || !s.more() {
			return 0, io.EOF
		}
	}
	if s.head == 0 {
		return 0, errHead
	}
	if s.head > 0 {
		p = p[:min(len(p), s.head)]
	}
	n := copy(p, s.data)
	s.data = s.data[n:]
	if s.head > 0 {
		s.head -= n
	}
	return n, nil
}

// mostHead bounds the head of a message; those of servers are between 8 and 64 KiB.
const mostHead = 64 << 10

// begins waits for the first byte of a message; false says that none comes.
func (s *source) begins(r *bufio.Reader) bool {
	s.head = mostHead
	_, err := r.Peek(1)
	return err == nil
}
