package export_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"tripline/enforce"
	"tripline/enforce/export"
	"tripline/ipranges"
	"tripline/learn"
)

// space is what is published in these tests.
func space() ipranges.Space {
	var ranges []ipranges.Range
	for _, r := range []struct{ prefix, label string }{
		{"198.51.100.0/25", "cloud/storage/north"},
		{"198.51.100.192/27", "cloud/storage/south"},
		{"2001:db8:100::/40", "cloud/storage/south"},
		{"203.0.113.64/26", "cdn"},
	} {
		label, err := ipranges.ParseLabel(r.label)
		if err != nil {
			panic("tripline: internal error: " + err.Error())
		}
		ranges = append(ranges, ipranges.Range{Prefix: netip.MustParsePrefix(r.prefix), Label: label})
	}
	return ipranges.Space{Table: ipranges.NewTable(ranges)}
}

func compile(t testing.TB, baselines ...*learn.Baseline) *enforce.Policy {
	t.Helper()
	p, err := enforce.Compile(baselines, space(), learn.NewNever(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func services(t testing.TB, texts ...string) []learn.Service {
	t.Helper()
	var out []learn.Service
	for _, text := range texts {
		s, err := learn.ParseService(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

func addrs(texts ...string) []netip.Addr {
	var out []netip.Addr
	for _, text := range texts {
		out = append(out, netip.MustParseAddr(text))
	}
	return out
}

// homelab is the policy of the golden files: each kind of rule, and each thing
// pfSense cannot express.
func homelab(t testing.TB) *enforce.Policy {
	t.Helper()
	cdn := ipranges.Label{Provider: "cdn"}
	south := ipranges.Label{Provider: "cloud", Service: "storage", Region: "south"}
	prefix := func(s string) learn.To { return learn.To{Prefix: netip.MustParsePrefix(s)} }
	bot := &learn.Baseline{Agent: "bot", Digest: "3f9a2c00aabbccddeeff", Rules: []learn.Rule{
		{To: learn.To{Name: "api.example.com", Within: []ipranges.Label{cdn}}, Ports: services(t, "tcp/443", "udp/443"), Addrs: addrs("203.0.113.70", "203.0.113.71", "2001:db8::7")},
		{To: learn.To{Name: "*.files.example.org"}, Ports: services(t, "tcp/443"), Addrs: addrs("192.0.2.80")},
		{To: learn.To{Name: "gone.example.net"}, Ports: services(t, "tcp/443")},
		{To: learn.To{Label: south}, Ports: services(t, "tcp/80", "tcp/443")},
		{To: prefix("192.0.2.10/32"), Ports: services(t, "tcp/8200")},
		{To: prefix("192.0.2.0/28"), Ports: services(t, "tcp/8200")},
		{To: prefix("192.0.2.53/32"), Ports: services(t, "udp/53", "udp/123", "icmp")},
		{To: prefix("203.0.113.9/32"), Ports: services(t, "tcp/8000", "tcp/8001", "tcp/8002", "tcp/22", "tcp/9418", "sctp/5000", "proto-99")},
		{To: prefix("169.254.169.254/32"), Ports: services(t, "tcp/80")},
	}}
	crawler := &learn.Baseline{Agent: "Claude's crawler", Digest: "77", Rules: []learn.Rule{
		{To: prefix("2001:db8:5::/48"), Ports: services(t, "tcp/443", "icmpv6")},
	}}
	return compile(t, bot, crawler, &learn.Baseline{Agent: "idle", Digest: "88"})
}

var agentNames = []string{
	"bot", "Bot", "b-o-t", "b_o_t", "b.o.t", "claude-code", "claude-code-in-the-second-container-of-the-lab",
	"claude-code-in-the-second-container-of-the-office", "日本", "中国", "a\nPass   IPv4  TCP  from x to y, log", "x|y||z", `"><alias>`,
	"]]></descr>", "a\x00b", "#", ";", "\u202e", "\xff\xfe", "port", "pass", "123", " ", "AT&T's \\ \x1b[31m", "1.2.3.4\n0.0.0.0/0",
}

var portTexts = []string{
	"tcp/443", "tcp/80", "tcp/81", "tcp/82", "tcp/8443", "tcp/65535", "tcp/50000", "tcp/50001", "tcp/0", "udp/53", "udp/123", "udp/443",
	"sctp/5000", "icmp", "icmpv6", "esp", "proto-99", "proto-51",
}

var hostileNames = []string{
	"api.example.com", "*.example.org", "a\n0.0.0.0/0", "x 0.0.0.0/0", "\r\n::/0 y", "]]><x>", "a||b", "|a|", "<b>", "</detail>",
	"a\t# b", "..", "-.-", "\u2028", "ex\u00e4mple.com", "&amp;", "\xff", "$(reboot)", "`id`", "';--",
}

// random returns a policy with up to four agents. Among so many, some have two
// tables of one name, which an export refuses: those are drawn again.
func random(t testing.TB, r *rand.Rand) *enforce.Policy {
	t.Helper()
	for {
		p := draw(t, r)
		if _, _, err := export.All[0].Files(p, export.Options{}); err == nil || !strings.Contains(err.Error(), "two tables have this name") {
			return p
		}
	}
}

func draw(t testing.TB, r *rand.Rand) *enforce.Policy {
	t.Helper()
	var baselines []*learn.Baseline
	for _, i := range r.Perm(len(agentNames))[:1+r.IntN(4)] {
		b := &learn.Baseline{Agent: agentNames[i], Digest: fmt.Sprintf("%016x", r.Uint64())}
		for range r.IntN(9) {
			b.Rules = append(b.Rules, randomRule(t, r))
		}
		baselines = append(baselines, b)
	}
	return compile(t, baselines...)
}

func randomRule(t testing.TB, r *rand.Rand) learn.Rule {
	t.Helper()
	rule := learn.Rule{}
	for range r.IntN(5) {
		rule.Ports = append(rule.Ports, services(t, portTexts[r.IntN(len(portTexts))])[0])
	}
	slices.SortFunc(rule.Ports, func(a, b learn.Service) int {
		return (int(a.Proto)-int(b.Proto))<<16 + int(a.Port) - int(b.Port)
	})
	rule.Ports = slices.Compact(rule.Ports)
	switch labels := space().Table.All(); r.IntN(4) {
	case 0:
		rule.To.Label = labels[r.IntN(len(labels))]
	case 1:
		rule.To.Name = hostileNames[r.IntN(len(hostileNames))]
		rule.To.Within = labels[:r.IntN(2)]
		for range r.IntN(4) {
			rule.Addrs = append(rule.Addrs, randomAddr(r))
		}
	default:
		a := randomAddr(r)
		p, err := a.Prefix(a.BitLen() - r.IntN(9))
		if err != nil {
			t.Fatal(err)
		}
		rule.To.Prefix = p
	}
	return rule
}

// randomAddr returns an address of the space for examples, rarely one that no
// rule may admit.
func randomAddr(r *rand.Rand) netip.Addr {
	switch r.IntN(12) {
	case 0:
		return netip.MustParseAddr("169.254.169.254")
	case 1:
		return netip.MustParseAddr("10.0.0.1")
	case 2, 3, 4:
		a := netip.MustParseAddr("2001:db8:100::").As16()
		a[5], a[15] = byte(r.IntN(3)), byte(r.IntN(256))
		return netip.AddrFrom16(a)
	}
	a := [][4]byte{{192, 0, 2}, {198, 51, 100}, {203, 0, 113}}[r.IntN(3)]
	a[3] = byte(r.IntN(256))
	return netip.AddrFrom4(a)
}
