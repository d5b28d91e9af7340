package store

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"net/netip"
)

// An addrDict numbers addresses in the order they come. It is a hash table
// with the keys in its slots: a look-up is the one access to memory that most
// of the time of a commit goes to.
type addrDict struct {
	seed  uint64 // so that nobody can choose addresses that collide
	slots []addrSlot
	list  []netip.Addr
}

type addrSlot struct {
	hi, lo uint64
	size   uint8  // 0, 4 or 16 bytes
	id     uint32 // counted from 1; 0 is a free slot
}

func newAddrDict() *addrDict {
	return &addrDict{seed: rand.Uint64(), slots: make([]addrSlot, 64)} //nolint:gosec // against chance and strangers, not a secret
}

func slotOf(a netip.Addr) addrSlot {
	if !a.IsValid() {
		return addrSlot{}
	}
	b := a.As16()
	return addrSlot{
		hi: binary.BigEndian.Uint64(b[:8]), lo: binary.BigEndian.Uint64(b[8:]), size: uint8(a.BitLen() / 8),
	}
}

func (d *addrDict) id(a netip.Addr) uint32 {
	want := slotOf(a)
	s := d.find(want)
	if s.id != 0 {
		return s.id - 1
	}
	d.list = append(d.list, a)
	want.id = uint32(len(d.list))
	*s = want
	d.grow()
	return want.id - 1
}

// find returns the slot of an address, or the free one where it belongs.
func (d *addrDict) find(want addrSlot) *addrSlot {
	mask := uint64(len(d.slots) - 1)
	hi, lo := bits.Mul64(want.lo^d.seed, want.hi^0x9e3779b97f4a7c15)
	for i := hi ^ lo ^ uint64(want.size); ; i++ {
		s := &d.slots[i&mask]
		if s.id == 0 || s.lo == want.lo && s.hi == want.hi && s.size == want.size {
			return s
		}
	}
}

// grow keeps at least half of the slots free.
func (d *addrDict) grow() {
	if 2*len(d.list) <= len(d.slots) {
		return
	}
	old := d.slots
	d.slots = make([]addrSlot, 2*len(old))
	for _, s := range old {
		if s.id != 0 {
			*d.find(s) = s
		}
	}
}
