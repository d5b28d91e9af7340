package learn_test

import (
	"net/netip"
	"testing"

	"tripline/ipranges"
	"tripline/learn"
)

func TestMetadataIsNeverAdmitted(t *testing.T) {
	never := learn.NewNever(nil, nil)
	for _, text := range []string{"169.254.169.254", "fd00:ec2::254", "100.100.100.200", "fd20:ce::254", "192.0.0.192", "168.63.129.16", "::ffff:169.254.169.254"} {
		a := netip.MustParseAddr(text)
		if why, forbidden := never.Forbids(a.Unmap()); !learn.Metadata(a) || !forbidden || why != "cloud metadata" {
			t.Errorf("%s: metadata %t, forbidden %t %q", a, learn.Metadata(a), forbidden, why)
		}
	}
	if learn.Metadata(netip.MustParseAddr("169.254.169.253")) || learn.Metadata(netip.Addr{}) {
		t.Error("other addresses are no metadata")
	}
}

// What reaches a forbidden IPv4 address by way of IPv6 is forbidden as well, to
// a single host and to the widest rule.
func TestHeldAddressesAreJudged(t *testing.T) {
	never := learn.NewNever([]netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, nil)
	everything := never.Bound(ipranges.NewSet(netip.MustParsePrefix("::/0")), false)
	for text, want := range map[string]string{
		"64:ff9b::a9fe:a9fe":        "cloud metadata",
		"64:ff9b:1::a9fe:a9fe":      "cloud metadata",
		"64:ff9b:1:9::7f00:1":       "loopback",
		"2002:a9fe:a9fe::1":         "cloud metadata",
		"2002:7f00:1::":             "loopback",
		"64:ff9b::c633:6407":        "in the never list of the configuration",
		"64:ff9b::192.168.1.1":      "private",
		"2002:a01:203::7":           "private",
		"64:ff9b:1::192.168.1.1":    "private",
		"64:ff9b::203.0.113.7":      "",
		"64:ff9b:1::203.0.113.7":    "",
		"2002:cb00:7107::1":         "",
		"2001:db8::169.254.169.254": "",
	} {
		a := netip.MustParseAddr(text)
		why, forbidden := never.Forbids(a)
		if never.Private(a) && !forbidden {
			why = "private"
		}
		if why != want {
			t.Errorf("%s: got %q, want %q", a, why, want)
		}
		host := never.Bound(ipranges.NewSet(netip.PrefixFrom(a, 128)), true)
		if host.IsEmpty() != forbidden {
			t.Errorf("%s: a rule for the host admits %s, forbidden %t", a, host.Exposure(), forbidden)
		}
		if want != "" && everything.Contains(a) {
			t.Errorf("%s: ::/0 admits it", a)
		}
	}
}
