package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// sameTime is how far apart two sources may stamp the same connection, once it
// is known how far their clocks are apart.
const sameTime = 5 * time.Second

// unsureTime is how long a connection waits for its other witnesses, in the time
// of the files, while that is not known yet.
const unsureTime = 2 * time.Minute

// settleTime is how long it waits while sources are followed: a capture tells of
// it when it has its name, or after a second.
const settleTime = 2 * time.Second

// mostWitnessed bounds what waits for a second witness, and what is remembered of
// connections that were returned.
const mostWitnessed = 1 << 16

// A witnessed connection, and who saw it.
type witnessed struct {
	Record Record   `json:"record"`
	By     []string `json:"by"`

	alone bool      // it was counted as one that a single source saw
	over  bool      // somebody saw its end
	met   []string  // who told more of it, and may tell of it as such when it ends
	until time.Time // when it waits no longer, by the clock of this machine
	came  time.Time // when it was read, likewise
}

// witnesses make one record of what several sources say of one connection: it
// has the name of the one that knows it best, and the most bytes. A record waits
// until no other can be of the same connection, in the time of the files; while
// they are followed, for a moment.
type witnesses struct {
	*joined
	follow  bool
	settle  time.Duration
	memory  acquainted
	queue   []*witnessed // in the order of their times
	sighted []*witnessed // for the cursor, while sources are followed
	ended   bool
	counts  map[string]*Sighted
	clocks  clocks
	ledger  *ledger // who did not see what; nil where one source alone has connections
	seers   []string
}

func newWitnesses(j *joined, list []Input, at *placeTogether, o StreamOptions) *witnesses {
	w := &witnesses{joined: j, follow: o.Follow, settle: o.Settle, queue: at.Held, memory: newAcquainted(), counts: map[string]*Sighted{}}
	if w.settle == 0 {
		w.settle = settleTime
	}
	for _, in := range list {
		if !in.Source.Sees.Evidence {
			w.seers = append(w.seers, in.key())
		}
	}
	w.clocks = newClocks(w.seers, at.Clocks)
	if len(w.seers) > 1 {
		w.ledger = newLedger(list)
	}
	for _, s := range at.Held {
		if len(s.By) == 0 {
			s.By = append(s.By, w.seers...) // a damaged cursor
		}
		w.memory.remember(s)
	}
	w.ended = o.Follow && len(at.Held) > 0 // what waited before is not to wait now
	w.restore(at.Seen)
	w.clocks.lead(w.joined)
	return w
}

// Next implements [Stream].
func (w *witnesses) Next(r *Record) error {
	for {
		if w.ready() {
			*r = w.queue[0].Record
			w.queue = w.queue[1:]
			return nil
		}
		switch err := w.joined.Next(r); {
		case errors.Is(err, io.EOF) && len(w.queue) > 0 && !w.follow:
			w.ended = true
			continue
		case errors.Is(err, io.EOF):
			w.review(!w.follow)
			return err
		case err != nil:
			return err
		}
		w.ended = false
		w.ledger.heard(w.joined.part, w.clocks.right(w.joined.part, r.Time))
		if !r.Counted {
			w.met(r)
			return nil
		}
		if !w.waits(r) {
			return nil
		}
	}
}

// ready says whether the first record of the queue need not wait any longer.
func (w *witnesses) ready() bool {
	if len(w.queue) == 0 {
		return false
	}
	first := w.queue[0]
	switch {
	case w.ended || len(w.queue) >= mostWitnessed:
		return true
	case w.follow:
		return w.allSaw(first) || !time.Now().Before(first.until)
	}
	wait := sameTime
	if !w.clocks.sure() {
		wait = unsureTime
	}
	return w.right(w.queue[len(w.queue)-1]).Sub(w.right(first)) > wait
}

// right is when a connection began, by the clock that is the measure.
func (w *witnesses) right(s *witnessed) time.Time { return w.clocks.right(s.By[0], s.Record.Time) }

// allSaw says whether nobody is left who could tell more of a connection soon.
func (w *witnesses) allSaw(s *witnessed) bool {
	for _, name := range w.seers {
		if !slices.Contains(s.By, name) && !w.ledger.late(name) {
			return false
		}
	}
	return true
}

// Wait implements [Stream]. What waits for other witnesses waits no longer than
// it should.
func (w *witnesses) Wait(ctx context.Context, d time.Duration) error {
	if len(w.queue) > 0 && w.follow {
		d = max(0, min(d, time.Until(w.queue[0].until)))
	}
	err := w.joined.Wait(ctx, d)
	if errors.Is(err, io.EOF) && len(w.queue) > 0 {
		w.ended = true // nothing will come that it could wait for
		return nil
	}
	return err
}

// waits puts a connection into the queue, or makes it one more sight of one that
// is known: r is then no connection of its own.
func (w *witnesses) waits(r *Record) bool {
	by := w.joined.part
	s := &witnessed{Record: *r, By: []string{by}}
	w.count(by).All++
	w.ledger.saw(by, &r.Flow)
	if known := w.known(s, by); known != nil {
		w.both(known, s, by)
		if known.add(r) {
			w.memory.remember(known)
		}
		r.Counted, r.Why = false, Elsewhere
		return false
	}
	w.count(by).Alone++
	s.alone = true
	w.memory.remember(s)
	if s.came = time.Now(); w.ledger != nil {
		w.ledger.enter(s)
		w.review(false)
	}
	if w.follow {
		w.keep(s)
	}
	if w.follow && w.allSaw(s) {
		return false
	}
	s.until = s.came.Add(w.settle)
	w.queue = append(w.queue, s)
	return true
}

// both notes that two sources saw a connection, and how far their clocks are
// apart.
func (w *witnesses) both(first, second *witnessed, by string) {
	if first.alone { // not so if it was read before a restart
		first.alone = false
		w.count(first.By[0]).Alone--
	}
	if w.clocks.note(first, second, by) {
		w.clocks.lead(w.joined)
	}
	first.By = append(first.By, by)
}

func (w *witnesses) count(by string) *Sighted {
	c := w.counts[by]
	if c == nil {
		c = &Sighted{Source: by}
		w.counts[by] = c
	}
	return c
}

// add takes over what another source knows better, and says whether the
// connection has other ends since. Refused is what the firewall says of an
// attempt that the host has made.
func (s *witnessed) add(r *Record) (other bool) {
	f := &s.Record.Flow
	if r.Name != "" && (f.Name == "" || r.Evidence > f.Evidence) {
		f.Name, f.Evidence = r.Name, r.Evidence
	}
	f.Up, f.Down, f.Action = max(f.Up, r.Up), max(f.Down, r.Down), max(f.Action, r.Action)
	if f.Interface == "" {
		f.Interface = r.Interface
	}
	if f.Rule == "" {
		f.Rule = r.Rule
	}
	if f.Process == nil {
		f.Process = r.Process
	}
	s.Record.Hidden = s.Record.Hidden || r.Hidden
	if r.Translated == (Ends{}) || s.Record.Translated != (Ends{}) {
		return false
	}
	s.Record.Translated = r.Translated // who translates knows the ends before that
	f.Src, f.SrcPort, f.Dst, f.DstPort = r.Src, r.SrcPort, r.Dst, r.DstPort
	return true
}

// Cursor implements [Stream].
func (w *witnesses) Cursor() ([]byte, error) {
	join, err := w.joined.Cursor()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(placeTogether{join, w.queue, w.beheldBefore(), w.clocks.offsets()})
	if err != nil {
		return nil, fmt.Errorf("cursor of %s: %w", w.File(), err)
	}
	return text, nil
}
