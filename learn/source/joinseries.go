package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"time"

	"tripline/learn/source/internal/lines"
)

// A series reads the files of one log one after the other. They were rotated to
// names from which nobody can tell that they belong together, so that their
// order is given; the last may still be written. All are read by one parser.
//
// Its cursor is that of the file it is in.
type series struct {
	source Source // its Lines returns the same parser each time
	files  []string
	aside  Cause // of what is no record, and passed over
	o      StreamOptions

	at    int
	cur   *logStream
	prev  []byte // the place at the end of the file before
	past  Stats
	left  map[string][]byte
	sizes []int64 // of the files, when reading began
}

// openSeries begins with the first file, or behind a cursor in the file where
// its text is now.
func openSeries(src Source, files []string, aside Cause, cursor []byte, o StreamOptions) (*series, error) {
	s := &series{source: src, files: files, aside: aside, o: o, prev: cursor, left: map[string][]byte{}}
	for _, f := range files {
		size := int64(0)
		if info, err := os.Stat(f); err == nil {
			size = info.Size()
		}
		s.sizes = append(s.sizes, size)
	}
	if cursor != nil {
		at, err := decode(cursor)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", files[0], err)
		}
		if s.at = max(0, where(files, at.Lines)); at.Lines.IsZero() {
			cursor = nil
		}
	}
	return s, s.open(cursor)
}

// where returns in which file a place is, by what the files hold; -1 if in none.
// One that is still called as it was comes first.
func where(files []string, c lines.Cursor) int {
	found := -1
	for i, f := range files {
		is, err := lines.Relevant(f, []lines.Cursor{c})
		if err != nil || len(is) == 0 {
			continue
		}
		if f == c.File {
			return i
		}
		found = i
	}
	return found
}

func (s *series) open(cursor []byte) (err error) {
	o := s.o
	o.Follow = o.Follow && s.at == len(s.files)-1
	s.cur, err = openLog(s.source, s.files[s.at], cursor, o)
	return err
}

// Next implements [Stream].
func (s *series) Next(r *Record) error {
	for {
		err := s.cur.Next(r)
		if err == nil {
			return nil
		}
		if bad, ok := errors.AsType[*RecordError](err); ok && bad.Cause == s.aside {
			continue
		}
		if !errors.Is(err, io.EOF) || s.at == len(s.files)-1 {
			return err
		}
		if err := s.advance(); err != nil {
			return err
		}
	}
}

// advance leaves a file that is read to its end for the next one.
func (s *series) advance() error {
	end, err := s.Cursor()
	if err != nil {
		return err
	}
	if err := s.note(); err != nil {
		return err
	}
	s.past = sum(s.past, s.cur.Stats())
	if err := s.cur.Close(); err != nil {
		return err
	}
	s.prev, s.at = end, s.at+1
	return s.open(nil)
}

// note remembers the contents that were left, and how far the one was read that
// is read now: it may be met in a run of its own.
func (s *series) note() error {
	left, err := s.cur.Finished()
	if err != nil || !s.o.Keep {
		return err
	}
	maps.Copy(s.left, left)
	cursor, err := s.cur.Cursor()
	if err != nil {
		return err
	}
	if at, err := decode(cursor); err == nil && !at.Lines.IsZero() {
		s.left[at.Lines.ID+"-now"] = cursor
	}
	return nil
}

// Finished implements [Stream].
func (s *series) Finished() (map[string][]byte, error) {
	if err := s.note(); err != nil {
		return nil, err
	}
	left := s.left
	s.left = map[string][]byte{}
	return left, nil
}

// Cursor implements [Stream].
func (s *series) Cursor() ([]byte, error) {
	cursor, err := s.cur.Cursor()
	if err != nil || s.prev == nil {
		return cursor, err
	}
	if at, err := decode(cursor); err != nil || at.Lines.IsZero() {
		return s.prev, err
	}
	return cursor, nil
}

// Wait implements [Stream].
func (s *series) Wait(ctx context.Context, d time.Duration) error { return s.cur.Wait(ctx, d) }

// Stats implements [Stream].
func (s *series) Stats() Stats { return sum(s.past, s.cur.Stats()) }

// Progress implements [Stream].
func (s *series) Progress() (done, total int64) {
	for _, size := range s.sizes[:s.at] {
		done += size
	}
	d, t := s.cur.Progress()
	done, total = done+d, done+t
	for _, size := range s.sizes[s.at+1:] {
		total += size
	}
	return done, total
}

// File implements [Stream].
func (s *series) File() string { return s.cur.File() }

// Close implements [Stream].
func (s *series) Close() error { return s.cur.Close() }
