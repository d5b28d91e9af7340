package lines

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"io"
	"slices"
	"time"
)

// newID names a content when its first line is read. Names sort by age.
func newID() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails, says its documentation
	return fmt.Sprintf("%012x%x", time.Now().UnixMilli(), b)
}

// beginning returns the first bytes of the text, without reading on in it.
func (p *piece) beginning() []byte {
	switch {
	case len(p.head) >= imprint:
		return p.head[:imprint]
	case p.in == nil:
		head := make([]byte, imprint)
		n, _ := p.file.ReadAt(head, 0) // reading on meets the error again
		return head[:n]
	}
	for len(p.head) < imprint && p.fill() == nil {
		continue
	}
	return p.head[:min(len(p.head), imprint)]
}

// rewind goes back to the beginning of the file.
func (p *piece) rewind() error {
	if p.unpack != nil {
		_ = p.unpack.Close() // it was only read
	}
	*p = piece{name: p.name, file: p.file, close: p.close, raw: p.raw, buf: p.buf}
	*p.raw = 0
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return ReadError(p.name, err)
	}
	return p.start()
}

// alike returns the known places, by their index, in texts that begin like head.
func alike(known []Cursor, head []byte) (list []int) {
	sums := map[int64]string{}
	for i, c := range known {
		n := min(c.Offset, imprint)
		if c.IsZero() || n > int64(len(head)) {
			continue
		}
		if sums[n] == "" {
			sums[n] = fingerprint(head[:n])
		}
		if sums[n] == c.Head {
			list = append(list, i)
		}
	}
	return list
}

// ahead returns the known places, by their index, that may lie ahead in a piece.
// The nearest is first.
func (r *Reader) ahead(p *piece) []int {
	if len(r.o.Known) == 0 {
		return nil
	}
	list := slices.DeleteFunc(alike(r.o.Known, p.beginning()), func(i int) bool {
		return r.o.Known[i].Offset <= p.offset()
	})
	slices.SortStableFunc(list, func(a, b int) int {
		return cmp.Compare(r.o.Known[a].Offset, r.o.Known[b].Offset)
	})
	return list
}

// pass goes behind what is known of a piece, and returns the index of the place
// it then stands at, -1 if nothing ahead is known.
func (r *Reader) pass(p *piece) (int, error) {
	places := r.ahead(p)
	if len(places) == 0 {
		return -1, nil
	}
	at, back, stands := -1, p.cursor(), true
	for _, i := range places {
		if stands = p.seek(r.o.Known[i]); stands {
			at, back = i, r.o.Known[i]
		}
	}
	if stands {
		return at, nil
	}
	err := p.rewind()
	if err == nil && !back.IsZero() && !p.seek(back) {
		return -1, p.rewind() // its text was replaced just now
	}
	return at, err
}

// finish remembers how far a content was read that is left now, unless more of
// it is known.
func (r *Reader) finish(c Cursor) {
	same := func(k Cursor) bool { return k.ID == c.ID }
	further := func(k Cursor) bool { return same(k) && k.Offset > c.Offset }
	if c.IsZero() || slices.ContainsFunc(r.o.Known, further) {
		return
	}
	r.finished = append(slices.DeleteFunc(r.finished, same), c)
}

// Known returns which of [Options.Known] reading began behind, -1 if it began
// elsewhere.
func (r *Reader) Known() int { return r.began }

// Finished returns the ends of the contents that reading has left since the
// last call. Who keeps them beside [Reader.Cursor] can say later what is known.
func (r *Reader) Finished() []Cursor {
	if r.finished == nil {
		return nil
	}
	left := r.finished
	r.finished = nil
	return left
}

// Relevant returns which places, by their index, may be in a file of a log that
// is there now: in one that begins alike.
func Relevant(path string, known []Cursor) (list []int, err error) {
	members, err := (&family{path: path}).list()
	if err != nil {
		return nil, err
	}
	is := make([]bool, len(known))
	for _, m := range members {
		p, err := openPiece(m.path)
		if err != nil {
			continue // who reads it meets the error again
		}
		for _, i := range alike(known, p.beginning()) {
			is[i] = true
		}
		_ = p.shut() // it was only read
	}
	for i := range known {
		if is[i] {
			list = append(list, i)
		}
	}
	return list, nil
}
