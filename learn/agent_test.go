package learn_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"tripline/learn"
)

func TestAgentsReadBack(t *testing.T) {
	for _, text := range []string{
		"bot=192.0.2.50", "bot=192.0.2.0/24,2001:db8::50", "bot=agent.example.test", "mcp-1=if:igb1.20,rule:1700000000",
	} {
		a, err := learn.ParseAgent(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := a.String(); got != text {
			t.Errorf("got %s, want %s", got, text)
		}
	}
}

func TestBadAgents(t *testing.T) {
	for text, want := range map[string]string{
		"bot":               "no selector",
		"=192.0.2.1":        "invalid agent name",
		"a b=192.0.2.1":     "invalid agent name",
		"-a=192.0.2.1":      "a letter or digit first",
		"..=192.0.2.1":      "a letter or digit first",
		"_a=192.0.2.1":      "a letter or digit first",
		"bot=192.0.2":       "invalid selector",
		"bot=192.0.2.300":   "invalid selector",
		"bot=192.0.2.0/33":  "invalid selector",
		"bot=x;rm -rf":      "invalid selector",
		"bot=192.0.2.1,":    "invalid selector",
		"b\x1b[2Jt=host.tl": `b\x1b[2Jt`,
	} {
		_, err := learn.ParseAgent(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func agents(t *testing.T, texts ...string) (*learn.Agents, error) {
	t.Helper()
	var list []learn.Agent
	for _, text := range texts {
		a, err := learn.ParseAgent(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, a)
	}
	return learn.NewAgents(list)
}

func TestOverlapNamesBoth(t *testing.T) {
	for _, pair := range [][2]string{
		{"bot=192.0.2.50", "lan=192.0.2.0/24"},
		{"bot=192.0.2.50", "lan=192.0.2.50"},
		{"bot=if:igb1", "lan=if:igb1"},
		{"bot=rule:1", "lan=rule:1"},
		{"bot=a.example.test", "lan=a.example.test"},
		{"bot=2001:db8::/48", "lan=2001:db8:0:1::/64"},
	} {
		_, err := agents(t, pair[0], pair[1])
		if !errors.Is(err, learn.ErrOverlap) || !strings.Contains(err.Error(), "bot") || !strings.Contains(err.Error(), "lan") {
			t.Errorf("%v: got %v, want an overlap that names both", pair, err)
		}
	}
	if _, err := agents(t, "bot=192.0.2.50,192.0.2.0/28", "lan=198.51.100.0/24"); err != nil {
		t.Errorf("no overlap: %v", err)
	}
}

func TestAgentOfFlow(t *testing.T) {
	a, err := agents(t, "bot=192.0.2.50,if:igb2", "lan=198.51.100.0/24", "web=rule:77", "pi=pi.example.test")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Resolve("pi.example.test", []netip.Addr{netip.MustParseAddr("::ffff:203.0.113.5")}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ src, iface, rule, want string }{
		{"192.0.2.50", "igb1", "1", "bot"},
		{"192.0.2.51", "igb1", "1", ""},
		{"192.0.2.51", "igb2", "1", "bot"},
		{"198.51.100.9", "igb1", "1", "lan"},
		{"192.0.2.9", "igb1", "77", "web"},
		{"203.0.113.5", "igb1", "1", "pi"},
	} {
		f := learn.Flow{Src: netip.MustParseAddr(tt.src), Interface: tt.iface, Rule: tt.rule}
		if got, err := a.Of(&f); err != nil || got != tt.want {
			t.Errorf("%v: got %q, %v", tt, got, err)
		}
	}
	f := learn.Flow{Src: netip.MustParseAddr("198.51.100.9"), Interface: "igb2"}
	if _, err := a.Of(&f); !errors.Is(err, learn.ErrOverlap) {
		t.Errorf("a flow of two agents: got %v, want an overlap", err)
	}
	if err := a.Resolve("pi.example.test", []netip.Addr{netip.MustParseAddr("192.0.2.50")}); !errors.Is(err, learn.ErrOverlap) {
		t.Errorf("a name that became another agent's address: got %v", err)
	}
}

func TestEndpoints(t *testing.T) {
	for text, want := range map[string]string{
		"203.0.113.7:443":        "203.0.113.7 tcp/443",
		"[2001:db8::7]:443":      "2001:db8::7 tcp/443",
		"198.51.100.53:53/udp":   "198.51.100.53 udp/53",
		"aws/S3/us-east-1:443":   "aws/S3/us-east-1 tcp/443",
		"203.0.113.7:icmp":       "203.0.113.7 icmp",
		"as64500:22":             "AS64500 tcp/22",
		"Api.Example.com.:443":   "api.example.com tcp/443",
		"198.51.100.0/24:8443":   "198.51.100.0/24 tcp/8443",
		"203.0.113.7:proto-47":   "203.0.113.7 gre",
		"[2001:db8::/32]:443":    "2001:db8::/32 tcp/443",
		"[2001:db8::/32]:53/udp": "2001:db8::/32 udp/53",
		"203.0.113.7:0":          "",
		"203.0.113.7:0/udp":      "",
		"203.0.113.7:tcp/0":      "",
		"[[2001:db8::7]]:443":    "",
		"203.0.113.7":            "",
		"2001:db8::7:443":        "",
		"203.0.113.7:70000":      "",
		"203.0.113.7/24:443":     "",
		"localhost:443":          "",
		"203.0.113.7:443/icmp":   "",
		"203.0.113.7:443/carp":   "",
		"aws//us-east-1:443":     "",
		"evil\x1bname.test:443":  "",
	} {
		to, s, err := learn.ParseEndpoint(text)
		if want == "" {
			if err == nil {
				t.Errorf("%q: got %s %s, want an error", text, to, s)
			}
			continue
		}
		if got := to.String() + " " + s.String(); err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, want)
			continue
		}
		again, s2, err := learn.ParseEndpoint(learn.Endpoint(to.String(), s))
		if err != nil || again.String() != to.String() || s2 != s {
			t.Errorf("%q written as %q: got %s %s, %v", text, learn.Endpoint(to.String(), s), again, s2, err)
		}
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain text":      "plain text",
		"Ünïcode é 日本":    "Ünïcode é 日本",
		"a\x1b[2Jb\x00\n": `a\x1b[2Jb\x00\x0a`,
		"x\u202eabc":      `x\u202eabc`,
		"bad \xff byte":   `bad \xff byte`,
		"no\u00a0break":   `no\u00a0break`,
		"zero\u200bwidth": `zero\u200bwidth`,
		"c1 \u009b31m":    `c1 \u009b31m`,
	} {
		if got := learn.Printable(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
		if got := learn.Printable(learn.Printable(in)); got != want {
			t.Errorf("%q twice: got %q", in, got)
		}
	}
}
