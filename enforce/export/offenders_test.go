package export_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tripline/enforce"
	"tripline/enforce/export"
	"tripline/ipranges"
	"tripline/learn"
)

func someday() time.Time { return time.Date(2026, 11, 9, 12, 0, 0, 0, time.UTC) }

func flowTo(agent, dst string) *learn.Flow {
	return &learn.Flow{Time: someday(), Agent: agent, Proto: learn.TCP, DstPort: 4444, Dst: netip.MustParseAddr(dst), Name: "x\n198.51.100.1\n# y"}
}

// admitting is a policy in which one agent may reach a prefix at one port.
func admitting(t *testing.T, agent, prefix string) *enforce.Policy {
	t.Helper()
	b := &learn.Baseline{Agent: agent, Digest: strings.Repeat("a", 64), Rules: []learn.Rule{{
		To: learn.To{Prefix: netip.MustParsePrefix(prefix)}, Ports: []learn.Service{{Proto: learn.TCP, Port: 443}}, From: learn.Learned,
	}}}
	p, err := enforce.Compile([]*learn.Baseline{b, {Agent: "bot", Digest: strings.Repeat("b", 64)}}, ipranges.Space{}, learn.NewNever(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func listOf(most int, vital ...string) *export.Offenders {
	o := export.NewOffenders()
	o.Expire, o.Most = 24*time.Hour, most
	for _, v := range vital {
		o.Vital = append(o.Vital, netip.MustParsePrefix(v))
	}
	return o
}

// TestNothingVitalIsBlocked: an agent that turned hostile connects wherever it
// likes, at any port and under any name, and what is vital stays out.
func TestNothingVitalIsBlocked(t *testing.T) {
	p := admitting(t, "web", "198.51.100.0/24")
	o := listOf(1000, "203.0.113.53/32", "2001:db8:53::/48")
	vital := []string{
		"10.0.0.1", "192.168.1.1", "172.16.9.9", "100.64.0.1", "fd00::1", "127.0.0.1", "::1", "169.254.169.254", "fe80::1",
		"224.0.0.251", "255.255.255.255", "0.0.0.0", "203.0.113.53", "2001:db8:53::1",
		"198.51.100.7", // what another agent may reach, at another port
	}
	for _, dst := range vital {
		for _, v := range []enforce.Verdict{enforce.Unexpected, enforce.Forbidden} {
			if o.Note(p, flowTo("bot", dst), v) {
				t.Errorf("%s is taken for an offender", dst)
			}
		}
	}
	if !o.Note(p, flowTo("bot", "203.0.113.66"), enforce.Unexpected) || o.Note(p, flowTo("bot", "203.0.113.67"), enforce.Drift) || o.Note(p, flowTo("bot", "203.0.113.68"), enforce.Allowed) {
		t.Error("what is unexpected is an offender, and drift is not")
	}
	for _, f := range o.Files(p, "") {
		h := export.ReadHeld(f.Text)
		want := map[string]string{"tripline_bot_offenders.txt": "[203.0.113.66/32]", "tripline_web_offenders.txt": "[]"}[f.Name]
		if got := fmt.Sprint(h.Set.Prefixes()); got != want || h.Unread > 0 || !h.Over {
			t.Errorf("%s: got %s, %d unread, may be empty %v; want %q\n%s", f.Name, got, h.Unread, h.Over, want, f.Text)
		}
	}
}

// TestOneAgentBlocksNothingForAnother: what bot does is in the table of bot.
func TestOneAgentBlocksNothingForAnother(t *testing.T) {
	p := admitting(t, "web", "198.51.100.0/24")
	o := listOf(10)
	for i := range 1000 { // a scan, to fill the table and to push out what is there
		o.Note(p, flowTo("bot", fmt.Sprintf("203.0.113.%d", i%256)), enforce.Unexpected)
	}
	if !o.Note(p, flowTo("web", "203.0.113.200"), enforce.Unexpected) {
		t.Error("the table of another agent is full as well")
	}
	list := o.List()
	if len(list) != 11 || list[0].Addr.String() != "203.0.113.0" || list[9].Addr.String() != "203.0.113.9" {
		t.Errorf("got %d offenders, the first %v; want the first ten", len(list), list[0].Addr)
	}
	if !export.Full(o.Left()) || export.Full(o.Left()) {
		t.Error("that it was full is told once")
	}
}

// TestOffendersGo: with time, and when a baseline comes to admit them.
func TestOffendersGo(t *testing.T) {
	p := admitting(t, "web", "198.51.100.0/24")
	o := listOf(10)
	o.Note(p, flowTo("bot", "203.0.113.66"), enforce.Unexpected)
	o.Note(p, flowTo("bot", "192.0.2.1"), enforce.Unexpected)
	if o.Clean(p, someday().Add(23*time.Hour)) {
		t.Error("gone too early")
	}
	if !o.Clean(admitting(t, "web", "192.0.2.0/24"), someday()) || len(o.List()) != 1 {
		t.Errorf("what is approved stays: %v", o.List())
	}
	if !o.Clean(p, someday().Add(25*time.Hour)) || len(o.List()) != 0 {
		t.Errorf("what is over stays: %v", o.List())
	}
}

// TestAgree compares with a table asked address by address.
func TestAgree(t *testing.T) {
	p := admitting(t, "web", "198.51.100.0/24")
	tables, err := export.Tables(p, export.Options{Agents: []string{"web"}})
	if err != nil || len(tables) != 1 || tables[0].Name != "tripline_web_tcp443" {
		t.Fatal(tables, err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		var text strings.Builder
		has := map[netip.Addr]bool{}
		for range rng.IntN(40) {
			a := netip.AddrFrom4([4]byte{198, 51, 100, byte(rng.IntN(256))})
			has[a] = true
			fmt.Fprintf(&text, "   %s\n", a)
		}
		var used []export.Use
		var flows, missing uint64
		for range 20 {
			u := export.Use{Agent: "web", Flows: 1 + rng.Uint64N(5), Last: someday()}
			u.Proto, u.Port, u.Addr = learn.TCP, 443, netip.AddrFrom4([4]byte{198, 51, 100, byte(rng.IntN(256))})
			if flows += u.Flows; !has[u.Addr] {
				missing += u.Flows
			}
			used = append(used, u)
		}
		other := used[0]
		other.Port = 80 // no table is for it
		g := export.Agree(p, tables, map[string]export.Held{"tripline_web_tcp443": export.ReadHeld([]byte(text.String()))}, append(used, other))
		var got uint64
		for _, l := range g.Lacks {
			got += l.Flows
		}
		if g.Checked != flows || got != missing || len(g.Surplus) != 0 {
			t.Fatalf("%s: got %d of %d, %v; want %d of %d", text.String(), got, g.Checked, g.Surplus, missing, flows)
		}
	}
}

// TestWhyATableLacks: each cause is told apart.
func TestWhyATableLacks(t *testing.T) {
	p := admitting(t, "web", "198.51.100.0/25")
	tables, err := export.Tables(p, export.Options{Agents: []string{"web"}})
	if err != nil {
		t.Fatal(err)
	}
	tables[0].Entries = append([]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, tables[0].Entries...)
	tables[0].Set = ipranges.NewSet(tables[0].Entries...)
	use := func(dst, name string) export.Use {
		u := export.Use{Agent: "web", Flows: 1, Last: someday()}
		u.Proto, u.Port, u.Addr, u.Name = learn.TCP, 443, netip.MustParseAddr(dst), name
		return u
	}
	for _, c := range []struct {
		held string
		use  export.Use
		want string
	}{
		{"", use("198.51.100.1", ""), "the firewall's table is empty"},
		{"192.0.2.0/24\n", use("198.51.100.1", ""), "the table was cut off after 1 of 2 entries"},
		{"198.51.100.0/26\n", use("198.51.100.99", ""), "the table is older than the baseline or the ranges"},
		{"198.51.100.0/26\n", use("192.0.2.9", "api.example.com"), "resolver skew: the name was resolved elsewhere since"},
		{"198.51.100.0/26\n", use("203.0.113.9", "api.example.com"), "resolver skew: the name is approved, and this address"},
		{"198.51.100.0/26\n", use("203.0.113.9", ""), "the policy admits it and the alias does not have it"},
	} {
		g := export.Agree(p, tables, map[string]export.Held{"tripline_web_tcp443": export.ReadHeld([]byte(c.held))}, []export.Use{c.use})
		if len(g.Lacks) != 1 || !strings.HasPrefix(g.Lacks[0].Why, c.want) {
			t.Errorf("%q, %v: got %+v, want %q", c.held, c.use.Addr, g.Lacks, c.want)
		}
	}
}
