package source

import (
	"crypto/rand"
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// Recent remembers for a few minutes what was seen, in a fixed amount of memory:
// buckets of four entries, each bucket one cache line. When a bucket is full, what
// is farthest from the time of the newcomer goes. What matters for seconds only,
// most of it, has a table of its own, small enough for the processor's cache.
//
// Keys are 64-bit hashes with a random seed that is part of the state: an agent
// cannot choose ports so that its flow looks like the repetition of another.
type recent struct {
	seed    [2]uint64
	seconds []bucket // for windows up to pairWindow
	minutes []bucket
}

type bucket [4]entry

// An entry is free if its time is 0.
type entry struct {
	key  uint64
	time uint32 // seconds since 1970
	ttl  uint32 // seconds for which anybody asks
}

const (
	secondBuckets = 1 << 11 // 128 KiB
	minuteBuckets = 1 << 15 // 2 MiB
)

func newRecent() recent {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, says its documentation
	return recent{
		seed:    [2]uint64{binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:])},
		seconds: make([]bucket, secondBuckets),
		minutes: make([]bucket, minuteBuckets),
	}
}

func (t *recent) bucket(key uint64, ttl uint32) *bucket {
	if ttl <= pairWindow {
		return &t.seconds[key%secondBuckets]
	}
	return &t.minutes[key%minuteBuckets]
}

// within says whether key was noted no more than ttl seconds before or after
// now: two lines may be written in the wrong order.
func (t *recent) within(key uint64, now, ttl uint32) bool {
	b := t.bucket(key, ttl)
	for i := range b {
		if b[i].key == key && b[i].time != 0 {
			return apart(b[i].time, now) <= ttl
		}
	}
	return false
}

// note remembers key as seen now.
func (t *recent) note(key uint64, now, ttl uint32) {
	b := t.bucket(key, ttl)
	victim := 0
	for i := range b {
		if b[i].key == key && b[i].time != 0 {
			victim = i
			break
		}
		if apart(b[i].time, now) > apart(b[victim].time, now) {
			victim = i // a free entry is the farthest of all
		}
	}
	b[victim] = entry{key, now, ttl}
}

// seen says whether key was noted within ttl seconds, and notes it.
func (t *recent) seen(key uint64, now, ttl uint32) bool {
	was := t.within(key, now, ttl)
	t.note(key, now, ttl)
	return was
}

func apart(a, b uint32) uint32 {
	if a < b {
		return b - a
	}
	return a - b
}

// What a key is about.
const (
	keyTuple  = iota + 1 // the identical five values
	keyTarget            // protocol, destination and what translation keeps
	keyRetry             // a blocked attempt
)

// tuple is a key of all five values of a flow, and of extra.
func (t *recent) tuple(kind uint64, r *Record, extra uint64) uint64 {
	h := t.seed[0] ^ kind
	h = mix(h, t.addr(r.Src))
	h = mix(h, uint64(r.SrcPort)<<32|extra)
	return t.target(h, r, 0)
}

// target is a key of what translation on the way out does not change.
func (t *recent) target(h uint64, r *Record, extra uint64) uint64 {
	h = mix(h^t.seed[1], t.addr(r.Dst))
	return mix(h, uint64(r.DstPort)<<48|uint64(r.Proto)<<40|extra)
}

func (t *recent) addr(a netip.Addr) uint64 {
	b := a.As16()
	hi, lo := binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:])
	return mix(hi^t.seed[0], lo^t.seed[1])
}

// mix folds the full product, so that each bit of the result depends on all.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0x9e3779b97f4a7c15, b^0xd6e8feb86659fd93)
	return hi ^ lo
}
