package source

import (
	"io"
	"net/netip"
	"testing"
	"time"

	"tripline/learn"
)

// A listed stream has some records.
type listed struct {
	Stream
	records []Record
}

func (s *listed) Next(r *Record) error {
	if len(s.records) == 0 {
		return io.EOF
	}
	*r, s.records = s.records[0], s.records[1:]
	return nil
}

// TestTranslatedCountsOnce: what leaves with the host's address is the container's.
func TestTranslatedCountsOnce(t *testing.T) {
	dst := netip.MustParseAddr("203.0.113.7")
	inner := learn.Flow{Proto: learn.TCP, Src: netip.MustParseAddr("192.0.2.2"), SrcPort: 5000, Dst: dst, DstPort: 443}
	outer, other := inner, inner
	outer.Src, outer.SrcPort = netip.MustParseAddr("198.51.100.10"), 6000
	other.Src, other.SrcPort = outer.Src, 6001
	s := newHostStream(&listed{records: []Record{
		{Flow: inner, Counted: true, Translated: Ends{Src: outer.Src, Dst: dst, SrcPort: 6000, DstPort: 443}},
		{Flow: outer, Counted: true},
		{Flow: other, Counted: true},
	}}, nobody{})
	for i, want := range []bool{true, false, true} {
		var r Record
		if err := s.Next(&r); err != nil || r.Counted != want {
			t.Errorf("record %d counts: %v, %v, want %v", i, r.Counted, err, want)
		}
	}
}

// TestFloodOfOpeningsIsBounded: what waits for its packets has a bound, and what is let
// go early counts all the same.
func TestFloodOfOpeningsIsBounded(t *testing.T) {
	l := newLone(&onlooker{}, &Options{})
	now, got := time.Now(), 0
	const n = 3 * mostOpenings
	var r Record
	for i := range n {
		l.told(&opening{net: uint32(i), cookie: uint64(i), Flow: learn.Flow{
			Time: now, Proto: learn.TCP, Src: netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), SrcPort: uint16(i),
			Dst: netip.MustParseAddr("203.0.113.7"), DstPort: 443, Process: &learn.Process{PID: i},
		}})
		for l.next(&r, now) {
			got++
		}
		if len(l.queue) > mostOpenings || len(l.teller.homes) > mostNames {
			t.Fatalf("%d wait, %d addresses are known", len(l.queue), len(l.teller.homes))
		}
	}
	for now = now.Add(2 * loneWait); l.next(&r, now); got++ {
		if r.Process == nil || !r.Counted {
			t.Fatalf("got %+v", r)
		}
	}
	if got != n {
		t.Errorf("%d of %d were told of", got, n)
	}
}

// TestPortsAreAskedForOnceInAWhile: however fast records come, and connections that
// nobody answers with them.
func TestPortsAreAskedForOnceInAWhile(t *testing.T) {
	told := 0
	k := &onlooker{waiting: map[uint64]waiting{}, tell: func(*opening) { told++ }}
	now := time.Now()
	for i, after := range []time.Duration{0, time.Millisecond, time.Minute} {
		k.waiting[uint64(i)] = waiting{&opening{cookie: uint64(i)}, now}
		k.settle(now.Add(after))
		if want := []int{1, 1, 3}[i]; told != want {
			t.Errorf("after %s %d were told of, want %d", after, told, want)
		}
	}
}
