package source

import (
	"context"
	"io"
	"net/netip"
	"testing"
	"time"

	"tripline/learn"
)

// A flood is a source that tells of connections that no other one sees, each of
// another host.
type flood struct {
	Stream
	n, most int
}

func (s *flood) Next(r *Record) error {
	if s.n >= s.most {
		return io.EOF
	}
	s.n++
	*r = Record{Counted: true, Why: Outbound, Flow: learn.Flow{
		Time: time.Unix(1_800_000_000, 0).Add(time.Duration(s.n) * time.Millisecond), Proto: learn.Proto(s.n%2*11 + 6),
		Src: netip.AddrFrom4([4]byte{10, byte(s.n >> 16), byte(s.n >> 8), byte(s.n)}), SrcPort: uint16(s.n),
		Dst: netip.AddrFrom4([4]byte{203, 0, 113, byte(s.n)}), DstPort: uint16(s.n >> 3),
	}}
	return nil
}

func (s *flood) Wait(context.Context, time.Duration) error { return io.EOF }
func (s *flood) Stats() Stats                              { return Stats{} }
func (s *flood) File() string                              { return "flood" }
func (s *flood) Cursor() ([]byte, error)                   { return nil, nil }

// TestFloodOfConnectionsIsBounded: what waits for a second witness, and what is
// remembered of who saw what, has bounds; every connection is returned, and what was
// not compared is counted.
func TestFloodOfConnectionsIsBounded(t *testing.T) {
	const n = 200_000
	for _, follow := range []bool{false, true} {
		j := &joined{branches: []*branch{{name: "a", Stream: &flood{most: n}}, {name: "b", Stream: &flood{}}}}
		list := []Input{{Source: Source{Name: "a"}}, {Source: Source{Name: "b"}}}
		w := newWitnesses(j, list, &placeTogether{}, StreamOptions{Follow: follow, Settle: time.Hour})
		w.seers, w.ledger.names = []string{"a", "b"}, []string{"a", "b"}
		w.clocks = newClocks(w.seers, nil)
		w.ledger.accounts = map[string]*account{"a": {hosts: map[netip.Addr]*heard{}, grace: graceTime}, "b": {hosts: map[netip.Addr]*heard{}, grace: graceTime}}
		got := 0
		var r Record
		for w.Next(&r) == nil {
			if got++; got%10_000 == 0 {
				bounded(t, w)
			}
		}
		got += len(w.queue)
		if bounded(t, w); got != n {
			t.Errorf("follow %v: %d of %d connections were returned", follow, got, n)
		}
		if lone, over := w.Lone(); uint64(len(lone))+over == 0 {
			t.Error("nothing was compared or counted")
		}
		if text, err := w.Cursor(); follow && (err != nil || len(text) > 64<<20) {
			t.Errorf("the cursor has %d bytes, %v", len(text), err)
		}
	}
}

func bounded(t *testing.T, w *witnesses) {
	t.Helper()
	for what, is := range map[string][2]int{
		"queue":     {len(w.queue), mostWitnessed + 1},
		"last":      {len(w.memory.last), mostWitnessed},
		"before":    {len(w.memory.before), mostWitnessed},
		"sighted":   {len(w.sighted), 2 * mostBeheld},
		"pending":   {len(w.ledger.accounts["b"].pending), mostPending},
		"hosts":     {len(w.ledger.accounts["a"].hosts), mostHosts},
		"lone":      {len(w.ledger.lone), mostLone},
		"of clocks": {len(w.clocks.of["b"].late), mostSamples},
	} {
		if is[0] > is[1] {
			t.Fatalf("%s has %d, at most %d are to be kept", what, is[0], is[1])
		}
	}
}
