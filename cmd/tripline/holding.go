package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"tripline/enforce"
	"tripline/learn"
)

// A holding prints alerts. What a full disk does not take waits in memory and is written
// when there is room again: watching goes on.
type holding struct {
	w       *watching
	out     io.Writer
	name    string // of it
	held    []byte
	dropped uint64 // lines that there was no room for in memory either
	why     error
}

// mostInMemory bounds what waits, in bytes: some thousand alerts.
const mostInMemory = 4 << 20

// newHolding gives a watching its output while it follows a log.
func newHolding(w *watching) (part, error) {
	if !w.o.follow {
		return nil, nil //nolint:nilnil // it ends by itself, and says what was lost
	}
	p := &holding{w: w, out: w.prints, name: "standard output"}
	if w.prints == w.a.stderr {
		p.name = "standard error"
	}
	if s, ok := p.out.(*sink); ok {
		p.out = s.w // that one would keep the error for good
	}
	w.out.Reset(p)
	return p, nil
}

// Write implements [io.Writer]. A full disk is no error.
func (p *holding) Write(b []byte) (int, error) {
	rest := b
	if len(p.held) == 0 {
		n, err := p.out.Write(b)
		if err == nil || !isFull(err) {
			return n, err
		}
		rest, p.why = b[n:], err
	}
	p.held = append(p.held, rest...)
	for len(p.held) > mostInMemory {
		first := bytes.IndexByte(p.held, '\n') + 1 // it may have begun on the disk
		next := bytes.IndexByte(p.held[first:], '\n') + 1
		if next == 0 {
			break
		}
		p.held = append(p.held[:first], p.held[first+next:]...)
		p.dropped++
	}
	return len(b), nil
}

func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

func (p *holding) flow(*learn.Flow, enforce.Verdict) error { return nil }

// tick tries again to write what waits.
func (p *holding) tick(_ context.Context, now time.Time) error {
	if len(p.held) == 0 {
		return nil
	}
	n, err := p.out.Write(p.held)
	p.held = p.held[n:]
	switch {
	case err == nil:
		dropped := ""
		if p.dropped > 0 {
			dropped = fmt.Sprintf("; %s were lost: alerts show all that was found", count(p.dropped, "line", "lines"))
		}
		p.held, p.dropped = nil, 0
		return p.w.sees(enforce.NotKept, "", p.name, p.name+" has room again, what waited was written"+dropped)
	case !isFull(err):
		return fmt.Errorf("write alerts: %w", err)
	}
	_, err = p.w.blind(blindness{
		kind: enforce.NotKept, severity: enforce.High, subject: p.name, check: "alerts",
		why: fmt.Sprintf("%s takes no alerts: %v. They wait in memory", p.name, learn.Printable(p.why.Error())),
		do:  "Make room where they are written",
	}, now)
	return err
}

// close says what could not be written.
func (p *holding) close() error {
	if len(p.held) == 0 {
		return nil
	}
	n, err := p.out.Write(p.held)
	if p.held = p.held[n:]; err == nil {
		return nil
	}
	return learn.WithHint(fmt.Errorf("write alerts: %s and more were not written: %w", count(uint64(bytes.Count(p.held, []byte("\n"))), "line", "lines"), err),
		"make room; tripline alerts ls shows what was found")
}
