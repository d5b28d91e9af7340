package lines

import (
	"errors"
	"io"
)

// cursor says how far the piece was read.
func (p *piece) cursor() Cursor {
	c := Cursor{File: p.name, Offset: p.offset(), Line: p.line, Skip: p.skip, ID: p.id}
	if p.info != nil {
		c.Inode, c.Time = inode(p.info), p.info.ModTime().UTC()
	}
	c.Head, c.Tail = p.sums()
	return c
}

// sums returns the fingerprints at the present place.
func (p *piece) sums() (head, tail string) {
	n := min(p.offset(), imprint)
	if head = p.headSum; head == "" {
		head = fingerprint(p.head[:min(int(n), len(p.head))])
	}
	if n == imprint {
		p.headSum = head
	}
	return head, fingerprint(p.buf[p.pos-int(n) : p.pos])
}

// seek goes to the place of a cursor, in compressed text only forward. It is
// false if the cursor was not taken in this text; then the piece stands nowhere.
func (p *piece) seek(c Cursor) bool {
	p.skip = false
	if p.in == nil {
		return p.jump(c) && p.at(c)
	}
	if c.Offset < p.offset() {
		return false
	}
	for p.base+int64(p.end) < c.Offset {
		p.pos, p.scan = p.end, p.end
		if err := p.fill(); err != nil || p.foreign(c) {
			return false
		}
	}
	p.pos = int(c.Offset - p.base)
	p.scan = p.pos
	return p.at(c)
}

// jump reads what is around the place in a plain file.
func (p *piece) jump(c Cursor) bool {
	if p.info.Size() < c.Offset {
		return false
	}
	head := make([]byte, headSize)
	n, err := p.file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	p.head = head[:n]
	p.compact()
	keep := min(c.Offset, imprint)
	p.base = c.Offset - keep
	n, _ = p.file.ReadAt(p.buf[:keep], p.base)
	p.pos, p.scan, p.end = n, n, n
	*p.raw = c.Offset
	return true
}

// foreign rejects early a compressed file that begins with other text.
func (p *piece) foreign(c Cursor) bool {
	n := int(min(c.Offset, imprint))
	return len(p.head) >= n && fingerprint(p.head[:n]) != c.Head
}

// at says whether the piece stands where the cursor was taken, and takes over
// what the cursor knows.
func (p *piece) at(c Cursor) bool {
	if p.offset() != c.Offset || int64(len(p.head)) < min(c.Offset, imprint) {
		return false
	}
	if head, tail := p.sums(); head != c.Head || tail != c.Tail {
		return false
	}
	p.line, p.skip, p.id = c.Line, c.Skip, c.ID
	if p.skip {
		p.skipLine()
	}
	return true
}
