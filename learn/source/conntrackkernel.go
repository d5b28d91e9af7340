package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"tripline/learn"
	"tripline/learn/source/internal/conntrack"
	"tripline/learn/source/internal/ctnetlink"
)

// Kernel is the path of what the kernel of this machine tells itself, as an
// interface is the path of what passes there.
const Kernel = "kernel"

// A trackedStream reads the connections of this kernel as they begin. What they
// carried follows at their end, as [Ended].
type trackedStream struct {
	parser *conntrackParser
	handle *ctnetlink.Handle
	line   conntrack.Line
	count  int64
	empty  bool // there was nothing when it was last looked
}

// openTracked begins to listen. There is no cursor: what happens now happens
// once.
func openTracked(o StreamOptions) (Stream, error) {
	if !o.Follow {
		return nil, learn.WithHint(errors.New("conntrack on kernel: what happens there has no end"), `"tripline learn" and "tripline enforce" listen with --follow`)
	}
	counts, err := ctnetlink.Counts()
	if err == nil && !counts {
		err = learn.WithHint(errors.New("it does not count bytes: net.netfilter.nf_conntrack_acct is 0"),
			"sysctl -w net.netfilter.nf_conntrack_acct=1, which counts for connections that begin after it")
	}
	if err != nil {
		return nil, trackedError(err)
	}
	return openTable(o)
}

// openTable begins to listen, whether bytes are counted or not.
func openTable(o StreamOptions) (*trackedStream, error) {
	own, err := ownAddresses(anyInterface)
	if err != nil {
		return nil, err
	}
	h, err := ctnetlink.Open()
	if err != nil {
		return nil, trackedError(err)
	}
	o.Local = append(own, o.Local...)
	p := newConntrackParser(o.Options)
	p.seen.most = mostTracked
	return &trackedStream{parser: p, handle: h}, nil
}

// mostTracked is as many as the kernel tracks on an ordinary machine.
const mostTracked = 1 << 18

func trackedError(err error) error {
	wrapped := fmt.Errorf("conntrack on kernel: %w", err)
	switch {
	case errors.Is(err, ctnetlink.ErrRight):
		return learn.WithHint(wrapped, ctnetlink.RightHint)
	case errors.Is(err, ctnetlink.ErrUntracked):
		return learn.WithHint(wrapped, "modprobe nf_conntrack, and a rule that uses it: nft add table inet t; nft add chain inet t c '{type filter hook output priority 0;}'; nft add rule inet t c ct state new accept")
	case errors.Is(err, errors.ErrUnsupported):
		return learn.WithHint(wrapped, "only Linux has it; name what conntrack -E -o timestamp,id printed there")
	}
	return wrapped
}

// Next implements [Stream].
func (s *trackedStream) Next(r *Record) error {
	ok, err := s.handle.Next(&s.line)
	if err != nil {
		return trackedError(err)
	}
	if s.empty = !ok; s.empty {
		return io.EOF
	}
	s.count++
	s.parser.judge(r, &s.line)
	return nil
}

// Wait implements [Stream].
func (s *trackedStream) Wait(ctx context.Context, d time.Duration) error {
	if !s.empty {
		return ctx.Err()
	}
	return s.handle.Wait(ctx, d)
}

// Cursor implements [Stream]: there is none.
func (s *trackedStream) Cursor() ([]byte, error) { return nil, nil }

// Finished implements [Stream].
func (s *trackedStream) Finished() (map[string][]byte, error) {
	return nil, nil //nolint:nilnil // an empty map by another name
}

// Stats implements [Stream].
func (s *trackedStream) Stats() Stats {
	return Stats{Lines: s.count, Dropped: s.handle.Dropped()}
}

// Progress implements [Stream].
func (s *trackedStream) Progress() (done, total int64) { return 0, 0 }

// File implements [Stream].
func (s *trackedStream) File() string { return Kernel }

// Close implements [Stream].
func (s *trackedStream) Close() error { return s.handle.Close() }
