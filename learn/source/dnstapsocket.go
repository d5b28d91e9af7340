package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"tripline/learn"
	"tripline/learn/source/internal/dnstap"
)

const (
	mostTaps  = 64      // connections of resolvers at once
	tapQueue  = 1 << 14 // answers that wait to be read
	tapGreets = 10 * time.Second
)

// A tapSocket is a socket that resolvers connect to. What comes is taken off the
// connections at once: a resolver drops what is not, and tells nobody.
type tapSocket struct {
	path     string
	listener net.Listener
	queue    chan tapped
	next     *tapped // that Wait met
	stats    Stats
	bytes    atomic.Int64
	dropped  atomic.Int64

	lock   sync.Mutex
	taps   map[net.Conn]bool
	closed bool
	done   sync.WaitGroup
}

// A tapped is a record, or why there is none.
type tapped struct {
	record Record
	err    error
}

func listenDnstap(path, network, address string) (Stream, error) {
	if network == "unix" {
		if err := clearSocket(address); err != nil {
			return nil, fmt.Errorf("listen at %s: %w", path, err)
		}
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), network, address)
	if err != nil {
		return nil, learn.WithHint(fmt.Errorf("listen at %s: %w", path, err), dnstapHint)
	}
	if network == "unix" {
		// The resolver is another user, who shares a group with us at most.
		if err := os.Chmod(address, 0o660); err != nil { //nolint:gosec // a group of the user's choosing is to write here
			return nil, errors.Join(fmt.Errorf("listen at %s: %w", path, err), listener.Close())
		}
	}
	s := &tapSocket{path: path, listener: listener, queue: make(chan tapped, tapQueue), taps: map[net.Conn]bool{}}
	s.done.Go(s.accept)
	return s, nil
}

// clearSocket removes a socket that nobody listens at any more, and nothing else.
func clearSocket(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSocket == 0 {
		return errors.New("there is a file of that name")
	}
	if c, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "unix", path); err == nil {
		return errors.Join(errors.New("another program listens there"), c.Close())
	}
	return os.Remove(path)
}

// accept takes connections until the listener is closed.
func (s *tapSocket) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				s.put(tapped{err: fmt.Errorf("listen at %s: %w", s.path, err)})
			}
			return
		}
		if !s.admit(c) {
			_ = c.Close()
			s.put(tapped{err: &RecordError{Source: "dnstap", Field: "connection", Cause: NotALog, Text: "too many at once"}})
			continue
		}
		s.done.Go(func() { s.read(c) })
	}
}

func (s *tapSocket) admit(c net.Conn) bool {
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.closed || len(s.taps) >= mostTaps {
		return false
	}
	s.taps[c] = true
	return true
}

func (s *tapSocket) leave(c net.Conn) {
	s.lock.Lock()
	defer s.lock.Unlock()
	delete(s.taps, c)
	_ = c.Close()
}

// read takes in what one resolver sends. Who does not say within seconds that it
// speaks dnstap is sent away; after that it may be silent for as long as it likes.
func (s *tapSocket) read(c net.Conn) {
	defer s.leave(c)
	_ = c.SetReadDeadline(time.Now().Add(tapGreets))
	frames := dnstap.NewFrames(c, c)
	frames.Started = func() { _ = c.SetReadDeadline(time.Time{}) }
	for {
		frame, err := frames.Next()
		if err != nil {
			if err = gone(err); err != nil {
				s.put(tapped{err: &RecordError{Source: "dnstap", Field: "connection", Cause: NotALog, Text: err.Error()}})
			}
			return
		}
		s.bytes.Add(int64(len(frame)))
		var t tapped
		t.err = decodeTap(frame, &t.record)
		s.put(t)
	}
}

// gone is what is wrong with a connection that ended, nil for an end.
func gone(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// put hands over a record, or counts it where too many wait.
func (s *tapSocket) put(t tapped) {
	select {
	case s.queue <- t:
	default:
		s.dropped.Add(1)
	}
}

// Next implements [Stream].
func (s *tapSocket) Next(r *Record) error {
	var t tapped
	if s.next != nil {
		t, s.next = *s.next, nil
	} else {
		select {
		case t = <-s.queue:
		default:
			return io.EOF
		}
	}
	s.stats.Lines++
	*r = t.record
	return t.err
}

// Wait implements [Stream].
func (s *tapSocket) Wait(ctx context.Context, d time.Duration) error {
	if s.next != nil {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case t := <-s.queue:
		s.next = &t
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Cursor implements [Stream].
func (*tapSocket) Cursor() ([]byte, error) { return nil, nil }

// Finished implements [Stream].
func (*tapSocket) Finished() (map[string][]byte, error) { return map[string][]byte{}, nil }

// Stats implements [Stream].
func (s *tapSocket) Stats() Stats {
	st := s.stats
	st.Bytes, st.Dropped = s.bytes.Load(), s.dropped.Load()
	return st
}

// Progress implements [Stream].
func (s *tapSocket) Progress() (done, total int64) { return s.bytes.Load(), 0 }

// File implements [Stream].
func (s *tapSocket) File() string { return s.path }

// Close implements [Stream].
func (s *tapSocket) Close() error {
	err := s.listener.Close()
	s.lock.Lock()
	s.closed = true
	for c := range s.taps {
		_ = c.Close()
	}
	s.lock.Unlock()
	s.done.Wait()
	return err
}
