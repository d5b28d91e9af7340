package store

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"tripline/learn"
)

// sealed puts a right check sum at the end of b, so that the fuzzer gets past
// it.
func sealed(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(slices.Clone(b), crc32.Checksum(b, castagnoli()))
}

func blockOf(tb testing.TB, c *codec, run string, flows []learn.Flow) []byte {
	tb.Helper()
	p, err := pack(c, run, flows)
	if err != nil || len(p.blocks) != 1 {
		tb.Fatalf("%d blocks, %v, want one", len(p.blocks), err)
	}
	return p.blocks[0]
}

// seedFlow has all that a flow without a process and a payload can have.
func seedFlow() learn.Flow {
	return learn.Flow{
		Time: time.Unix(-5, 1).UTC(), Agent: "bot", Proto: 200, Action: 7, Evidence: learn.QUIC,
		Dst: netip.MustParseAddr("2001:db8::1"), Name: "api.example.com", Resolved: true, Up: 1 << 63, Down: 1,
	}
}

func seeds(tb testing.TB, c *codec) (all [][]byte) {
	odd := seedFlow()
	known := odd
	known.Process = &learn.Process{
		PID: 42, UID: -1, Exe: "/usr/bin/curl\xff", Args: []string{"curl", ""}, Parents: []string{"/bin/sh"}, Cgroup: "/x", Container: "3f1c",
	}
	all = append(all, blockOf(tb, c, "", []learn.Flow{{Agent: "x"}}))
	all = append(all, blockOf(tb, c, "run", []learn.Flow{odd, odd, {Agent: "y", Time: odd.Time.Add(time.Hour)}}))
	all = append(all, blockOf(tb, c, "run", []learn.Flow{odd, known, known, odd}))
	spoke := known
	spoke.Payload = hashed()
	all = append(all, blockOf(tb, c, "run", []learn.Flow{odd, spoke, known, spoke}))
	return append(all, blockOf(tb, c, "run", log(300, 20)))
}

// FuzzBlock says that any bytes are an error or flows that can be packed again
// to the same flows, with a head that describes them.
func FuzzBlock(f *testing.F) {
	var c codec
	for _, v := range seeds(f, &c) {
		f.Add(v[:len(v)-4])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, _, err := flowsOf(&c, b, nil); err == nil && len(b) < 8 {
			t.Fatal("a block of less than 8 bytes")
		}
		h, flows, err := flowsOf(&c, sealed(b), nil)
		if err != nil {
			if len(flows) > 0 {
				t.Fatal("flows beside an error")
			}
			return
		}
		if len(flows) != h.count {
			t.Fatalf("%d flows, the head says %d", len(flows), h.count)
		}
		again(t, &c, h.run, flows)
	})
}

// again packs flows that were read, if sources could have made them.
func again(t *testing.T, c *codec, run string, flows []learn.Flow) {
	t.Helper()
	for i := range flows {
		if unfit(&flows[i]) != "" || flows[i].Dst.Is4In6() || flows[i].Src.Is4In6() {
			return
		}
	}
	p, err := pack(c, run, flows)
	if err != nil {
		t.Fatal(err)
	}
	var got []learn.Flow
	for _, v := range p.blocks {
		if _, got, err = flowsOf(c, v, got); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(got, flows) {
		t.Fatalf("got %v, want %v", got, flows)
	}
}

// FuzzSums says the same of the values and keys of destinations.
func FuzzSums(f *testing.F) {
	s := sum{flows: 3, up: 9, blocks: []learn.Block{1, 5, 400}, runs: []uint32{1}}
	f.Add(s.appendTo(nil, ""), appendTarget(nil, learn.Target{Name: "a.example.com"}))
	f.Add(s.appendTo(nil, "\x00"), appendTarget(nil, learn.Target{Addr: netip.MustParseAddr("192.0.2.1"), Name: "\x00"}))
	f.Fuzz(func(t *testing.T, v, k []byte) {
		s, long, err := sumOf(v)
		if err != nil {
			return
		}
		if !slices.IsSorted(s.blocks) || !slices.IsSorted(s.runs) {
			t.Fatalf("blocks %v or runs %v do not ascend", s.blocks, s.runs)
		}
		if s2, long2, err := sumOf(s.appendTo(nil, long)); err != nil || long2 != long || s2.flows != s.flows ||
			!slices.Equal(s2.blocks, s.blocks) || !slices.Equal(s2.runs, s.runs) || s2.first != s.first || s2.last != s.last {
			t.Fatalf("got %v, %v, want %v", s2, err, s)
		}
		if target, err := targetOf(k, long); err == nil && !isLong(target.Name) {
			if got, err := targetOf(appendTarget(nil, target), ""); err != nil || got != target {
				t.Fatalf("got %v, %v, want %v", got, err, target)
			}
		}
	})
}

// TestChangedBlockIsAnError changes every byte of a block: its check sum must
// tell.
func TestChangedBlockIsAnError(t *testing.T) {
	var c codec
	for _, v := range seeds(t, &c) {
		for i := range v {
			b := slices.Clone(v)
			b[i] ^= 0x40
			if _, _, err := flowsOf(&c, b, nil); err == nil {
				t.Fatalf("byte %d of %d was changed unnoticed", i, len(v))
			}
		}
	}
}
