package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"tripline/learn"
	"tripline/learn/source/internal/capfile"
)

// A captureStream reads the flows of a capture file.
//
// Of a file that is read once, a flow is delivered when it has ended, with all
// its bytes; at the end of the file all are. Of one that is followed it is
// delivered when its name is known.
type captureStream struct {
	*sight
	path   string
	o      StreamOptions
	file   *captureFile // nil as long as it does not exist
	reader *capfile.Reader
	at     capturePlace // the last one to go back to
	skip   int64        // events that were delivered before
	left   map[string][]byte
	stats  Stats
	over   bool  // the end was reached
	err    error // what ended it
}

// openCapture begins to read a capture, or goes on behind a cursor.
func openCapture(path string, cursor []byte, o StreamOptions) (Stream, error) {
	at, err := decodeCapture(cursor)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	s := &captureStream{path: path, o: o, left: map[string][]byte{}}
	for _, place := range s.candidates(at) {
		ok, err := s.goTo(place)
		if err != nil {
			return nil, err
		}
		if ok {
			if at == nil || *at != *place {
				s.stats.Known = place.Packets
			}
			return s, nil
		}
	}
	return s, s.start()
}

// start begins to read the file.
func (s *captureStream) start() error {
	s.sight = newSight("pcap", s.o.Options)
	s.at, s.skip, s.over, s.reader = capturePlace{Early: s.o.Early}, 0, false, nil
	if s.file != nil {
		_ = s.file.close() // it was only read
	}
	file, err := openCaptureFile(s.path, s.o.Stdin, s.o.Follow)
	if errors.Is(err, fs.ErrNotExist) && s.o.Follow {
		s.file = nil
		return nil
	}
	if err != nil {
		return err
	}
	s.file, s.reader = file, capfile.NewReader(file)
	return nil
}

// Next implements [Stream].
func (s *captureStream) Next(r *Record) error {
	for {
		for s.sight.next(r) {
			if s.delivered() {
				return nil
			}
		}
		if s.err != nil {
			return s.err
		}
		if s.reader == nil {
			return io.EOF
		}
		if err := s.step(); err != nil {
			return err
		}
	}
}

// delivered counts an event and says whether it is a new one.
func (s *captureStream) delivered() bool {
	s.at.Done++
	if s.skip > 0 {
		s.skip--
		return false
	}
	return true
}

// step reads one packet, or finds that there is none.
func (s *captureStream) step() error {
	err := s.reader.Next(&s.raw)
	if err == nil {
		s.over = false
		s.at.see(&s.raw)
		return s.told(s.look())
	}
	if !s.over { // what is going on is delivered first
		s.over = true
		s.table.Settle()
		s.file.look()
		return nil
	}
	if !errors.Is(err, io.EOF) {
		s.err = s.broken(err)
		return s.err
	}
	s.settled()
	return io.EOF
}

// told counts a packet that could not be read, if it is a new one.
func (s *captureStream) told(err error) error {
	bad, ok := errors.AsType[*RecordError](err)
	if !ok {
		return err
	}
	bad.Line = int(s.reader.Packets())
	if !s.delivered() {
		return nil
	}
	return err
}

// settled notes that all up to here was delivered.
func (s *captureStream) settled() {
	if s.reader.Packets() == 0 {
		return
	}
	s.table.Prompt(s.o.Early)
	s.at.settle(s.reader.Offset(), s.o.Early)
	if text, err := s.at.encode(); err == nil && s.o.Keep && !s.o.Follow && s.path != "-" {
		s.left[s.at.id()] = text
	}
}

// broken says what is wrong with the file.
func (s *captureStream) broken(err error) error {
	if errors.Is(err, capfile.ErrFormat) {
		return learn.WithHint(fmt.Errorf("read %s: %w", s.file.name, err), `"tripline sources" lists what is read from other files`)
	}
	if _, ok := errors.AsType[*capfile.DamagedError](err); ok {
		return fmt.Errorf("read %s: %w", s.file.name, err)
	}
	return err
}

// poll is how often a file that is followed is looked at.
const poll = 250 * time.Millisecond

// Wait implements [Stream].
func (s *captureStream) Wait(ctx context.Context, d time.Duration) error {
	switch {
	case s.file == nil:
		sleep(ctx, min(d, poll))
		if err := s.start(); err != nil {
			return err
		}
	case s.file.pump != nil && s.file.pump.ended():
		return io.EOF
	case s.file.pump != nil:
		s.file.pump.wait(ctx.Done(), d)
	default:
		return s.waitFile(ctx, d)
	}
	return ctx.Err()
}

// waitFile waits until a file has grown, or until another one has its name: then
// reading goes on in that one.
func (s *captureStream) waitFile(ctx context.Context, d time.Duration) error {
	for end := time.Now().Add(d); ctx.Err() == nil && time.Now().Before(end); sleep(ctx, poll) {
		size := s.file.info.Size()
		if s.file.look(); s.file.info.Size() > size || s.reader.Torn() == 0 && s.file.info.Size() > s.file.raw {
			return nil
		}
		if info, err := os.Stat(s.path); err == nil && !os.SameFile(info, s.file.info) {
			return s.turn()
		}
	}
	return ctx.Err()
}

// turn goes on in the file that has the name now. Connections go on with it.
func (s *captureStream) turn() error {
	kept := s.sight
	rotations := s.stats.Rotations + 1
	if err := s.start(); err != nil {
		return err
	}
	s.sight, s.stats.Rotations = kept, rotations
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// Cursor implements [Stream].
func (s *captureStream) Cursor() ([]byte, error) {
	if s.path == "-" {
		return nil, nil
	}
	return s.at.encode()
}

// Finished implements [Stream].
func (s *captureStream) Finished() (map[string][]byte, error) {
	left := s.left
	s.left = map[string][]byte{}
	return left, nil
}

// Stats implements [Stream].
func (s *captureStream) Stats() Stats {
	st := s.stats
	if s.reader != nil {
		st.Lines, st.Bytes, st.Dropped = s.reader.Packets(), s.reader.Offset(), int64(s.reader.Dropped())
		st.Missing = int64(s.decoder.Dropped()) // datagrams whose other fragments never came
		if s.over && s.err == nil {
			st.Torn = s.reader.Torn()
		}
	}
	return st
}

// Progress implements [Stream].
func (s *captureStream) Progress() (done, total int64) {
	if s.file == nil {
		return 0, 0
	}
	return s.file.progress()
}

// File implements [Stream].
func (s *captureStream) File() string { return s.path }

// Close implements [Stream].
func (s *captureStream) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.close()
}
