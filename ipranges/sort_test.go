package ipranges_test

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"tripline/ipranges"
)

// TestSetOfManyPrefixesIsThatOfFew joins the same prefixes at once, where they
// are sorted digit by digit, and in small pieces.
func TestSetOfManyPrefixesIsThatOfFew(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	var prefixes []netip.Prefix
	for range 40_000 {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], r.Uint32()>>r.IntN(32))
		prefixes = append(prefixes, netip.PrefixFrom(netip.AddrFrom4(b), 8+r.IntN(25)))
	}
	prefixes = slices.DeleteFunc(prefixes, func(p netip.Prefix) bool { return p.Bits() < 24 && r.IntN(50) > 0 })
	var want ipranges.Set
	for piece := range slices.Chunk(prefixes, 500) {
		want = want.Union(ipranges.NewSet(piece...))
	}
	got := ipranges.NewSet(prefixes...)
	if len(prefixes) < 10_000 || !got.Equal(want) || got.Exposure() != want.Exposure() {
		t.Errorf("%d prefixes: got %v, want %v", len(prefixes), got.Exposure(), want.Exposure())
	}
}
