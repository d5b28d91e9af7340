package source

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"

	"tripline/learn"
	"tripline/learn/source/internal/sockdiag"
)

// What processes of this machine open, as eBPF programs in the kernel see it, with
// the process, also of containers and also if it lives for a millisecond only.
// Linux 5.15 or newer. The programs are in internal/bpf/observe.c.
var ebpfSource = Source{
	Name:  "ebpf",
	Short: "Connections that processes of this Linux host open",
	Sees:  Sees{Bytes: true, Process: true, Blind: "names; whether the firewall refused it; a UDP socket that is connected counts, sent or not; bytes of UDP"},
	Speaks: Speaks{
		Silent: "no process of this host opened a connection",
		How:    "run it on the host of the agent",
		Where:  "it reads no file: tripline learn --from ebpf --follow",
	},
	Live: openEBPF,
	Open: func(_ string, _ []byte, _ StreamOptions) (Stream, error) {
		return nil, learn.WithHint(errors.New("ebpf reads no file, but the kernel of this machine"), "--from ebpf --follow, or ebpf=kernel together with others")
	},
}

// An ebpfStream is the connections that processes open, as they do.
type ebpfStream struct {
	*onlooker
	place place
	queue []Record
	seen  seenSet
	diag  *sockdiag.Handle // nil if there is none
	count int64
	names map[netip.Addr]netip.Addr // the own address towards another
	idle  bool
}

// openEBPF begins to look on. There is no cursor: what happens now happens once.
func openEBPF(o StreamOptions) (Stream, error) {
	if !o.Follow {
		return nil, learn.WithHint(errors.New("ebpf on kernel: what happens there has no end"), `"tripline learn" and "tripline enforce" look on with --follow`)
	}
	k, err := openOnlooker()
	if err != nil {
		return nil, err
	}
	s := &ebpfStream{onlooker: k, place: place{local: o.Local, firewall: o.Firewall}, names: map[netip.Addr]netip.Addr{}}
	s.seen = *newSeenSet(exchangeWindow)
	s.seen.most = mostTracked
	s.diag, _ = sockdiag.Open() // without it some ports are not known
	k.tell = s.told
	return s, nil
}

// told makes a record of what a process did.
func (s *ebpfStream) told(o *opening) {
	if o.Process.PID == os.Getpid() && o.Proto == learn.UDP && o.DstPort == discard {
		return // our own question, below
	}
	r := Record{Flow: o.Flow, Act: "open", RuleNumber: -1, Version: 6, Why: Outbound}
	if r.Dst.Is4() {
		r.Version = 4
	}
	if !r.Src.IsValid() && o.net == s.own {
		r.Src = s.towards(r.Dst)
	}
	if why := s.place.noDestination(r.Dst); why != "" {
		r.Why = why
	} else if o.closed {
		r.Why = Ended
	} else if o.Proto == learn.UDP && s.seen.meet(s.key(o), uint32(o.Time.Unix())) {
		r.Why = SameExchange
	}
	r.Counted = r.Why == Outbound
	s.queue = append(s.queue, r)
}

// key is that of what one socket sends to one destination.
func (s *ebpfStream) key(o *opening) uint64 {
	r := Record{Flow: o.Flow}
	r.Src = netip.Addr{}
	return s.seen.keys.target(keyTarget, &r, o.cookie)
}

const discard = 9 // the port of RFC 863, which nothing is ever sent to here

// mostNames bounds what is remembered of own addresses.
const mostNames = 1 << 12

// towards is the address that packets to another leave with, as the routes are now:
// a socket that was not bound does not say. Nothing is sent.
func (s *ebpfStream) towards(dst netip.Addr) netip.Addr {
	src, ok := s.names[dst]
	if ok {
		return src
	}
	if len(s.names) >= mostNames {
		clear(s.names)
	}
	c, err := (&net.Dialer{}).DialContext(context.Background(), "udp", net.JoinHostPort(dst.String(), strconv.Itoa(discard)))
	if err == nil {
		src = c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap().WithZone("")
		_ = c.Close()
	}
	s.names[dst] = src
	return src
}

// Next implements [Stream].
func (s *ebpfStream) Next(r *Record) error {
	if len(s.queue) == 0 {
		if err := s.look(); err != nil {
			return err
		}
		s.settle(time.Now())
	}
	if s.idle = len(s.queue) == 0; s.idle {
		s.queue = nil
		return io.EOF
	}
	*r, s.queue = s.queue[0], s.queue[1:]
	s.count++
	return nil
}

// settle tells of connections that nobody answers: the kernel is asked for their
// ports.
func (s *ebpfStream) settle(now time.Time) {
	var ports map[uint64]sockdiag.Socket
	for cookie, w := range s.waiting {
		if now.Before(w.until) {
			continue
		}
		if ports == nil && s.diag != nil {
			ports = s.diag.Opening()
		}
		socket := ports[cookie]
		s.located(w.o, socket.Src, socket.SrcPort)
	}
}

// Wait implements [Stream]. The kernel wakes nobody: it is looked every few
// milliseconds.
func (s *ebpfStream) Wait(ctx context.Context, d time.Duration) error {
	for end := time.Now().Add(d); s.idle && ctx.Err() == nil; {
		if err := s.look(); err != nil {
			return err
		}
		s.settle(time.Now())
		left := time.Until(end)
		if len(s.queue) > 0 || left <= 0 {
			break
		}
		if err := rest(ctx, min(left, lookPause)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// lookPause is what costs nothing that can be measured.
const lookPause = 20 * time.Millisecond

// Cursor implements [Stream]: there is none.
func (s *ebpfStream) Cursor() ([]byte, error) { return nil, nil }

// Finished implements [Stream].
func (s *ebpfStream) Finished() (map[string][]byte, error) {
	return nil, nil //nolint:nilnil // an empty map by another name
}

// Stats implements [Stream].
func (s *ebpfStream) Stats() Stats { return Stats{Lines: s.count, Dropped: s.lost()} }

// Progress implements [Stream].
func (s *ebpfStream) Progress() (done, total int64) { return 0, 0 }

// File implements [Stream].
func (s *ebpfStream) File() string { return Kernel }

// Close implements [Stream].
func (s *ebpfStream) Close() error {
	err := s.onlooker.Close()
	if s.diag != nil {
		err = errors.Join(err, s.diag.Close())
	}
	return err
}
