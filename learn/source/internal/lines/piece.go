package lines

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

const (
	bufferSize = 256 << 10
	headSize   = 4 << 10
	minRead    = 16 << 10 // a buffer with less room than this grows
)

// errTruncated says that the bytes before the place to read are not those that
// were read there.
var errTruncated = errors.New("the file was truncated")

// A piece is one open file of a log and a window onto its text:
//
//	buf[0:pos]    text that was delivered; the last imprint bytes stay
//	buf[pos:end]  text to come; before scan there is no line end
type piece struct {
	name   string
	file   *os.File // nil for stdin
	info   fs.FileInfo
	in     io.Reader // what to read; nil for a plain file, which is read by offset
	close  func() error
	unpack io.Closer // the decompressor
	format string    // "gzip"; "" for plain text
	raw    *int64    // bytes read of the file itself

	buf            []byte
	base           int64 // place of buf[0] in the text
	pos, scan, end int
	head           []byte // the first headSize bytes of the text
	headSum        string // their fingerprint, once there are enough of them
	id             string // of the content, as in Cursor
	line           int64  // number of the line delivered last

	ended   error // what a stream ended with
	skip    bool  // in the middle of a line that is too long
	final   bool  // what is left is a line, though it has no end
	done    bool  // nothing comes behind what is in the window
	drained bool  // read to its end after a newer file was there

	stood    int64       // how long the text was when all was read and it had a name
	follower fs.FileInfo // the next newer file when reading began
}

// openPiece opens a file and finds out how to read it.
func openPiece(name string) (*piece, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, ReadError(name, err)
	}
	p := &piece{name: name, file: f, close: f.Close, raw: new(int64)}
	if err := p.start(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return p, nil
}

func (p *piece) start() error {
	var err error
	if p.info, err = p.file.Stat(); err != nil {
		return ReadError(p.name, err)
	}
	if p.info.IsDir() {
		return fmt.Errorf("read %s: is a directory, want a log file", p.name)
	}
	if !p.info.Mode().IsRegular() {
		p.in = p.file
		return nil // a pipe or a device: openStream goes on
	}
	var magic [longestMagic]byte
	n, err := p.file.ReadAt(magic[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return ReadError(p.name, err)
	}
	if _, ok := sniff(magic[:n]); ok {
		p.in = p.file
		return p.decompress()
	}
	return nil
}

// decompress puts the right decompressor before the input, if it needs one.
func (p *piece) decompress() error {
	in := bufio.NewReaderSize(&counter{p.in, p.raw}, 64<<10)
	p.in = in
	magic, err := in.Peek(longestMagic)
	if err != nil && !errors.Is(err, io.EOF) {
		return ReadError(p.name, err)
	}
	f, ok := sniff(magic)
	if !ok {
		return nil
	}
	p.format = f.name
	d, err := f.open(in)
	if err != nil {
		p.in = broken{err} // reading it says so; opening a log does not fail for it
		return nil
	}
	p.in, p.unpack = d, d
	return nil
}

func (p *piece) damaged(err error) error {
	if d, ok := errors.AsType[*DamagedError](err); ok {
		p.format, err = d.Format, d.Err // found by the goroutine of a pump
	}
	if _, pumped := p.in.(*pump); pumped && p.format == "" {
		return err
	}
	if p.format == "" {
		return ReadError(p.name, err)
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return &DamagedError{File: p.name, Format: p.format, Lines: p.line, Offset: p.offset(), Err: err}
}

// shut closes the file, if there is one, and what reads it.
func (p *piece) shut() (err error) {
	if p.unpack != nil {
		err = p.unpack.Close()
	}
	if p.close != nil {
		err = errors.Join(err, p.close())
	}
	return err
}

// offset is the place behind the line delivered last.
func (p *piece) offset() int64 { return p.base + int64(p.pos) }

// rest is how much of an unfinished line is in the window.
func (p *piece) rest() int { return p.end - p.pos }

// next returns the next line in the window.
func (p *piece) next() ([]byte, bool) {
	i := bytes.IndexByte(p.buf[p.scan:p.end], '\n')
	if i < 0 {
		p.scan = p.end
		return p.last()
	}
	line := p.buf[p.pos : p.scan+i]
	p.pos = p.scan + i + 1
	p.scan = p.pos
	p.line++
	return trimCR(line), true
}

// last returns what is left at the end of a file that will not grow.
func (p *piece) last() ([]byte, bool) {
	if !p.final || p.pos == p.end {
		return nil, false
	}
	line := p.buf[p.pos:p.end]
	p.pos, p.final = p.end, false
	p.line++
	return trimCR(line), true
}

func trimCR(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] == '\r' {
		return b[:n-1]
	}
	return b
}

// fill reads more text behind what is there. It returns io.EOF if there is
// none now.
func (p *piece) fill() error {
	p.compact()
	n, err := p.read(p.buf[p.end:])
	p.end += n
	p.keepHead()
	if p.skip {
		p.skipLine()
	}
	if n > 0 {
		return nil
	}
	return err
}

// keepHead remembers the beginning of the text.
func (p *piece) keepHead() {
	at := int64(len(p.head)) - p.base
	if missing := headSize - len(p.head); missing > 0 && at >= 0 && at < int64(p.end) {
		text := p.buf[at:p.end]
		p.head = append(p.head, text[:min(missing, len(text))]...)
	}
}

// forget drops what was read at the beginning.
func (p *piece) forget() { p.end, p.scan, p.pos, p.head = 0, 0, 0, nil }

// compact makes room, but keeps the bytes a cursor needs.
func (p *piece) compact() {
	if drop := p.pos - imprint; drop > 0 {
		copy(p.buf, p.buf[drop:p.end])
		p.base += int64(drop)
		p.pos, p.scan, p.end = p.pos-drop, p.scan-drop, p.end-drop
	}
	if len(p.buf)-p.end < minRead {
		grown := make([]byte, max(bufferSize, 2*len(p.buf)))
		copy(grown, p.buf[:p.end])
		p.buf = grown
	}
}

// skipLine leaves out text up to the next line end.
func (p *piece) skipLine() {
	i := bytes.IndexByte(p.buf[p.pos:p.end], '\n')
	if p.skip = i < 0; p.skip {
		p.pos = p.end
	} else {
		p.pos += i + 1
	}
	p.scan = p.pos
}

// tooLong says whether the unfinished line in the window is over the limit,
// whatever follows, and leaves it out. One byte more could be a CR.
func (p *piece) tooLong(limit int) bool {
	if p.skip || p.rest() <= limit+1 {
		return false
	}
	p.line++
	p.skip = true
	p.skipLine()
	return true
}
