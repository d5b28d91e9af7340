package learn

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
)

// A site is the destinations of one service in one family, which are folded on
// their own.
type site struct {
	family

	service Service
	spots   []spot // ascending by address
}

// Sites are destinations of one agent that have an address.
type sites struct {
	all  []Destination
	list []site // services ascending, of each IPv4 first
}

// A spot is a destination by where its address is in the tree of its family.
type spot struct {
	key   uint64
	index int32 // among all destinations
	late  bool  // it was first seen in the recent half
	named bool
}

// A siting is a service and a family in one word.
type siting uint32

func sitingOf(d *Destination) siting {
	p := siting(d.Proto)<<17 | siting(d.Port)<<1
	if !d.Addr.Is4() {
		p++
	}
	return p
}

// sites returns the destinations that have an address. of has the names of those
// that are named.
func (f *folding) sites(all []Destination, of []*called) sites {
	at := number(all)
	out := make([]site, len(at.sizes))
	for i, n := range at.sizes {
		out[i].spots = make([]spot, 0, n)
	}
	for i, n := range at.of {
		if n < 0 {
			continue
		}
		d, p := &all[i], &out[n]
		if len(p.spots) == 0 {
			p.family, p.service = familyOf(d.Addr), d.Service
		}
		p.spots = append(p.spots, spot{p.key(d.Addr), int32(i), d.First.After(f.middle), of[i] != nil})
	}
	inParallel(len(out), func(i int) { out[i].sort(all) })
	slices.SortFunc(out, func(a, b site) int {
		return cmp.Or(compareServices(a.service, b.service), cmp.Compare(a.depth, b.depth))
	})
	return sites{all, out}
}

// A numbering gives each site a number, in no order.
type numbering struct {
	of    []int32 // of each destination, -1 without an address
	sizes []int
}

func number(all []Destination) numbering {
	out := numbering{of: make([]int32, len(all))}
	known := map[siting]int32{}
	for i := range all {
		out.of[i] = -1
		if !all[i].Addr.IsValid() {
			continue
		}
		p := sitingOf(&all[i])
		n, ok := known[p]
		if !ok {
			n = int32(len(out.sizes))
			known[p], out.sizes = n, append(out.sizes, 0)
		}
		out.of[i] = n
		out.sizes[n]++
	}
	return out
}

// sort puts the spots in the order of their addresses.
func (p *site) sort(all []Destination) {
	sortSpots(p.spots)
	if p.v4 {
		return
	}
	for network := range runs(p.spots, func(s spot) uint64 { return s.key }) {
		if len(network) > 1 {
			slices.SortFunc(network, func(a, b spot) int { return all[a.index].Addr.Compare(all[b.index].Addr) })
		}
	}
}

// same says whether two neighbours have the same address.
func (p *site) same(a, b spot, all []Destination) bool {
	return a.key == b.key && (p.v4 || all[a.index].Addr == all[b.index].Addr)
}

// addr4 returns the address of a key of IPv4.
func addr4(key uint64) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(key))
	return netip.AddrFrom4(b)
}
