package learn_test

import (
	"net/netip"
	"testing"

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
