package source

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"

	"tripline/learn/source/internal/capfile"
)

// A capturePlace says how far a capture was delivered. To go back there it is
// read again from its beginning: the same packets give the same events, of which
// the first ones are not delivered again. So nothing of what is going on in a
// capture must be kept.
//
// It knows the capture by its first packet, and by the number and time of the
// last one before Size.
type capturePlace struct {
	Size    int64  `json:"size,omitempty"`    // bytes at whose end all was delivered
	Packets int64  `json:"packets,omitempty"` // before Size
	First   int64  `json:"first,omitempty"`   // time of the first packet
	Last    int64  `json:"last,omitempty"`    // time of the last one before Size
	Head    string `json:"head,omitempty"`    // of the first packet
	Done    int64  `json:"done,omitempty"`    // events delivered after Size
	Early   bool   `json:"early,omitempty"`   // how they were delivered

	seen, last int64 // packets so far, and the time of the last one
}

// A captureCursor is what a place is on disk. Its key is one that no cursor of a
// log has.
type captureCursor struct {
	Capture capturePlace `json:"capture"`
}

// decodeCapture returns the place of a cursor, nil if it has none.
func decodeCapture(text []byte) (*capturePlace, error) {
	if text == nil {
		return nil, nil //nolint:nilnil // the beginning is no place
	}
	var c captureCursor
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("stored cursor: %w", err)
	}
	if c.Capture.Head == "" {
		return nil, nil //nolint:nilnil // nothing had been read
	}
	return &c.Capture, nil
}

func (c *capturePlace) encode() ([]byte, error) {
	text, err := json.Marshal(captureCursor{*c})
	if err != nil {
		return nil, fmt.Errorf("cursor of a capture: %w", err)
	}
	return text, nil
}

// id names a content; names sort by age.
func (c *capturePlace) id() string {
	return fmt.Sprintf("%020d-%s-%012x", max(0, c.First), c.Head, c.Size)
}

// see notes a packet.
func (c *capturePlace) see(p *capfile.Packet) {
	if c.seen++; c.seen == 1 {
		c.First, c.Head = p.Time, headOf(p)
	}
	c.last = p.Time
}

// headOf is a fingerprint: no defence, only a way to tell captures apart.
func headOf(p *capfile.Packet) string {
	h := fnv.New64a()
	_, _ = h.Write(p.Data) // never fails, says its documentation
	return strconv.FormatUint(h.Sum64(), 16)
}

// settle notes that all up to an offset was delivered.
func (c *capturePlace) settle(offset int64, early bool) {
	c.Size, c.Packets, c.Last, c.Done, c.Early = offset, c.seen, c.last, 0, early
}

// candidates returns the places that may be in the file: that of the cursor, and
// else those known of the same capture by other names, the furthest first.
func (s *captureStream) candidates(at *capturePlace) (list []*capturePlace) {
	if s.path == "-" {
		return nil
	}
	if at != nil {
		list = append(list, at)
	}
	var best *capturePlace
	for _, text := range s.o.Known {
		c, err := decodeCapture(text)
		if err != nil || c == nil || at != nil && c.Head == at.Head && c.First == at.First && c.Size <= at.Size {
			continue
		}
		if s.begins(c) && (best == nil || c.Size > best.Size || c.Size == best.Size && c.Done > best.Done) {
			best = c
		}
	}
	if best != nil {
		list = append(list, best)
	}
	return list
}

// begins says whether the file begins like the capture of a place.
func (s *captureStream) begins(c *capturePlace) bool {
	begin, ok := captureBegin(s.path)
	return ok && begin.First == c.First && begin.Head == c.Head
}

// captureBegin returns the place behind the first packet of a capture.
func captureBegin(path string) (c capturePlace, ok bool) {
	file, err := openCaptureFile(path, nil, false)
	if err != nil {
		return c, false // reading it meets the error again
	}
	defer file.close() //nolint:errcheck // it was only read
	var p capfile.Packet
	if capfile.NewReader(file).Next(&p) != nil {
		return c, false
	}
	c.see(&p)
	return c, true
}

// goTo reads the file up to a place. It is false if the place is not in it.
func (s *captureStream) goTo(c *capturePlace) (bool, error) {
	if err := s.start(); err != nil || s.reader == nil {
		return false, err
	}
	s.at.Early = c.Early
	s.table.Prompt(c.Early)
	for s.reader.Offset() < c.Size {
		if s.reader.Next(&s.raw) != nil {
			return false, nil
		}
		s.at.see(&s.raw)
		_ = s.look() // it was told when it was read first
		s.table.Forget()
	}
	if c.Size > 0 && (s.reader.Offset() != c.Size || s.at.seen != c.Packets || s.at.last != c.Last || s.at.Head != c.Head || s.at.First != c.First) {
		return false, nil
	}
	if c.Size > 0 {
		s.table.Settle()
		s.table.Forget()
		s.at.settle(c.Size, c.Early)
	}
	if c.Done == 0 {
		s.at.Early = s.o.Early
		s.table.Prompt(s.o.Early)
	} else if !s.begins(c) {
		return false, nil
	}
	s.skip = c.Done
	return true, nil
}
