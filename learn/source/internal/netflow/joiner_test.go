package netflow_test

import (
	"net/netip"
	"testing"
	"time"

	"tripline/learn/source/internal/netflow"
)

var noon = time.Unix(1774699200, 0).UTC()

// a record from a host to a server, or back.
func record(src, dst string, proto, flags uint8, after time.Duration) *netflow.Record {
	from, to := netip.MustParseAddrPort(src), netip.MustParseAddrPort(dst)
	return &netflow.Record{
		Src: from.Addr(), SrcPort: from.Port(), Dst: to.Addr(), DstPort: to.Port(), Proto: proto, HasProto: true,
		Flags: flags, Packets: 2, Octets: 100, Start: noon.Add(after), End: noon.Add(after + time.Second),
	}
}

// Who began a connection is told by the first packet, then by what each side
// sent, then by the ports.
func TestWhoBeganAConnection(t *testing.T) {
	const host, web, odd = "192.0.2.50:50001", "203.0.113.7:443", "203.0.113.9:50001"
	const tcp, udp, s, sa, ra, pa = 6, 17, 2, 0x1b, 0x14, 0x18
	for name, c := range map[string]struct {
		a, b  *netflow.Record
		began string
		even  bool
	}{
		"earlier":                     {record(host, web, tcp, sa, 0), record(web, host, tcp, sa, time.Millisecond), host, false},
		"earlier, told later":         {record(web, host, tcp, sa, time.Millisecond), record(host, web, tcp, sa, 0), host, false},
		"a service that began":        {record(web, host, udp, 0, 0), record(host, web, udp, 0, time.Millisecond), web, false},
		"the same stamp":              {record(web, host, tcp, sa, 0), record(host, web, tcp, sa, 0), host, false},
		"the middle of it":            {record(web, host, tcp, pa, 0), record(host, web, tcp, pa, time.Second), host, false},
		"refused, the same stamp":     {record(host, "203.0.113.9:60000", tcp, ra, 0), record("203.0.113.9:60000", host, tcp, s, 0), "203.0.113.9:60000", false},
		"the same stamp and port":     {record(odd, host, udp, 0, 0), record(host, odd, udp, 0, 0), odd, true},
		"one direction":               {record(host, web, tcp, sa, 0), nil, host, false},
		"one direction, the answer":   {record(web, host, udp, 0, 0), nil, host, false},
		"one direction, an attempt":   {record(web, host, tcp, s, 0), nil, web, false},
		"one direction, a refusal":    {record(web, host, tcp, 4, 0), nil, web, false},
		"one direction, unprivileged": {record(odd, host, udp, 0, 0), nil, odd, false},
	} {
		j := netflow.NewJoiner()
		j.Add(c.a, noon)
		if c.b != nil {
			j.Add(c.b, noon)
		}
		j.Expire(noon.Add(3 * time.Second))
		var got netflow.Conversation
		if !j.Next(&got) || netip.AddrPortFrom(got.Src, got.SrcPort).String() != c.began || got.Even != c.even || j.Ready() {
			t.Errorf("%s: got %v:%d, even %v, more %v; want %s", name, got.Src, got.SrcPort, got.Even, j.Ready(), c.began)
		}
	}
}

// A connection is told once, however often and from whatever side it is exported.
func TestMoreOfAConnectionIsNotAnother(t *testing.T) {
	const host, web = "192.0.2.50:50001", "203.0.113.7:443"
	const tcp, udp, whole, middle = 6, 17, 0x1b, 0x18
	j := netflow.NewJoiner()
	next := func(r *netflow.Record) (c netflow.Conversation) {
		j.Add(r, r.End)
		j.Flush()
		if !j.Next(&c) {
			t.Fatalf("%v: got nothing", r)
		}
		return c
	}
	for _, c := range []struct {
		r      *netflow.Record
		repeat bool
	}{
		{record(host, web, tcp, whole, 0), false},
		{record(web, host, tcp, whole, 20*time.Millisecond), true}, // the other direction, too late to be joined
		{record(host, web, tcp, middle, 30*time.Minute), true},     // after the active timeout
		{record(host, web, tcp, whole, 31*time.Minute), false},     // the port again
		{record(host, web, udp, 0, 0), false},                      //
		{record(host, web, udp, 0, time.Minute), true},             //
		{record(host, web, udp, 0, 10*time.Minute), false},         //
		{record(host, "203.0.113.8:443", tcp, middle, 0), false},   // begun before we listened
	} {
		got := next(c.r)
		if got.Repeat != c.repeat || got.Src != netip.MustParseAddr("192.0.2.50") {
			t.Errorf("%v at %v: got repeat %v from %v, want %v", c.r.Dst, c.r.Start, got.Repeat, got.Src, c.repeat)
		}
	}
}

// Uptime of 32 bits wraps after 50 days; a flow that began before is not one of
// the future.
func TestUptimeWraps(t *testing.T) {
	d := netflow.New()
	b := append(be16(5), be16(1)...)
	for _, n := range []uint32{1000, uint32(noon.Unix()), 0, 0, 0} { // booted 50 days and a second ago
		b = append(b, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	r := make([]byte, 48)
	copy(r, []byte{192, 0, 2, 50, 203, 0, 113, 7})
	copy(r[24:], []byte{0xff, 0xff, 0xfe, 0x0c, 0, 0, 1, 0xf4}) // 500 ms before the wrap, 500 ms behind it
	d.Feed(netflow.Datagram{Data: append(b, r...)})
	n := 0
	if faults := drain(t, d, func(r *netflow.Record) {
		n++
		if want := noon.Add(-1500 * time.Millisecond); !r.Start.Equal(want) || r.End.Sub(r.Start) != time.Second {
			t.Errorf("got %v to %v, want a second from %v", r.Start, r.End, want)
		}
	}); len(faults) != 0 || n != 1 {
		t.Errorf("got %q and %d records", faults, n)
	}
}

// Gaps are counted in what the version counts: records, or datagrams in v9; what
// comes late after all is not missing, and a restart is no gap.
func TestGapsInSequenceNumbers(t *testing.T) {
	v9 := func(seq uint32) []byte {
		b := append(be16(9), be16(0)...)
		for _, n := range []uint32{1000, uint32(noon.Unix()), seq, 0} {
			b = append(b, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
		}
		return b
	}
	for name, c := range map[string]struct {
		seq  []uint32
		want int64
	}{
		"none":          {[]uint32{7, 8, 9}, 0},
		"three":         {[]uint32{7, 11}, 3},
		"out of order":  {[]uint32{7, 9, 8, 10}, 0},
		"across zero":   {[]uint32{0xffffffff, 0, 2}, 1},
		"a new start":   {[]uint32{5_000_000, 1, 2}, 0},
		"far from here": {[]uint32{7, 90_000_000}, 0},
	} {
		d := netflow.New()
		for _, seq := range c.seq {
			d.Feed(netflow.Datagram{Data: v9(seq)})
			drain(t, d, nil)
		}
		if got := d.Missing(); got != c.want {
			t.Errorf("%s: got %d missing, want %d", name, got, c.want)
		}
	}
}
