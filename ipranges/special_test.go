package ipranges_test

import (
	"net/netip"
	"testing"

	"tripline/ipranges"
)

func TestSpecialSpaceIsNamed(t *testing.T) {
	for a, want := range map[string]string{
		"10.1.2.3": "private use", "169.254.169.254": "metadata of a cloud's machines", "169.254.1.1": "link local",
		"255.255.255.255": "broadcast", "250.0.0.1": "reserved", "::ffff:192.168.1.1": "private use", "fe80::1%eth0": "link local",
		"2001::1": "Teredo", "2001:4::1": "protocol assignments", "8.8.8.8": "", "2600::1": "", "172.32.0.1": "",
	} {
		p, ok := ipranges.Special(netip.MustParseAddr(a))
		if p.Name != want || ok != (want != "") {
			t.Errorf("%s: got %q, %v; want %q", a, p.Name, ok, want)
		}
	}
	if _, ok := ipranges.Special(netip.Addr{}); ok {
		t.Error("the zero address has a purpose")
	}
}
