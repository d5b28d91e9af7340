package source_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tripline/learn/source"
)

// A step is a line of a made-up log and what must be said of it.
type step struct {
	at   int // seconds
	line string
	want source.Why
}

var noon = time.Date(2026, time.March, 28, 12, 0, 0, 0, time.UTC)

// stamped puts a header before the values.
func stamped(at int, csv string) []byte {
	return []byte(noon.Add(time.Duration(at)*time.Second).Format(time.RFC3339) + " fw filterlog: " + csv)
}

// tcp is a line about a TCP packet: "pass,in,em1", addresses with ports, flags.
func tcp(what, src, sport, dst, dport, flags string, seq int) string {
	return packet(what, "6,tcp,60", src, dst) + fmt.Sprintf("%s,%s,0,%s,%d,,64240,,mss", sport, dport, flags, seq)
}

func udp(what, src, sport, dst, dport string, length int) string {
	return packet(what, fmt.Sprintf("17,udp,%d", length+20), src, dst) + fmt.Sprintf("%s,%s,%d", sport, dport, length)
}

// packet is what comes before the ports. What is direction first, as in "in em1
// pass": the values have them in another order.
func packet(what, proto, src, dst string) string {
	var dir, iface, act string
	if _, err := fmt.Sscan(what, &dir, &iface, &act); err != nil {
		panic("tripline: internal error: " + err.Error())
	}
	head := fmt.Sprintf("5,,,1700000001,%s,match,%s,%s,", iface, act, dir)
	if netip.MustParseAddr(src).Is4() {
		return head + "4,0x0,,64,1,0,DF," + proto + "," + src + "," + dst + ","
	}
	var number, name, length string
	if _, err := fmt.Sscanf(spaced(proto), "%s %s %s", &number, &name, &length); err != nil {
		panic("tripline: internal error: " + err.Error())
	}
	return head + "6,0x00,0x00000,64," + name + "," + number + "," + length + "," + src + "," + dst + ","
}

func spaced(s string) string {
	b := []byte(s)
	for i := range b {
		if b[i] == ',' {
			b[i] = ' '
		}
	}
	return string(b)
}

func play(t *testing.T, o source.Options, steps []step) {
	t.Helper()
	p := parser(t, o)
	for _, s := range steps {
		var r source.Record
		if err := p.Parse(stamped(s.at, s.line), noon, &r); err != nil {
			t.Fatalf("%s: %v", s.line, err)
		}
		if r.Why != s.want {
			t.Errorf("%d s: got %q, want %q\n%s", s.at, r.Why, s.want, s.line)
		}
	}
}

const (
	host = "192.0.2.10"
	wan  = "198.51.100.2"
	far  = "203.0.113.7"
	six  = "2001:db8:5::10" // not in home
	six2 = "2001:db8:6::7"
)

func TestAConnectionIsCountedOnceOnBothSidesOfTheFirewall(t *testing.T) {
	play(t, home, []step{
		{0, tcp("in em1 pass", host, "5000", far, "443", "S", 7), source.Outbound},
		{2, tcp("out em0 pass", wan, "6000", far, "443", "S", 7), source.SameConnection},
		{3, tcp("out em0 pass", wan, "6001", far, "443", "S", 8), source.OutboundNAT}, // another sequence number
		{9, tcp("in em1 pass", host, "5001", far, "443", "S", 9), source.Outbound},
		{12, tcp("out em0 pass", wan, "6002", far, "443", "S", 9), source.OutboundNAT}, // too late
		{20, tcp("in em1 pass", host, "5002", far, "443", "S", 10), source.Outbound},
		{20, tcp("out em0 pass", host, "5002", far, "443", "S", 99), source.SameConnection}, // not translated, renumbered
		{30, udp("in em1 pass", host, "5003", far, "53", 30), source.Outbound},
		{30, udp("out em0 pass", wan, "6003", far, "53", 31), source.OutboundNAT}, // another length
		{31, udp("out em0 pass", wan, "6004", far, "53", 30), source.SameConnection},
		{40, packet("in em1 pass", "1,icmp,84", host, far) + "request,1,264", source.Outbound},
		{40, packet("out em0 pass", "1,icmp,84", wan, far) + "request,9,264", source.SameConnection},
	})
}

