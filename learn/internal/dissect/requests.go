package dissect

import (
	"bytes"
	"math"
	"strconv"
)

// Requests finds the requests of HTTP/1 in what a client sends over one connection, one
// behind the other (RFC 9112, sections 6 and 7.1), and those of HTTP/2 without TLS. The
// zero value is ready to use.
//
// Who frames a body so that two readers disagree of its end can hide a request in it.
type Requests struct {
	head []byte // of a request, or a line of a chunk, so far
	line int    // where its last line begins
	skip uint64 // bytes of a body that come first
	part part
	lost bool // what came is not understood

	fields *fields // of HTTP/2, nil before it
}

// A Begun is a request whose head is whole, and where in what was fed that began.
type Begun struct {
	Request

	At int // 0 where it began before
}

// A part of a request is what comes next of it.
type part uint8

const (
	partHead part = iota
	partSize      // of a chunk
	partEnd       // of a chunk
	partTrailer
)

// Feed takes what is sent next, and returns the requests whose heads are whole with it.
func (q *Requests) Feed(b []byte) (begun []Begun) {
	all, from := len(b), 0
	for len(b) > 0 && !q.lost {
		if len(q.head) == 0 {
			from = all - len(b)
		}
		n, r, ok := q.take(b)
		if b = b[n:]; ok {
			begun = append(begun, Begun{r, from})
		}
	}
	if q.lost {
		q.head, q.fields = nil, nil
	}
	return begun
}

// take takes what comes next of a body, a frame or a line, and returns how much that was.
func (q *Requests) take(b []byte) (n int, r Request, ok bool) {
	switch {
	case q.skip > 0:
		n = int(min(q.skip, uint64(len(b))))
		q.skip -= uint64(n)
		return n, r, false
	case q.fields != nil:
		return q.frame(b)
	}
	n = bytes.IndexByte(b, '\n') + 1
	whole := n > 0
	if !whole {
		n = len(b)
	}
	q.head = append(q.head, b[:n]...)
	r, ok = q.next(whole)
	return n, r, ok
}

// Unread is how many bytes come now that need not be fed: the rest of a body, or all
// where what came is not understood.
func (q *Requests) Unread() uint64 {
	if q.lost {
		return math.MaxUint64
	}
	return q.skip
}

// Skip says that so many of them were sent.
func (q *Requests) Skip(n uint64) {
	if !q.lost {
		q.skip -= n
	}
}

// next takes the line that was read, as far as it is there.
func (q *Requests) next(whole bool) (r Request, ok bool) {
	switch _, state := method(bytes.TrimLeft(q.head, "\r\n")); {
	case len(q.head) > mostHead, q.part == partHead && state == Other:
		q.lost = true
		return r, false
	case !whole:
		return r, false
	}
	line := bytes.TrimSuffix(bytes.TrimSuffix(q.head[q.line:], []byte("\n")), []byte("\r"))
	q.line = len(q.head)
	if q.part == partHead {
		return q.request(line)
	}
	q.chunk(line)
	q.head, q.line = q.head[:0], 0
	return r, false
}

// request takes a line of a head, which ends with an empty one.
func (q *Requests) request(line []byte) (r Request, ok bool) {
	if len(line) > 0 {
		return r, false
	}
	head := q.head
	q.head, q.line = nil, 0
	if len(bytes.TrimLeft(head, "\r\n")) == 0 {
		return r, false
	}
	if IsHTTP2(head) {
		q.fields, q.skip = newFields(), prefaceRest
		return r, false
	}
	r, state := HTTP(head)
	q.lost = state != Done || !q.follows(head)
	return r, state == Done
}

// follows finds out what follows a head. It is false if that cannot be told.
func (q *Requests) follows(head []byte) bool {
	length, chunked := "", false
	for line := range bytes.Lines(head) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("transfer-encoding")):
			chunked = chunked || bytes.Contains(bytes.ToLower(value), []byte("chunked"))
		case bytes.EqualFold(name, []byte("content-length")):
			if length != "" && length != string(value) {
				return false
			}
			length = string(value)
		}
	}
	switch {
	case chunked:
		q.part = partSize
	case length != "":
		n, err := strconv.ParseUint(length, 10, 63)
		q.skip = n
		return err == nil
	}
	return true
}

// chunk takes a line of a body in chunks.
func (q *Requests) chunk(line []byte) {
	switch q.part {
	case partSize:
		text, _, _ := bytes.Cut(line, []byte(";"))
		n, err := strconv.ParseUint(string(bytes.TrimSpace(text)), 16, 63)
		if q.skip, q.part, q.lost = n, partEnd, err != nil; n == 0 {
			q.part = partTrailer
		}
	case partEnd:
		q.part, q.lost = partSize, len(bytes.TrimSpace(line)) > 0
	case partTrailer:
		if len(line) == 0 {
			q.part = partHead
		}
	case partHead: // is no part of a body
	}
}
