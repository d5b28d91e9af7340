package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"time"

	"tripline/learn/source/internal/dnstap"
)

// A tapFile is a file of dnstap, or standard input.
type tapFile struct {
	path   string
	r      io.Reader
	file   *os.File // nil for standard input
	frames *dnstap.Frames
	base   int64 // where frames began
	stats  Stats
}

// A tapPlace is a place in a file: behind which byte, and what the bytes at its
// beginning are, so that another file of that name is not taken for it.
type tapPlace struct {
	Offset int64  `json:"tap"`
	Head   int64  `json:"head"`
	Sum    uint32 `json:"sum"`
}

// tapHead is how many bytes tell a file from others. All begin with the same 42;
// after that come the time of a message and its identifier.
const tapHead = 4 << 10

func openDnstapFile(path string, cursor []byte, o StreamOptions) (Stream, error) {
	if path == "-" {
		return &tapFile{path: path, r: o.Stdin, frames: dnstap.NewFrames(o.Stdin, nil)}, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	s := &tapFile{path: path, r: file, file: file}
	if err := s.seek(cursor); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return s, nil
}

// seek goes on behind a cursor, where it is one of this file.
func (s *tapFile) seek(cursor []byte) error {
	s.frames = dnstap.NewFrames(s.r, nil)
	if cursor == nil {
		return nil
	}
	var at tapPlace
	if err := json.Unmarshal(cursor, &at); err != nil {
		return fmt.Errorf("read %s: stored cursor: %w", s.path, err)
	}
	is, err := s.place(at.Offset, at.Head)
	if err != nil || is != at || at.Offset == 0 {
		return err
	}
	if _, err := s.file.Seek(at.Offset, io.SeekStart); err != nil {
		return fmt.Errorf("read %s: %w", s.path, err)
	}
	s.base, s.frames = at.Offset, dnstap.ContinueFrames(s.r)
	return nil
}

// place is a place in the file as it is now, nowhere if the file is shorter.
func (s *tapFile) place(offset, head int64) (tapPlace, error) {
	info, err := s.file.Stat()
	if err != nil || offset < 0 || head < 0 || head > tapHead || info.Size() < max(offset, head) {
		return tapPlace{}, err
	}
	b := make([]byte, head)
	if _, err := s.file.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return tapPlace{}, fmt.Errorf("read %s: %w", s.path, err)
	}
	return tapPlace{offset, head, crc32.ChecksumIEEE(b)}, nil
}

func (s *tapFile) offset() int64 { return s.base + s.frames.Offset() }

// Next implements [Stream].
func (s *tapFile) Next(r *Record) error {
	frame, err := s.frames.Next()
	s.stats.Torn = int64(s.frames.Torn())
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	if err != nil {
		return endOfTap(s.path, err)
	}
	s.stats.Lines++
	s.stats.Bytes = s.frames.Offset()
	err = decodeTap(frame, r)
	if bad, ok := errors.AsType[*RecordError](err); ok {
		bad.Line = int(s.stats.Lines)
	}
	return err
}

// Wait implements [Stream].
func (s *tapFile) Wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(min(d, 250*time.Millisecond)) // the file may have grown
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Cursor implements [Stream].
func (s *tapFile) Cursor() ([]byte, error) {
	if s.file == nil {
		return nil, nil
	}
	at, err := s.place(s.offset(), min(s.offset(), tapHead))
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(at)
	if err != nil {
		return nil, fmt.Errorf("cursor of %s: %w", s.path, err)
	}
	return text, nil
}

// Finished implements [Stream].
func (s *tapFile) Finished() (map[string][]byte, error) { return map[string][]byte{}, nil }

// Stats implements [Stream].
func (s *tapFile) Stats() Stats { return s.stats }

// Progress implements [Stream].
func (s *tapFile) Progress() (done, total int64) {
	if s.file == nil {
		return s.offset(), 0
	}
	info, err := s.file.Stat()
	if err != nil {
		return s.offset(), 0
	}
	return s.offset(), info.Size()
}

// File implements [Stream].
func (s *tapFile) File() string { return s.path }

// Close implements [Stream].
func (s *tapFile) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
