package main

import (
	"bufio"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"os"
)

// foldKinds are the inputs: addresses from anywhere, and such as cluster in
// 20,000 networks of 256 to 65,536 addresses.
var foldKinds = map[string]func(*rand.Rand) func() uint32{
	"random":    func(r *rand.Rand) func() uint32 { return r.Uint32 },
	"clustered": clustered,
}

func clustered(r *rand.Rand) func() uint32 {
	type network struct{ at, mask uint32 }
	networks := make([]network, 20_000)
	for i := range networks {
		mask := uint32(1)<<(8+2*r.IntN(5)) - 1
		networks[i] = network{r.Uint32() &^ mask, mask}
	}
	return func() uint32 {
		n := networks[r.IntN(len(networks))]
		return n.at | r.Uint32()&n.mask
	}
}

// distinct returns the addresses of a kind, the same ones every time, in no
// order.
func distinct(next func(*rand.Rand) func() uint32) []uint32 {
	draw := next(rand.New(rand.NewPCG(1, 1)))
	known := make(map[uint32]bool, foldAddresses)
	out := make([]uint32, 0, foldAddresses)
	for len(out) < foldAddresses {
		if a := draw(); !known[a] {
			known[a] = true
			out = append(out, a)
		}
	}
	return out
}

func address(a uint32) netip.Addr {
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, a)))
}

func writeAddresses(path string, addresses []uint32) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	for _, a := range addresses {
		w.Write(append(address(a).AppendTo(w.AvailableBuffer()), '\n'))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}
