package source

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"tripline/learn/source/internal/syslog"
)

// Causes of messages that no parser sees.
const (
	Stranger    Cause = "from a sender that is not allowed"
	Overcrowded Cause = "too many connections: one was refused"
)

// longestMessage is as much as a datagram can hold.
const longestMessage = 1<<16 - 1

// A listenStream reads the lines that senders on the network send, each of them
// with a parser of its own: what one firewall says explains nothing of another.
type listenStream struct {
	source  Source
	options Options
	at      address
	queue   *queue
	batch   []message
	next    int
	senders map[netip.Addr]*sender
	rest    *sender // all for which there is no room
	last    *sender
	stats   Stats
	closers []io.Closer
	done    sync.WaitGroup
	peers   *peers
}

// A sender is who sends.
type sender struct {
	parser Parser
	name   string
	lines  int
	began  time.Time
	heard  time.Time
	order  syslog.Order

	missing int64
}

// The memory of a parser is that of a few megabytes.
const (
	mostSenders = 16
	forgotten   = 10 * time.Minute // a sender that is silent for so long makes room
)

func newListenStream(s Source, a address, o Options) *listenStream {
	return &listenStream{source: s, options: o, at: a, queue: newQueue(), senders: map[netip.Addr]*sender{}, peers: newPeers()}
}

// listen opens the sockets and begins to read.
func (s *listenStream) listen() error {
	if s.at.network == "udp" {
		return s.listenUDP()
	}
	var config *tls.Config
	if s.at.network == "tls" {
		var err error
		if config, err = s.at.tls(); err != nil {
			return err
		}
	}
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", s.at.host)
	if err != nil {
		return plainNetError(err)
	}
	s.begin(l, func() { s.accept(l, config) })
	return nil
}

// begin runs what reads from a socket until it is closed.
func (s *listenStream) begin(c io.Closer, run func()) {
	s.closers = append(s.closers, c)
	s.done.Go(run)
}

// plainNetError leaves out the address, which is said already.
func plainNetError(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}

// Next implements [Stream].
func (s *listenStream) Next(r *Record) error {
	if s.next == len(s.batch) {
		batch, err := s.queue.take(s.batch)
		s.batch, s.next = batch, 0
		switch {
		case err != nil:
			return listenError(s.at.text, err)
		case len(batch) == 0:
			return io.EOF
		}
	}
	m := &s.batch[s.next]
	s.next++
	return s.read(m, r)
}

// read hands a message to its sender's parser.
func (s *listenStream) read(m *message, r *Record) error {
	s.stats.Lines++
	s.stats.Bytes += int64(len(m.text))
	if m.bad != "" {
		return s.refuse(m, r)
	}
	from := s.sender(m.from, m.at)
	s.last = from
	from.lines++
	if host, n, ok := syslog.Sequence(m.text); ok {
		gap := from.order.Note(host, n)
		from.missing = max(0, from.missing+gap)
		s.stats.Missing = max(0, s.stats.Missing+gap)
	}
	err := from.parser.Parse(m.text, m.at.Truncate(time.Second), r)
	if bad, ok := errors.AsType[*RecordError](err); ok {
		bad.Line = from.lines
	}
	return err
}

// refuse tells of a message that could not be taken. Nobody becomes a sender by
// that.
func (s *listenStream) refuse(m *message, r *Record) error {
	*r = Record{}
	if m.bad == TooLong {
		s.stats.TooLong++
	}
	from := s.senders[m.from]
	if from == nil {
		from = &sender{name: s.nameOf(m.from.String())}
	}
	from.lines++
	s.last = from
	return &RecordError{Source: s.source.Name, Line: from.lines, Cause: m.bad}
}

// sender returns what is known of one. Forged addresses must neither fill the
// memory nor push out who is at work: what has no room shares a parser.
func (s *listenStream) sender(a netip.Addr, now time.Time) *sender {
	from := s.senders[a]
	if from == nil && (len(s.senders) < mostSenders || s.makeRoom(now)) {
		from = s.newSender(a.String())
		s.senders[a] = from
	}
	if from == nil {
		if s.rest == nil {
			s.rest = s.newSender("other senders")
		}
		from = s.rest
	}
	if from.began.IsZero() {
		from.began = now
	}
	from.heard = now
	return from
}

func (s *listenStream) newSender(name string) *sender {
	return &sender{parser: s.source.Lines(s.options), name: s.nameOf(name)}
}

// nameOf is what stands where others have the name of a file.
func (s *listenStream) nameOf(who string) string { return s.at.text + " (" + who + ")" }

// makeRoom forgets who was silent for long, and says whether there was anybody.
func (s *listenStream) makeRoom(now time.Time) bool {
	for a, from := range s.senders {
		if now.Sub(from.heard) > forgotten {
			delete(s.senders, a)
			return true
		}
	}
	return false
}

// Wait implements [Stream].
func (s *listenStream) Wait(ctx context.Context, d time.Duration) error {
	if s.next < len(s.batch) {
		return ctx.Err()
	}
	return s.queue.wait(ctx, d)
}

// Cursor implements [Stream]: what happens now happens once.
func (s *listenStream) Cursor() ([]byte, error) { return nil, nil }

// Finished implements [Stream].
func (s *listenStream) Finished() (map[string][]byte, error) {
	return nil, nil //nolint:nilnil // an empty map by another name
}

// Stats implements [Stream].
func (s *listenStream) Stats() Stats {
	st := s.stats
	st.Dropped = s.queue.lost()
	return st
}

// Progress implements [Stream].
func (s *listenStream) Progress() (done, total int64) { return s.stats.Bytes, 0 }

// File implements [Stream]: the address, and who sent the last record.
func (s *listenStream) File() string {
	if s.last == nil {
		return s.at.text
	}
	return s.last.name
}

// Close implements [Stream]. It waits until nothing reads any more.
func (s *listenStream) Close() error {
	s.queue.close()
	var errs []error
	for _, c := range s.closers {
		errs = append(errs, c.Close())
	}
	s.closers = nil
	s.peers.close()
	s.done.Wait()
	return errors.Join(errs...)
}
