package dnstap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ContentType is what a stream of dnstap says it holds.
const ContentType = "protobuf:dnstap.Dnstap"

// Control frames. A stream in one direction begins with START; where the reader
// can answer, the writer says READY first and waits for ACCEPT.
const (
	accept = 1
	start  = 2
	stop   = 3
	ready  = 4
	finish = 5
)

const (
	mostControl = 512
	mostFrame   = 1 << 17 // a DNS message has 64 KiB at most, and some fields come with it
	contentType = 1       // the one field of control frames
)

// Errors of a stream. It cannot be read on behind one.
var (
	ErrNoFrames = errors.New("no frame stream")
	ErrContent  = errors.New("a frame stream of something else than dnstap")
	ErrTooLong  = errors.New("a frame is too long")
)

// Frames takes a stream apart. It is not for concurrent use.
type Frames struct {
	Started func() // called where data begin; may be nil

	r          io.Reader
	w          io.Writer // to answer, nil in one direction
	buf        []byte
	head, tail int // of what was read and not returned
	size       int64
	started    bool
	stopped    bool
}

// NewFrames returns the frames of r, which answers go to by w; nil is for a
// stream in one direction.
func NewFrames(r io.Reader, w io.Writer) *Frames {
	return &Frames{r: r, w: w, buf: make([]byte, 4096)}
}

// ContinueFrames returns the frames of r, which goes on in the middle of a stream
// in one direction, behind a frame.
func ContinueFrames(r io.Reader) *Frames {
	f := NewFrames(r, nil)
	f.started = true
	return f
}

// Offset returns how many bytes were taken apart.
func (f *Frames) Offset() int64 { return f.size }

// Torn returns how many bytes there are of a frame that is not complete.
func (f *Frames) Torn() int { return f.tail - f.head }

// Next returns the next frame of data, which is valid until the next call.
// [io.EOF] means that there is nothing more now: more may be there later, if it
// is a file that grows.
func (f *Frames) Next() ([]byte, error) {
	for {
		frame, control, err := f.cut()
		if err != nil {
			return nil, err
		}
		if !control {
			if !f.started || f.stopped {
				return nil, ErrNoFrames
			}
			return frame, nil
		}
		if err := f.control(frame); err != nil {
			return nil, err
		}
	}
}

// cut returns the next frame, once all of it is there.
func (f *Frames) cut() (frame []byte, control bool, err error) {
	if err := f.need(4); err != nil {
		return nil, false, err
	}
	length, header, limit := binary.BigEndian.Uint32(f.buf[f.head:]), 4, uint32(mostFrame)
	if control = length == 0; control {
		if err := f.need(8); err != nil {
			return nil, false, err
		}
		length, header, limit = binary.BigEndian.Uint32(f.buf[f.head+4:]), 8, mostControl
	}
	if length > limit {
		if !f.started {
			return nil, false, ErrNoFrames
		}
		return nil, false, ErrTooLong
	}
	total := header + int(length)
	if err := f.need(total); err != nil {
		return nil, false, err
	}
	frame = f.buf[f.head+header : f.head+total]
	f.head += total
	f.size += int64(total)
	return frame, control, nil
}

// need reads until n bytes are there.
func (f *Frames) need(n int) error {
	for f.tail-f.head < n {
		f.room(n)
		k, err := f.r.Read(f.buf[f.tail:])
		f.tail += k
		if k == 0 && err != nil {
			return err
		}
	}
	return nil
}

func (f *Frames) room(n int) {
	if f.head > 0 {
		f.tail = copy(f.buf, f.buf[f.head:f.tail])
		f.head = 0
	}
	if n > len(f.buf) {
		f.buf = append(make([]byte, 0, 2*n), f.buf[:f.tail]...)[:2*n]
	}
}

// control does what a control frame wants.
func (f *Frames) control(frame []byte) error {
	if len(frame) < 4 {
		return ErrNoFrames
	}
	kind := binary.BigEndian.Uint32(frame)
	switch {
	case kind == ready && !f.started:
		if err := content(frame[4:], true); err != nil {
			return err
		}
		return f.answer(accept, ContentType)
	case kind == start: // again where files were put together
		f.started, f.stopped = true, false
		if f.Started != nil {
			f.Started()
		}
		return content(frame[4:], false)
	case kind == stop && f.started:
		f.stopped = true
		return f.answer(finish, "")
	}
	return ErrNoFrames
}

// answer writes a control frame, where there is somebody to read it.
func (f *Frames) answer(kind uint32, content string) error {
	if f.w == nil {
		return nil
	}
	length := 4
	if content != "" {
		length += 8 + len(content)
	}
	b := binary.BigEndian.AppendUint32(make([]byte, 4), uint32(length))
	b = binary.BigEndian.AppendUint32(b, kind)
	if content != "" {
		b = binary.BigEndian.AppendUint32(b, contentType)
		b = binary.BigEndian.AppendUint32(b, uint32(len(content)))
		b = append(b, content...)
	}
	if _, err := f.w.Write(b); err != nil {
		return fmt.Errorf("answer of a frame stream: %w", err)
	}
	return nil
}

// content wants dnstap among the content types of a control frame. Who names
// none says that any is right; that is no use where the stream begins.
func content(b []byte, offer bool) error {
	named := false
	for len(b) > 0 {
		if len(b) < 8 {
			return ErrNoFrames
		}
		field, length := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
		if uint64(length) > uint64(len(b)-8) {
			return ErrNoFrames
		}
		if field == contentType {
			if named = true; string(b[8:8+length]) == ContentType {
				return nil
			}
		}
		b = b[8+length:]
	}
	if named || !offer {
		return ErrContent
	}
	return nil
}
