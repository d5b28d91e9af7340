package source

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tripline/learn"
)

// sameTime is how far apart two sources may stamp the same connection.
const sameTime = 5 * time.Second

// mostWitnessed bounds what waits for a second witness, and what is remembered of
// connections that were returned.
const mostWitnessed = 1 << 16

// A tie is what all witnesses of a connection have in common.
type tie struct {
	proto        learn.Proto
	src, dst     netip.Addr
	sport, dport uint16
}

// A witnessed connection, and who saw it.
type witnessed struct {
	Record Record   `json:"record"`
	By     []string `json:"by"`

	earlier *witnessed // with the same tie
	alone   bool       // it was counted as one that a single source saw
}

// mostAlike bounds how many connections with the same tie wait for their other
// witnesses: a source that writes them when they end is not in their order.
const mostAlike = 16

func (s *witnessed) tie() tie {
	f := &s.Record.Flow
	return tie{f.Proto, f.Src, f.Dst, f.SrcPort, f.DstPort}
}

// witnesses make one record of what several sources say of one connection: it
// has the name of the one that knows it best, and the most bytes. A record waits
// until no other can be of the same connection. While sources are followed
// nothing waits: the first witness counts, and the others add nothing.
type witnesses struct {
	*joined

	follow  bool
	queue   []*witnessed       // in the order of their times
	last    map[tie]*witnessed // of what is in the queue, or was lately
	before  map[tie]*witnessed
	sighted []*witnessed // for the cursor, while sources are followed
	ended   bool
	counts  map[string]*Sighted
}

// Sighted is how many connections a source saw, beside others.
type Sighted struct {
	Source string
	All    uint64
	Alone  uint64          // no other source saw them
	Late   []time.Duration // after who saw a connection first; the newest few
}

func newWitnesses(j *joined, held []*witnessed, follow bool) *witnesses {
	w := &witnesses{joined: j, follow: follow, queue: held, last: map[tie]*witnessed{}, counts: map[string]*Sighted{}}
	for _, s := range held {
		w.remember(s)
	}
	w.ended = follow // what waited before is not to wait now
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
		case err != nil:
			return err
		}
		w.ended = false
		if !r.Counted || !w.waits(r) {
			return nil
		}
	}
}

// ready says whether the first record of the queue need not wait any longer.
func (w *witnesses) ready() bool {
	if len(w.queue) == 0 {
		return false
	}
	newest := w.queue[len(w.queue)-1].Record.Time
	return w.ended || len(w.queue) >= mostWitnessed || newest.Sub(w.queue[0].Record.Time) > sameTime
}

// waits puts a connection into the queue, or makes it one more sight of one that
// is known: r is then no connection of its own.
func (w *witnesses) waits(r *Record) bool {
	by := w.joined.part
	s := &witnessed{Record: *r, By: []string{by}}
	w.count(by).All++
	if known := w.known(s, by); known != nil {
		w.both(known, s, by)
		known.add(r)
		r.Counted, r.Why = false, Elsewhere
		return false
	}
	w.count(by).Alone++
	s.alone = true
	if len(w.last) >= mostWitnessed {
		w.before, w.last = w.last, map[tie]*witnessed{}
	}
	w.remember(s)
	if w.follow {
		w.keep(s)
		return false
	}
	w.queue = append(w.queue, s)
	return true
}

// remember keeps a connection for its other witnesses, with those before it that
// have the same tie: ICMP has no ports, and ports are used again.
func (w *witnesses) remember(s *witnessed) {
	t := s.tie()
	s.earlier = w.last[t]
	oldest := s
	for n := 1; n < mostAlike && oldest.earlier != nil; n++ {
		oldest = oldest.earlier
	}
	oldest.earlier = nil
	w.last[t] = s
}

// known returns the witnessed of the same connection by another source: the
// first that this one has not seen yet.
func (w *witnesses) known(s *witnessed, by string) (first *witnessed) {
	for _, m := range []map[tie]*witnessed{w.last, w.before} {
		for k := m[s.tie()]; k != nil; k = k.earlier {
			if !slices.Contains(k.By, by) && s.Record.Time.Sub(k.Record.Time).Abs() <= sameTime {
				first = k
			}
		}
		if first != nil {
			return first
		}
	}
	return nil
}

// both notes that two sources saw a connection, and how far their clocks are
// apart.
func (w *witnesses) both(first, second *witnessed, by string) {
	if first.alone { // not so if it was read before a restart
		first.alone = false
		w.count(first.By[0]).Alone--
	}
	first.By = append(first.By, by)
	c := w.count(by)
	if len(c.Late) >= 1000 {
		c.Late = c.Late[500:]
	}
	c.Late = append(c.Late, second.Record.Time.Sub(first.Record.Time))
}

func (w *witnesses) count(by string) *Sighted {
	c := w.counts[by]
	if c == nil {
		c = &Sighted{Source: by}
		w.counts[by] = c
	}
	return c
}

// add takes over what another source knows better. Refused is what the firewall
// says of an attempt that the host has made.
func (s *witnessed) add(r *Record) {
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
}

// Cursor implements [Stream].
func (w *witnesses) Cursor() ([]byte, error) {
	join, err := w.joined.Cursor()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(placeTogether{join, w.queue, w.beheldBefore()})
	if err != nil {
		return nil, fmt.Errorf("cursor of %s: %w", w.File(), err)
	}
	return text, nil
}

// Sighted returns how many connections each source saw, by name.
func (w *witnesses) Sighted() (out []Sighted) {
	for _, c := range w.counts {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b Sighted) int { return strings.Compare(a.Source, b.Source) })
	return out
}

// Offset returns how much later than others a source stamps the same
// connections: the median.
func (s *Sighted) Offset() (d time.Duration, known bool) {
	if len(s.Late) == 0 {
		return 0, false
	}
	late := slices.Sorted(slices.Values(s.Late))
	return late[len(late)/2], true
}