func TestSidesOfTheFirewallAreLearnedFromTheStream(t *testing.T) {
	play(t, home, []step{
		{0, tcp("in em1 pass", six, "1", six2, "443", "S", 1), source.Inbound}, // nothing known of em1
		{1, tcp("in em1 pass", host, "1", far, "443", "S", 2), source.Outbound},
		{2, tcp("in em1 pass", six, "1", six2, "443", "S", 3), source.Outbound}, // a host with a global address
		{3, tcp("in em1 block", six, "2", six2, "25", "S", 4), source.Blocked},
		{4, tcp("out em1 pass", six2, "1", six, "22", "S", 5), source.TowardsLocal},
		{5, tcp("out em0 pass", wan, "1", far, "80", "S", 6), source.OutboundNAT},
		{6, tcp("in em0 pass", far, "1", host, "22", "S", 7), source.Inbound},
		{7, tcp("in em0 block", "192.0.2.66", "1", far, "22", "S", 8), source.Inbound}, // forged: em0 is outside
		{8, tcp("in em9 block", host, "1", far, "22", "S", 9), source.Blocked},
		{9, tcp("in em9 block", far, "1", wan, "22", "S", 10), source.Inbound},
	})
}

func TestWhatTheUserSaysOfAnInterfaceWins(t *testing.T) {
	o := home
	o.Inside, o.Outside = []string{"wg0"}, []string{"em0"}
	play(t, o, []step{
		{0, tcp("in wg0 pass", six, "1", six2, "443", "S", 1), source.Outbound},
		{1, tcp("in em0 pass", host, "1", far, "443", "S", 2), source.Inbound},
		{2, tcp("out em0 pass", wan, "1", far, "443", "S", 3), source.OutboundNAT},
		{3, tcp("out wg0 pass", wan, "1", far, "443", "S", 4), source.TowardsLocal},
	})
}

func TestRetriesOfABlockedAttemptAreOne(t *testing.T) {
	play(t, home, []step{
		{0, tcp("in em1 block", host, "5000", far, "443", "S", 7), source.Blocked},
		{1, tcp("in em1 block", host, "5000", far, "443", "S", 7), source.Retry},
		{181, tcp("in em1 block", host, "5000", far, "443", "SEC", 7), source.Retry}, // 180 s after the last one
		{362, tcp("in em1 block", host, "5000", far, "443", "S", 7), source.Blocked},
		{363, tcp("in em1 block", host, "5000", far, "443", "S", 8), source.Blocked}, // another attempt
		{364, udp("in em1 block", host, "5000", far, "443", 1200), source.Blocked},
		{424, udp("in em1 block", host, "5000", far, "443", 1300), source.Retry},
		{485, udp("in em1 block", host, "5000", far, "443", 1300), source.Blocked},
		{486, udp("out em0 block", wan, "5000", far, "443", 1300), source.Blocked},
		{487, udp("out em0 block", wan, "5000", far, "443", 1300), source.Retry},
	})
}

func TestPacketsThatOpenNothingAreNotCounted(t *testing.T) {
	var steps []step
	for _, flags := range []string{"A", "FA", "PA", "RA", "R", "FPA", "SA", "", "P"} {
		steps = append(steps, step{0, tcp("in em1 block", host, "5000", far, "443", flags, 7), source.OutOfState})
	}
	steps = append(steps,
		step{1, packet("in em1 block", "1,icmp,84", host, far) + "reply,1,264", source.NotARequest},
		step{2, packet("in em1 block", "1,icmp,84", host, far) + "request,1,264", source.Blocked},
		step{3, packet("in em1 block", "58,ICMPv6,40", "2001:db8:1::10", six2), source.Blocked}, // no type in the log
		step{4, packet("in em1 block", "47,gre,84", host, far) + "datalength=64 ", source.Blocked},
		step{5, tcp("in em1 nat", host, "5000", far, "443", "S", 7), source.Translation},
		step{6, tcp("in em1 synproxy-drop", host, "5000", far, "443", "S", 7), source.Translation},
		step{7, tcp("in/out em1 pass", host, "5000", far, "443", "S", 7), source.NoDirection},
	)
	play(t, home, steps)
}

func TestADestinationMustBeOne(t *testing.T) {
	in := func(dst string) string { return tcp("in em1 pass", host, "5000", dst, "443", "S", 7) }
	play(t, home, []step{
		{0, in("127.0.0.1"), source.Redirected},
		{0, in("224.0.0.251"), source.Multicast},
		{0, in("255.255.255.255"), source.Broadcast},
		{0, in("192.0.2.255"), source.Broadcast},
		{0, in("0.0.0.0"), source.NoDestination},
		{0, in("169.254.1.1"), source.LinkLocal},
		{0, in("192.0.2.1"), source.ToFirewall},
		{0, in("169.254.169.254"), source.Outbound}, // cloud metadata is news
		{0, in("192.0.2.99"), source.Outbound},      // so is another host
		{0, in("10.20.30.40"), source.Outbound},
		{0, tcp("in em1 pass", "2001:db8:1::10", "1", "fd00:ec2::254", "80", "S", 1), source.Outbound},
		{0, tcp("in em1 pass", "2001:db8:1::10", "1", "fe80::1", "80", "S", 1), source.LinkLocal},
		{0, tcp("in em1 pass", "2001:db8:1::10", "1", "ff02::1", "80", "S", 1), source.Multicast},
		{0, tcp("in em1 block", host, "1", "127.0.0.1", "80", "S", 1), source.Loopback},
		{0, tcp("out em0 pass", wan, "1", "10.20.30.40", "80", "S", 1), source.TowardsLocal},
	})
}

