package lines

import (
	"bytes"
	"errors"
	"io"
)

// read brings text from the file to the end of the window.
func (p *piece) read(b []byte) (int, error) {
	if p.in != nil {
		return p.readStream(b)
	}
	n, err := p.file.ReadAt(b, p.base+int64(p.end))
	if err != nil && !errors.Is(err, io.EOF) {
		return n, ReadError(p.name, err)
	}
	info, statErr := p.file.Stat()
	// After the read and the look: what happened before them shows now. The
	// time of a file that was emptied must not become that of the cursor.
	if !p.intact() {
		return 0, errTruncated
	}
	if statErr == nil {
		p.info = info
	}
	*p.raw = p.base + int64(p.end+n)
	return n, err
}

// readStream remembers how a stream ended: not every decompressor does. What
// came with the error is delivered before it.
func (p *piece) readStream(b []byte) (int, error) {
	n, err := 0, p.ended
	if err == nil {
		n, err = p.in.Read(b)
	}
	if err == nil || errors.Is(err, errNotYet) {
		return n, err
	}
	p.ended = err
	if n > 0 {
		return n, nil
	}
	if errors.Is(err, io.EOF) {
		return 0, io.EOF
	}
	return 0, p.damaged(err)
}

// intact compares the file with what was read of it: at its beginning, and
// before the place to read.
func (p *piece) intact() bool {
	n := min(p.end, imprint)
	return p.holds(0, p.head[:min(len(p.head), imprint)]) &&
		p.holds(p.base+int64(p.end-n), p.buf[p.end-n:p.end])
}

// holds says whether the file has this text at this place.
func (p *piece) holds(at int64, text []byte) bool {
	var now [imprint]byte
	n, _ := p.file.ReadAt(now[:len(text)], at)
	return bytes.Equal(now[:n], text)
}

// broken is compressed data whose very beginning cannot be read.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, startError{b.err} }

// startError keeps an io.EOF inside from being the end of good data.
type startError struct{ error }

func (e startError) Unwrap() error {
	if errors.Is(e.error, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return e.error
}

// counter counts what is read through it.
type counter struct {
	io.Reader
	n *int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	*c.n += int64(n)
	return n, err
}
