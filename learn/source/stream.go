package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"tripline/learn/source/internal/lines"
)

// TooLong is the cause of a line that no parser sees: the reader left it out.
const TooLong Cause = "line too long"

// StreamOptions say how a log is read.
type StreamOptions struct {
	Options
	Stdin   io.Reader // what "-" means
	Follow  bool      // the file may not exist yet
	Whole   bool      // also read a last line that has no end yet; keep no cursor then
	Rotated bool      // begin with the oldest rotated file, not with the live one
	// Known are places that [Stream.Cursor] and [Stream.Finished] returned: what
	// is before them is not read again, by whatever name it is found.
	Known [][]byte
	Keep  bool // what Finished returns
	// Settle is how long a connection waits, while several sources are followed,
	// for what the others know of it; 0 is two seconds.
	Settle time.Duration
	// Tell is told what a user should know of how it is read: what was chosen, what
	// is not seen. Nil is nobody.
	Tell   func(text string)
	rights uint64 // that a capture does not give up
}

// A Stream is records that are read one after the other, from files or as they
// happen. It is not for concurrent use; who opened it closes it.
type Stream interface {
	// Next reads the next record. A *[RecordError] says that one record could
	// not be read; the stream goes on behind it. [io.EOF] means nothing more
	// now. Any other error ends the stream. The record owns its strings.
	Next(r *Record) error
	// Wait returns when there may be more to read, when d has passed or when
	// ctx ends.
	Wait(ctx context.Context, d time.Duration) error
	// Cursor returns the place just behind the last record that Next returned,
	// with what must be remembered there. It is opaque, and nil where there is
	// no place to go back to: what happens now happens once.
	Cursor() ([]byte, error)
	// Finished returns the places at which reading has left contents since the
	// last call, by names that sort by age. They and cursors are what
	// [StreamOptions.Known] is made of.
	Finished() (map[string][]byte, error)
	// Stats returns what happened so far.
	Stats() Stats
	// Progress returns how many bytes of how many were read; total is 0 if
	// unknown.
	Progress() (done, total int64)
	// File returns the name of the file the last record came from.
	File() string
	// Close ends reading.
	Close() error
}

// Open begins to read path, or goes on behind cursor, which [Stream.Cursor]
// returned; nil is the beginning.
func Open(s Source, path string, cursor []byte, o StreamOptions) (Stream, error) {
	o.Early = o.Early || o.Follow
	if path == Kernel && s.Live != nil {
		return s.Live(o)
	}
	if s.Open != nil {
		return s.Open(path, cursor, o)
	}
	if IsAddress(path) {
		return openListener(s, path, o)
	}
	return openLog(s, path, cursor, o)
}

// A logStream reads the records of one log: it finds the lines, across rotation,
// compression and restarts, and hands them to the parser of a source.
type logStream struct {
	source Source
	reader *lines.Reader
	parser Parser
	sniff  bool // not yet
	keep   bool
	left   map[string]position // by name
}

func openLog(s Source, path string, cursor []byte, o StreamOptions) (*logStream, error) {
	stored := func(err error) (*logStream, error) { return nil, fmt.Errorf("read %s: %w", path, err) }
	at, err := decode(cursor)
	if err != nil {
		return stored(err)
	}
	known, states, err := decodeAll(o.Known)
	if err != nil {
		return stored(err)
	}
	parser := s.Lines(o.Options)
	if err := restore(parser, at.State); err != nil {
		return stored(err)
	}
	r, err := lines.Open(path, at.Lines, lines.Options{
		Follow: o.Follow, Stdin: o.Stdin, Whole: o.Whole, Predecessors: o.Rotated, Known: known, Away: s.Away,
	})
	if err != nil {
		return nil, err
	}
	st := &logStream{source: s, reader: r, parser: parser, sniff: s.Sniff != nil && cursor == nil, keep: o.Keep, left: map[string]position{}}
	st.leave()
	if i := r.Known(); i >= 0 {
		err = restore(parser, states[i])
	}
	if err != nil {
		return stored(errors.Join(err, r.Close()))
	}
	return st, nil
}

func restore(p Parser, state []byte) error {
	if state == nil {
		return nil
	}
	if err := p.Restore(state); err != nil {
		return fmt.Errorf("stored cursor: %w", err)
	}
	return nil
}

// Next implements [Stream].
func (s *logStream) Next(r *Record) error {
	line, err := s.reader.Next()
	s.leave()
	if s.sniff && (err == nil || errors.As(err, new(*lines.TooLongError))) {
		s.sniff = false
		if wrong := s.source.Sniff(s.reader.Head()); wrong != nil {
			return fmt.Errorf("read %s: %w", s.reader.File(), wrong)
		}
	}
	if err != nil {
		return s.plain(err)
	}
	err = s.parser.Parse(line, s.reader.Newest(), r)
	if bad, ok := errors.AsType[*RecordError](err); ok {
		bad.Line = s.reader.Line()
	}
	return err
}

// plain turns a line that is too long into a record that could not be read.
func (s *logStream) plain(err error) error {
	if long, ok := errors.AsType[*lines.TooLongError](err); ok {
		return &RecordError{Source: s.source.Name, Line: long.Line, Cause: TooLong}
	}
	return err
}

// Wait implements [Stream].
func (s *logStream) Wait(ctx context.Context, d time.Duration) error { return s.reader.Wait(ctx, d) }

// Cursor implements [Stream].
func (s *logStream) Cursor() ([]byte, error) {
	text, err := json.Marshal(position{s.reader.Cursor(), s.parser.State()})
	if err != nil {
		return nil, fmt.Errorf("cursor of %s: %w", s.reader.File(), err)
	}
	return text, nil
}

// Stats is what happened while reading.
type Stats = lines.Stats

// Stats implements [Stream].
func (s *logStream) Stats() Stats {
	stats := s.reader.Stats()
	if d, ok := s.parser.(dropper); ok {
		stats.Dropped += d.dropped()
	}
	return stats
}

// A dropper is a parser of a log that says how much its sensor did not see.
type dropper interface {
	dropped() int64 // since the parser was made
}

// Progress implements [Stream].
func (s *logStream) Progress() (done, total int64) { return s.reader.Progress() }

// File implements [Stream].
func (s *logStream) File() string { return s.reader.File() }

// Close implements [Stream].
func (s *logStream) Close() error { return s.reader.Close() }