func TestPrivateSpaceIsLocalUnasked(t *testing.T) {
	for _, src := range []string{"10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "100.127.255.254"} {
		play(t, source.Options{}, []step{{0, tcp("in em1 pass", src, "1", far, "443", "S", 1), source.Outbound}})
	}
	for _, src := range []string{"100.63.0.1", "100.128.0.1", "172.32.0.1", host} {
		play(t, source.Options{}, []step{{0, tcp("in em1 pass", src, "1", far, "443", "S", 1), source.Inbound}})
	}
}

func TestOneUDPExchangeIsCountedOnce(t *testing.T) {
	play(t, home, []step{
		{0, udp("in em1 pass", host, "5000", far, "443", 1200), source.Outbound},
		{119, udp("in em1 pass", host, "5000", far, "443", 50), source.SameExchange},
		{239, udp("in em1 pass", host, "5000", far, "443", 50), source.SameExchange},
		{360, udp("in em1 pass", host, "5000", far, "443", 50), source.Outbound},
		{361, udp("in em1 pass", host, "5001", far, "443", 50), source.Outbound},
	})
}

// A host of the user's own that is not translated is known on the way out too.
func TestAnOwnAddressOnTheWayOutIsAHost(t *testing.T) {
	play(t, home, []step{{0, tcp("out em0 pass", host, "1", far, "443", "S", 1), source.Outbound}})
}

// stream is a random log in which much repeats.
func stream(rng *rand.Rand, n int) [][]byte {
	at, lines := 0, make([][]byte, n)
	whats := []string{"in em1 pass", "out em0 pass", "in em1 block", "in em0 block", "out em0 block", "in em2 pass", "in em1 nat"}
	srcs := []string{host, wan, "192.0.2.11", far}
	for i := range lines {
		at += rng.IntN(40) * rng.IntN(2)
		what, src := whats[rng.IntN(len(whats))], srcs[rng.IntN(len(srcs))]
		sport, dst := strconv.Itoa(5000+rng.IntN(3)), fmt.Sprintf("203.0.113.%d", 1+rng.IntN(3))
		if rng.IntN(2) == 0 {
			lines[i] = stamped(at, udp(what, src, sport, dst, "53", 30+rng.IntN(2)))
			continue
		}
		lines[i] = stamped(at, tcp(what, src, sport, dst, "443", "S", rng.IntN(3)))
	}
	return lines
}

func TestARestartChangesNoVerdict(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	for range 20 {
		lines := stream(rng, 200)
		whole := parser(t, home)
		parts := parser(t, home)
		for i, line := range lines {
			if rng.IntN(10) == 0 {
				next := parser(t, home)
				if err := next.Restore(parts.State()); err != nil {
					t.Fatal(err)
				}
				parts = next
			}
			var a, b source.Record
			if err := whole.Parse(line, noon, &a); err != nil {
				t.Fatal(err)
			}
			if err := parts.Parse(line, noon, &b); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(a.Why, b.Why); diff != "" {
				t.Fatalf("line %d (-whole +restarted):\n%s%s", i, diff, line)
			}
		}
	}
}

func TestADamagedStateIsRefusedAndChangesNothing(t *testing.T) {
	p := parser(t, home)
	var r source.Record
	for _, line := range stream(rand.New(rand.NewPCG(1, 1)), 50) {
		if err := p.Parse(line, noon, &r); err != nil {
			t.Fatal(err)
		}
	}
	state := p.State()
	for i := range state {
		bad := append([]byte(nil), state...)
		bad[i] ^= 0x40
		if p.Restore(bad) == nil {
			t.Errorf("byte %d of the state was changed and it was read", i)
		}
		if i > 0 && p.Restore(state[:i]) == nil {
			t.Errorf("the first %d bytes of the state were read", i)
		}
	}
	if !cmp.Equal(p.State(), state) {
		t.Error("refused states changed the parser")
	}
	if err := p.Restore(nil); err != nil {
		t.Errorf("no state: got %v", err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	p := parser(t, home)
	var r source.Record
	for i := range 300_000 {
		dst := netip.AddrFrom4([4]byte{203, 0, byte(i >> 8), byte(i)}).String()
		if err := p.Parse(stamped(0, udp("in em1 pass", host, strconv.Itoa(i%60000), dst, "53", 30)), noon, &r); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(p.State()); n > 2<<20 {
		t.Errorf("got a state of %d bytes, want at most 2 MiB", n)
	}
}
