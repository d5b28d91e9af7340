package syslog

import (
	"bytes"
	"errors"
	"io"
)

// ErrTooLong is returned by [Framer.Next] for a message that was left out:
// reading goes on behind it.
var ErrTooLong = errors.New("message too long")

// ErrCut is returned by [Framer.Next] where a connection ends within a message
// whose length was told.
var ErrCut = errors.New("connection ended within a message")

// A Framer cuts what comes over a connection into messages (RFC 6587). Which of
// the two ways a sender frames is seen from each message: its length in digits, a
// blank and the "<" of a priority, or a line end or zero byte behind it. It is not
// for concurrent use.
type Framer struct {
	in    io.Reader
	max   int
	buf   []byte
	at    int // where in buf what was not returned yet begins
	end   int
	skip  int  // bytes of a long message still to be passed over
	drop  bool // up to the next line end
	ended error
}

// NewFramer reads messages of up to maximum bytes.
func NewFramer(in io.Reader, maximum int) *Framer {
	return &Framer{in: in, max: maximum, buf: make([]byte, 4<<10)}
}

// Pending says whether a message was begun and is not complete.
func (f *Framer) Pending() bool { return f.at < f.end || f.skip > 0 || f.drop }

// Next returns the next message without its framing, valid until the next call.
// Empty messages are passed over. At the end of the input it is the reader's
// error; what stands before a clean end is a message too.
func (f *Framer) Next() ([]byte, error) {
	for {
		message, ok, err := f.next()
		if ok {
			return message, err
		}
		if f.ended != nil {
			return f.rest()
		}
		f.fill()
	}
}

// next looks at what is in the buffer; ok is false if more is needed.
func (f *Framer) next() (message []byte, ok bool, err error) {
	if f.skip > 0 || f.drop {
		if !f.pass() {
			return nil, false, nil
		}
	}
	for f.at < f.end && isEnd(f.buf[f.at]) {
		f.at++
	}
	b := f.buf[f.at:f.end]
	if len(b) == 0 {
		return nil, false, nil
	}
	head, size, more := counted(b)
	switch {
	case more:
		return nil, false, nil
	case head > 0 && size > f.max:
		f.at += head
		f.skip = size
		return nil, true, ErrTooLong
	case head > 0:
		if len(b) < head+size {
			return nil, false, nil
		}
		f.at += head + size
		return bytes.TrimRight(b[head:head+size], "\r\n\x00"), true, nil
	}
	return f.line(b)
}

// line returns a message that ends with its line.
func (f *Framer) line(b []byte) (message []byte, ok bool, err error) {
	end := bytes.IndexByte(b, '\n')
	if zero := bytes.IndexByte(b[:max(0, min(len(b), end))], 0); zero >= 0 {
		end = zero
	} else if end < 0 {
		end = bytes.IndexByte(b, 0)
	}
	switch {
	case end > f.max || end < 0 && len(b) > f.max:
		f.drop = true
		return nil, true, ErrTooLong
	case end < 0:
		return nil, false, nil
	}
	f.at += end + 1
	return bytes.TrimRight(b[:end], "\r"), true, nil
}

// pass leaves out what belongs to a long message, and says whether it ended.
func (f *Framer) pass() bool {
	if f.drop {
		end := bytes.IndexAny(f.buf[f.at:f.end], "\n\x00")
		if end < 0 {
			f.at, f.end = 0, 0
			return false
		}
		f.at, f.drop = f.at+end, false
		return true
	}
	n := min(f.skip, f.end-f.at)
	f.at += n
	f.skip -= n
	return f.skip == 0
}

func isEnd(c byte) bool { return c == '\n' || c == '\r' || c == 0 }

// mostDigits are those of the longest message anybody sends.
const mostDigits = 7

// counted reads "117 " before a "<" and returns its length and what it says, 0
// and 0 if there is no such thing. More says that it may be one when more comes.
func counted(b []byte) (head, size int, more bool) {
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9' && i < mostDigits && (i > 0 || c != '0'):
			size = size*10 + int(c-'0')
		case c == ' ' && i > 0:
			if i+1 == len(b) {
				return 0, 0, true
			}
			if b[i+1] != '<' {
				return 0, 0, false
			}
			return i + 1, size, false
		default:
			return 0, 0, false
		}
	}
	return 0, 0, true
}

// fill reads more, behind what is there.
func (f *Framer) fill() {
	if f.at > 0 {
		f.end = copy(f.buf, f.buf[f.at:f.end])
		f.at = 0
	}
	if f.end == len(f.buf) { // never beyond the longest message and its head
		grown := make([]byte, min(2*len(f.buf), f.max+2*mostDigits))
		copy(grown, f.buf[:f.end])
		f.buf = grown
	}
	n, err := f.in.Read(f.buf[f.end:])
	f.end += n
	if n == 0 {
		f.ended = err // else it comes again
	}
}

// rest returns what is left when nothing more comes.
func (f *Framer) rest() ([]byte, error) {
	b := f.buf[f.at:f.end]
	f.at, f.end = 0, 0
	if head, _, _ := counted(b); head > 0 || f.skip > 0 {
		f.skip = 0
		return nil, ErrCut
	}
	if len(b) == 0 || !errors.Is(f.ended, io.EOF) {
		return nil, f.ended
	}
	return b, nil
}
