package assemble_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"tripline/learn/source/internal/assemble"
	"tripline/learn/source/internal/packet"
)

const second = int64(1e9)

// drain takes all events.
func drain(t *assemble.Table) (n int) {
	var e assemble.Event
	for t.Next(&e) {
		n++
	}
	return n
}

// heap is how much memory is in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func addr(n uint64) packet.Addr { return packet.Addr{Low: 0xffff<<32 | 198<<24 | n&0xffffff} }

// Each flow of a flood of connections that nobody answers is told, and memory
// has a bound.
func TestHalfOpenFlood(t *testing.T) {
	const most, flood = 1000, 200_000
	table := assemble.NewTable(assemble.Options{Most: most})
	before, events := heap(), 0
	for i := range uint64(flood) {
		p := packet.Packet{Src: addr(1), Dst: addr(i), Proto: 6, Flags: packet.SYN, SrcPort: 40000, DstPort: 443, Length: 40, Seq: uint32(i)}
		table.Add(&p, int64(i)*1000, "")
		events += drain(table)
		if table.Size() > most {
			t.Fatalf("%d flows in the table, want at most %d", table.Size(), most)
		}
	}
	if grown := int64(heap()) - int64(before); grown > 4<<20 {
		t.Errorf("%d bytes more in use", grown)
	}
	table.Settle()
	if events += drain(table); events != flood || table.Lost().Early != flood-most {
		t.Errorf("%d flows told, %d of them early; want %d and %d", events, table.Lost().Early, flood, flood-most)
	}
}

// Hellos that never end are given up; one that is whole has its name all the
// same.
func TestFloodOfUnfinishedHellos(t *testing.T) {
	table := assemble.NewTable(assemble.Options{})
	piece := append([]byte{22, 3, 1, 0x3f, 0xff, 1, 0, 0x3f, 0xf0, 3, 3}, make([]byte, 1400)...)
	piece[44] = 0x3f // of ciphers that do not come
	before := heap()
	for i := range uint64(100_000) {
		p := packet.Packet{Src: addr(i), Dst: addr(1), Proto: 6, Flags: packet.SYN, SrcPort: 40000, DstPort: 443}
		table.Add(&p, int64(i)*1000, "")
		p.Flags, p.Seq, p.Payload = packet.ACK, 1, piece
		table.Add(&p, int64(i)*1000, "")
	}
	if grown := int64(heap()) - int64(before); grown > 128<<20 {
		t.Errorf("%d bytes more in use", grown)
	}
	if table.Lost().Unnamed == 0 {
		t.Error("nothing was given up")
	}
	request(table, addr(7), "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
	table.Settle()
	var e assemble.Event
	named := false
	for table.Next(&e) {
		named = named || e.Flow.Name == "a.example"
	}
	if !named {
		t.Error("a name that was said at once was lost")
	}
}

func request(table *assemble.Table, server packet.Addr, text string) {
	p := packet.Packet{Src: addr(0xfffff0), Dst: server, Proto: 6, Flags: packet.ACK, SrcPort: 40000, DstPort: 80, Payload: []byte(text)}
	table.Add(&p, second, "")
}

// Names that are met once do not stay.
func TestFloodOfNames(t *testing.T) {
	table := assemble.NewTable(assemble.Options{Most: 100})
	before := heap()
	for i := range uint64(300_000) {
		request(table, addr(i), fmt.Sprintf("GET / HTTP/1.1\r\nHost: %d.example.com\r\n\r\n", i))
		drain(table)
	}
	if grown := int64(heap()) - int64(before); grown > 24<<20 {
		t.Errorf("%d bytes more in use", grown)
	}
}

// Fragments that never come together do not stay, and are counted.
func TestFloodOfFragments(t *testing.T) {
	d := packet.NewDecoder()
	before := heap()
	b := make([]byte, 20+1400)
	copy(b, []byte{0x45, 0, byte(len(b) >> 8), byte(len(b) & 0xff), 0, 0, 0x20, 100, 64, 17})
	var p packet.Packet
	const flood = 200_000
	for i := range uint32(flood) {
		binary.BigEndian.PutUint32(b[12:], i)
		binary.BigEndian.PutUint16(b[6:], 0x2000|uint16(i%8000))
		d.Decode(101, b, int64(i)*1000, &p)
	}
	if grown := int64(heap()) - int64(before); grown > 16<<20 {
		t.Errorf("%d bytes more in use", grown)
	}
	if d.Dropped() < flood-2000 {
		t.Errorf("%d datagrams counted as dropped of %d", d.Dropped(), flood)
	}
}

// TestNothingIsLost: whatever the packets and their order, each byte of each is
// told once, and each flow once as the first.
func TestNothingIsLost(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 1))
	for _, prompt := range []bool{false, true} {
		table := assemble.NewTable(assemble.Options{Prompt: prompt, Most: 50})
		var sent, told, now uint64
		firsts, flows := 0, 0
		var e assemble.Event
		count := func() {
			for table.Next(&e) {
				told += e.Flow.Up + e.Flow.Down
				flows++
				if !e.Flow.Rest {
					firsts++
				}
			}
		}
		for range 20_000 {
			p := packet.Packet{
				Src: addr(rng.Uint64N(5)), Dst: addr(rng.Uint64N(20)), Proto: []uint8{6, 17, 1}[rng.IntN(3)],
				SrcPort: uint16(rng.IntN(3)), DstPort: uint16(rng.IntN(3)), Flags: uint8(rng.IntN(32)), Seq: rng.Uint32N(5000),
				Length: rng.Uint32N(1500), Payload: []byte("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")[:rng.IntN(30)],
			}
			now += rng.Uint64N(3e9)
			sent += uint64(p.Length)
			table.Add(&p, int64(now), "")
			if rng.IntN(1000) == 0 {
				table.Settle()
			}
			count()
		}
		table.Prompt(false)
		table.Settle()
		count()
		if told != sent || firsts == 0 || flows < firsts {
			t.Errorf("seed %d, prompt %v: %d bytes sent, %d told; %d flows", seed, prompt, sent, told, firsts)
		}
	}
}
