package source_test

import (
	"testing"

	"tripline/learn/source"
)

// A modem, or whoever forges a private address, sends a packet on the outside.
func TestAStrayPrivateSourceDoesNotTurnTheFirewallInsideOut(t *testing.T) {
	stray := tcp("in em0 pass", "192.168.100.1", "1", wan, "80", "S", 1)
	out := tcp("out em0 pass", wan, "1", far, "443", "S", 2)
	in := tcp("in em0 pass", far, "1", "198.51.100.9", "22", "S", 3)
	refused := tcp("out em0 block", wan, "2", far, "25", "S", 4)
	after := []step{
		{10, out, source.OutboundNAT},
		{11, in, source.Inbound},
		{12, tcp("in em0 block", far, "1", "198.51.100.9", "22", "S", 3), source.Inbound},
		{13, refused, source.Blocked},
		{14, tcp("out em0 pass", wan, "3", "203.0.113.8", "443", "S", 5), source.OutboundNAT},
	}
	play(t, home, append([]step{{0, stray, source.ToFirewall}}, after...))
	play(t, home, append([]step{{0, refused, source.Blocked}, {0, out, source.OutboundNAT}, {1, stray, source.ToFirewall}}, after[1:3]...))
	play(t, home, []step{{0, stray, source.ToFirewall}, {1, refused, source.Blocked}})
}

func TestHostsWithPublicAddressesAreKnownByTheirNetwork(t *testing.T) {
	play(t, home, []step{
		{0, tcp("in em1 pass", host, "1", far, "443", "S", 1), source.Outbound},
		{1, tcp("out em1 pass", six2, "1", six, "22", "S", 2), source.OutboundNAT}, // silent so far
		{2, tcp("in em1 pass", six, "1", six2, "443", "S", 3), source.Outbound},
		{3, tcp("out em1 pass", six2, "2", six, "22", "S", 4), source.TowardsLocal},
		{4, tcp("out em1 pass", six2, "2", "2001:db8:5::99", "22", "S", 5), source.TowardsLocal},
		{5, tcp("out em1 block", six2, "2", "2001:db8:5::99", "23", "S", 5), source.TowardsLocal},
		{6, tcp("out em2 pass", six2, "2", six, "22", "S", 6), source.OutboundNAT}, // not there
		{7, tcp("in em1 pass", six, "2", six2, "443", "S", 7), source.Outbound},
	})
}

func TestARestartKeepsTheNetworksOfHosts(t *testing.T) {
	p := parser(t, home)
	var r source.Record
	parse := func(line string) {
		t.Helper()
		if err := p.Parse(stamped(0, line), noon, &r); err != nil {
			t.Fatal(err)
		}
	}
	parse(tcp("in em1 pass", host, "1", far, "443", "S", 1))
	parse(tcp("in em1 pass", six, "1", six2, "443", "S", 2))
	state := p.State()
	p = parser(t, home)
	if err := p.Restore(state); err != nil {
		t.Fatal(err)
	}
	if parse(tcp("out em1 pass", six2, "2", six, "22", "S", 3)); r.Why != source.TowardsLocal {
		t.Errorf("got %q, want %q", r.Why, source.TowardsLocal)
	}
	if err := p.Restore(nil); err != nil {
		t.Fatal(err)
	}
	if parse(tcp("out em1 pass", six2, "2", six, "22", "S", 3)); r.Why != source.OutboundNAT {
		t.Errorf("got %q, want %q: nothing is known any more", r.Why, source.OutboundNAT)
	}
}

func TestTheLinesOfAConnectionMayComeInTheWrongOrder(t *testing.T) {
	for _, l := range []func(what, port string) string{
		func(what, port string) string { return tcp(what, "2001:db8:1::10", port, six2, "443", "S", 7) },
		func(what, port string) string { return udp(what, "2001:db8:1::10", port, six2, "443", 50) },
	} {
		play(t, home, []step{
			{0, l("out em0 pass", "5000"), source.Outbound},
			{0, l("in em1 pass", "5000"), source.SameConnection},
			{1, l("in em1 pass", "5001"), source.Outbound},
		})
	}
	play(t, home, []step{ // translated: only the second line knows the host
		{0, tcp("out em0 pass", wan, "6000", far, "443", "S", 7), source.OutboundNAT},
		{0, tcp("in em1 pass", host, "5000", far, "443", "S", 7), source.Outbound},
	})
}

func TestNoFragmentOfIPv6IsCounted(t *testing.T) {
	for _, at := range []string{"1|72", "200|64", "248|64", "0|64"} {
		for _, what := range []string{"in em1 block", "in em1 pass", "out em0 pass"} {
			line := packet(what, "44,Fragment,80", "2001:db8:1::10", six2) + "FRAG6, 0x0000002a:" + at + ","
			play(t, home, []step{{0, line, source.Fragmented}})
		}
	}
}

func TestCloudMetadataIsADestinationWhereverItIs(t *testing.T) {
	for _, dst := range []string{"169.254.169.254", "100.100.100.200", "168.63.129.16"} {
		play(t, home, []step{{0, tcp("out em0 pass", host, "1", dst, "80", "S", 1), source.Outbound}})
	}
}
