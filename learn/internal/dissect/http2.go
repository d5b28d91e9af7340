package dissect

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/net/http2/hpack"
)

// What HTTP/2 begins with (RFC 9113, section 3.4): the head of a request that is none, and
// so many bytes of its own.
const (
	preface     = "PRI * HTTP/2.0\r\n\r\n"
	prefaceRest = uint64(len("SM\r\n\r\n"))
)

// IsHTTP2 says whether a client without TLS begins with HTTP/2.
func IsHTTP2(b []byte) bool { return bytes.HasPrefix(b, []byte(preface)) }

// Frames (RFC 9113, sections 4.1, 6.2 and 6.10).
const (
	frameSize         = 9
	frameHeaders      = 1
	frameContinuation = 9
	flagEndHeaders    = 4
	flagPadded        = 8
	flagPriority      = 0x20
	prioritySize      = 5

	mostBlock = 64 << 10 // of the fields of one request
	mostTable = 64 << 10 // that a server may allow its clients
)

// Fields put together those of requests.
type fields struct {
	table *hpack.Decoder
	block []byte
}

func newFields() *fields {
	f := &fields{table: hpack.NewDecoder(4096, nil)}
	f.table.SetAllowedMaxDynamicTableSize(mostTable)
	f.table.SetMaxStringLength(mostHead)
	return f
}

// frame takes what comes next of a frame, and returns how much that was.
func (q *Requests) frame(b []byte) (n int, r Request, ok bool) {
	want := frameSize
	if len(q.head) >= frameSize {
		want += frameLength(q.head)
	}
	n = min(len(b), want-len(q.head))
	q.head = append(q.head, b[:n]...)
	if len(q.head) < frameSize {
		return n, r, false
	}
	switch length, kind := frameLength(q.head), q.head[3]; {
	case kind != frameHeaders && kind != frameContinuation:
		q.skip, q.head = uint64(length), q.head[:0]
	case length > mostHead:
		q.lost = true
	case len(q.head) == frameSize+length:
		r, ok = q.ask(kind, q.head[4], q.head[frameSize:])
		q.head = q.head[:0]
	}
	return n, r, ok
}

func frameLength(b []byte) int { return int(binary.BigEndian.Uint32(b) >> 8) }

// ask takes a part of the fields of a request, which may be the last one.
func (q *Requests) ask(kind, flags byte, data []byte) (r Request, ok bool) {
	if kind == frameHeaders {
		q.fields.block = q.fields.block[:0]
		if flags&flagPadded != 0 && len(data) > 0 {
			data = data[1:max(1, len(data)-int(data[0]))]
		}
		if flags&flagPriority != 0 {
			data = data[min(len(data), prioritySize):]
		}
	}
	q.fields.block = append(q.fields.block, data...)
	if q.lost = len(q.fields.block) > mostBlock; q.lost || flags&flagEndHeaders == 0 {
		return r, false
	}
	list, err := q.fields.table.DecodeFull(q.fields.block)
	q.lost = err != nil
	return requestOf(list)
}

// requestOf is false for what stands behind a body.
func requestOf(list []hpack.HeaderField) (r Request, ok bool) {
	for _, f := range list {
		switch f.Name {
		case ":method":
			ok, r.Proxy = true, f.Value == "CONNECT"
		case ":authority":
			r.Host = withoutPort([]byte(f.Value))
		case "host":
			if r.Host == nil {
				r.Host = withoutPort([]byte(f.Value))
			}
		}
	}
	return r, ok
}
