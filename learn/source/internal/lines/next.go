package lines

import (
	"bytes"
	"errors"
	"io"
	"time"
)

// Next returns the next line without its end (LF or CRLF), valid until the next
// call. io.EOF means that there is nothing more now. After a [TooLongError] or
// a [DamagedError] reading may go on.
func (r *Reader) Next() ([]byte, error) {
	r.atEnd = false
	for {
		line, ok := r.cur.next()
		if ok && len(line) <= r.o.MaxLine {
			return line, nil
		}
		if ok {
			return nil, r.tooLong()
		}
		if err := r.more(); err != nil {
			r.atEnd = errors.Is(err, io.EOF)
			return nil, err
		}
	}
}

func (r *Reader) tooLong() error {
	r.past.TooLong++
	return &TooLongError{File: r.cur.name, Line: int(r.cur.line), Max: r.o.MaxLine}
}

// more brings text into the window, from this file or the next one. Without an
// error it is worth looking again.
func (r *Reader) more() error {
	p := r.cur
	if p.done || p.absent() {
		return r.advance()
	}
	if p.tooLong(r.o.MaxLine) {
		return r.tooLong()
	}
	first := r.untouched()
	err := p.fill()
	if first && (err == nil || errors.Is(err, io.EOF)) {
		err = r.again(err)
	}
	switch {
	case r.cur != p:
		return err
	case err == nil:
		return nil
	case errors.Is(err, errTruncated):
		return r.truncated()
	case errors.Is(err, errNotYet):
		return io.EOF
	case !errors.Is(err, io.EOF):
		return r.failed(err)
	case p.in != nil:
		p.final, p.done = true, true
		return nil
	}
	return r.advance()
}

// failed leaves a file that cannot be decompressed any further. An error of
// reading a plain file may pass: the next call tries again.
func (r *Reader) failed(err error) error {
	if p := r.cur; p.in != nil {
		p.done, p.end, p.scan = true, p.pos, p.pos
	}
	if _, ok := errors.AsType[*DamagedError](err); ok {
		r.past.Damaged++
	}
	return err
}

// Cursor returns the place just behind the last line that Next returned or
// reported as too long. It is cheap: two hashes of half a kilobyte. Until the
// first line of a file it is the place before it, in another content.
func (r *Reader) Cursor() Cursor {
	switch {
	case r.log == nil:
		return Cursor{}
	case r.cur.offset() == 0:
		return r.prev
	}
	return r.cur.cursor()
}

// Newest returns when the file that is read was last written. What comes in a
// stream was written now, to the second.
func (r *Reader) Newest() time.Time {
	switch {
	case r.log == nil:
		return time.Now().Truncate(time.Second)
	case r.cur.info == nil:
		return time.Time{}
	}
	return r.cur.info.ModTime()
}

// File returns the name of the file that is read.
func (r *Reader) File() string { return r.cur.name }

// Line returns the number of the last line in its file, counted from 1.
func (r *Reader) Line() int { return int(r.cur.line) }

// Head returns up to the first 4 KiB of text of the file that is read, however
// far it was read. Standard input is waited for, unless it is followed.
func (r *Reader) Head() []byte {
	p := r.cur
	if p.absent() {
		return nil
	}
	for len(p.head) < headSize && bytes.IndexByte(p.head, '\n') < 0 && !p.done {
		if p.fill() != nil {
			break // Next meets it again
		}
	}
	return p.head
}

// Stats returns what was counted so far.
func (r *Reader) Stats() Stats {
	s := r.past
	s.Lines += r.cur.line - r.fromLine
	s.Bytes += r.cur.offset() - r.from
	if r.atEnd {
		s.Torn = int64(r.cur.rest())
	}
	return s
}

// Progress returns how many bytes of files were read, compressed as they are,
// of how many there are. The total is 0 if nobody knows.
func (r *Reader) Progress() (done, total int64) {
	if r.log == nil {
		return r.Stats().Bytes, 0
	}
	p := r.cur
	done, total = *p.raw, *p.raw
	if p.info != nil {
		total = max(total, p.info.Size())
	}
	if p.in == nil {
		done, total = done-r.from, total-r.from
	}
	return r.donePast + done, r.donePast + total + r.later
}
