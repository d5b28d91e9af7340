package source

import (
	"context"
	"errors"
	"io"
	"time"

	"tripline/learn"
)

// What processes of this machine open, as eBPF programs in the kernel see it, with
// the process, also of containers and also if it lives for a millisecond only.
// Linux 5.15 or newer. The programs are in internal/bpf/observe.c.
var ebpfSource = Source{
	Name:  "ebpf",
	Short: "Connections that processes of this Linux host open",
	Sees:  Sees{Bytes: true, Process: true, Blind: "names; whether the firewall refused it; bytes of UDP; before Linux 6.3, a UDP socket that is connected counts, sent or not"},
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
	teller *teller
	queue  []Record
	count  int64
	idle   bool
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
	s := &ebpfStream{onlooker: k, teller: newTeller(k.own, exchangeWindow, &o.Options)}
	k.tell = s.told
	return s, nil
}

// told takes up what a process did.
func (s *ebpfStream) told(o *opening) {
	if r, ok := s.teller.record(o); ok {
		s.queue = append(s.queue, r)
	}
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
