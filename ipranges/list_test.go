package ipranges_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tripline/ipranges"
)

// What was added comes back, in its order.
func TestListIsTheSliceOfItsRanges(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var list ipranges.List
	var want []ipranges.Range
	for i := range 5000 {
		var b [16]byte
		for j := range b {
			b[j] = byte(r.Uint32())
		}
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte(b[:4])), r.IntN(33))
		if i%3 == 0 {
			p = netip.PrefixFrom(netip.AddrFrom16(b), r.IntN(129))
		}
		one := ipranges.Range{Prefix: p.Masked(), Label: ipranges.Label{Provider: "p", Service: string(rune('a' + r.IntN(26)))}}
		want = append(want, one)
		one.Prefix = p // with host bits
		list.Add(one)
	}
	list.Add(ipranges.Range{})
	same := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
	if d := cmp.Diff(want, slices.Collect(list.All()), same); d != "" {
		t.Errorf("(-added +list):\n%s", d)
	}
	if list.Len() != len(want) {
		t.Errorf("%d ranges, want %d", list.Len(), len(want))
	}
	for range list.All() {
		break
	}
}

func TestListUnmapsLikeASet(t *testing.T) {
	var list ipranges.List
	list.Add(ipranges.Range{Prefix: netip.MustParsePrefix("::ffff:192.0.2.9/120")})
	for r := range list.All() {
		if r.Prefix != netip.MustParsePrefix("192.0.2.0/24") {
			t.Errorf("got %v, want 192.0.2.0/24", r.Prefix)
		}
	}
}
