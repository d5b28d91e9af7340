package main

import (
	"math/rand/v2"
	"net/netip"
	"strconv"
)

// A destination always answers on the same port.
type destination struct {
	addr string
	port string
	udp  bool
	v6   bool
}

// slots is the size of the table that popularity is drawn from: one slot for
// each destination, the rest by Zipf's law.
const slots = 1 << 20

// A world is who talks to whom, written out once so that lines are only copies.
type world struct {
	hosts4, hosts6 []string
	destinations   []destination
	popular        []int32
}

func newWorld(r *rand.Rand, n int) world {
	var w world
	for i := 10; i <= 60; i++ {
		w.hosts4 = append(w.hosts4, "192.168.1."+strconv.Itoa(i))
		w.hosts6 = append(w.hosts6, "2001:db8:1::"+strconv.Itoa(i))
	}
	for range n {
		w.destinations = append(w.destinations, newDestination(r))
	}
	w.popular = zipf(n)
	return w
}

func newDestination(r *rand.Rand) destination {
	d := destination{addr: public4(r), port: "443"}
	switch p := r.IntN(100); {
	case p < 6:
		d.addr, d.v6 = public6(r), true
	case p < 16:
		d.udp = true
	case p < 24:
		d.port = "80"
	case p < 28:
		d.port = strconv.Itoa(1024 + r.IntN(40000))
	}
	return d
}

// zipf returns a table in which destination k has a share of about 1/k.
func zipf(n int) []int32 {
	table := make([]int32, 0, slots)
	sum := 0.0
	for k := 1; k <= n; k++ {
		sum += 1 / float64(k)
	}
	for k := range n {
		table = append(table, int32(k))
		for range int(float64(slots-n) / sum / float64(k+1)) {
			table = append(table, int32(k))
		}
	}
	return table
}

// public4 returns an address outside the special ranges.
func public4(r *rand.Rand) string {
	for {
		n := r.Uint32()
		a := netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		if first := byte(n >> 24); first > 0 && first < 224 && first != 127 && a.IsGlobalUnicast() && !a.IsPrivate() {
			return a.String()
		}
	}
}

func public6(r *rand.Rand) string {
	b := [16]byte{0x26, byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), 14: byte(r.Uint32()), 15: byte(r.Uint32())}
	return netip.AddrFrom16(b).String()
}
