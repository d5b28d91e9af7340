package enforce_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"tripline/enforce"
	"tripline/ipranges"
	"tripline/learn"
)

var (
	https = learn.Service{Proto: learn.TCP, Port: 443}
	ssh   = learn.Service{Proto: learn.TCP, Port: 22}
)

// table publishes one set of a provider of one's own and one anyone can rent in.
var table = ipranges.NewTable([]ipranges.Range{
	{Prefix: pfx("203.0.113.0/25"), Label: ipranges.Label{Provider: "anthropic", Service: "api"}},
	{Prefix: pfx("198.51.100.0/24"), Label: ipranges.Label{Provider: "aws", Service: "EC2", Region: "us-east-1"}},
})

func pfx(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func rule(to string, ports ...learn.Service) learn.Rule {
	t, err := learn.ParseTo(to)
	if err != nil {
		panic(err)
	}
	return learn.Rule{To: t, Ports: ports}
}

func compile(t testing.TB, rules ...learn.Rule) *enforce.Policy {
	t.Helper()
	p, err := enforce.Compile([]*learn.Baseline{{Agent: "bot", Rules: rules}}, ipranges.Space{Table: table}, learn.NewNever(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func flow(dst string, s learn.Service, name string) *learn.Flow {
	return &learn.Flow{Agent: "bot", Proto: s.Proto, DstPort: s.Port, Dst: netip.MustParseAddr(dst), Name: name}
}

func TestVerdicts(t *testing.T) {
	named := rule("api.example.com", https)
	named.Addrs = []netip.Addr{netip.MustParseAddr("198.51.100.7")}
	named.To.Within = []ipranges.Label{{Provider: "aws", Service: "EC2", Region: "us-east-1"}}
	wild := rule("cdn.example.net", https)
	wild.To.Name = "*.example.net"
	wild.Addrs = []netip.Addr{netip.MustParseAddr("192.0.2.77")}
	p := compile(t, named, wild, rule("203.0.113.8", https), rule("10.1.2.3", ssh), rule("198.51.100.200", ssh), rule("2001:db8::/64", https))
	tests := []struct {
		dst, name string
		service   learn.Service
		want      enforce.Verdict
	}{
		{"203.0.113.8", "", https, enforce.Allowed},
		{"203.0.113.9", "", https, enforce.Drift},         // the provider's own set
		{"198.51.100.201", "", ssh, enforce.Unexpected},   // a set anyone can rent in
		{"203.0.113.200", "", https, enforce.Unexpected},  // nobody's
		{"203.0.113.8", "", ssh, enforce.Unexpected},      // another port
		{"10.1.2.3", "", ssh, enforce.Allowed},            // private and named by a rule
		{"10.1.2.4", "", ssh, enforce.Forbidden},          // private and not
		{"169.254.169.254", "", https, enforce.Forbidden}, // metadata
		{"198.51.100.7", "", https, enforce.Allowed},      // behind a name
		{"198.51.100.7", "api.example.com", https, enforce.Allowed},
		{"198.51.100.9", "api.example.com", https, enforce.Allowed}, // within its set
		{"203.0.113.200", "api.example.com", https, enforce.Forbidden},
		{"198.51.100.7", "evil.example.org", https, enforce.Forbidden},
		{"192.0.2.77", "a.b.example.net", https, enforce.Allowed},
		{"192.0.2.77", "example.net", https, enforce.Forbidden}, // the wildcard is below it
		{"2001:db8::1", "", https, enforce.Allowed},
		{"2001:db8:0:1::1", "", https, enforce.Unexpected},
	}
	for _, tt := range tests {
		f := flow(tt.dst, tt.service, tt.name)
		if got := p.Check(f); got != tt.want {
			t.Errorf("%s %s %q: got %s (%s), want %s", tt.dst, tt.service, tt.name, got, p.Rule(f).Why, tt.want)
		}
		if e := p.Explain(f); e.Verdict != tt.want || e.Why == "" {
			t.Errorf("%s: Explain says %s %q, Check %s", tt.dst, e.Verdict, e.Why, tt.want)
		}
	}
}

// TestNeverIsNeverAdmitted holds rules as wide as they can be against the
// bounding set.
func TestNeverIsNeverAdmitted(t *testing.T) {
	p := compile(t, rule("0.0.0.0/0", https), rule("::/0", https), rule("169.254.169.254", https))
	for _, dst := range []string{"169.254.169.254", "127.0.0.1", "10.0.0.1", "192.168.1.1", "100.64.0.1", "224.0.0.1", "fe80::1", "fd00::1", "::1"} {
		if got := p.Check(flow(dst, https, "")); got != enforce.Forbidden {
			t.Errorf("%s: got %s, want forbidden", dst, got)
		}
	}
	if got := p.Check(flow("192.0.2.1", https, "")); got != enforce.Allowed {
		t.Errorf("192.0.2.1: got %s, want allowed", got)
	}
}

func TestUnknownRangesAreAnError(t *testing.T) {
	_, err := enforce.Compile([]*learn.Baseline{{Agent: "bot", Rules: []learn.Rule{rule("gcp/cloud/us-central1", https)}}}, ipranges.Space{}, learn.NewNever(nil, nil))
	if !errors.Is(err, learn.ErrNoRanges) || learn.HintOf(err) == "" {
		t.Errorf("got %v with hint %q, want ErrNoRanges with a hint", err, learn.HintOf(err))
	}
}

// TestCheckAgreesWithRules compares the compiled spans with asking each rule,
// on random rules of a small space.
func TestCheckAgreesWithRules(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for range 200 {
		var rules []learn.Rule
		for range r.IntN(12) {
			rules = append(rules, learn.Rule{To: learn.To{Prefix: randomPrefix(r)}, Ports: []learn.Service{https}})
		}
		p := compile(t, rules...)
		for range 100 {
			a := randomAddr(r)
			want := false
			for _, x := range rules {
				want = want || x.To.Prefix.Contains(a)
			}
			if got := p.Check(&learn.Flow{Agent: "bot", Proto: learn.TCP, DstPort: 443, Dst: a}) == enforce.Allowed; got != want {
				t.Fatalf("seed %d: %s in %v: got %v, want %v", seed, a, rules, got, want)
			}
		}
	}
}

func randomAddr(r *rand.Rand) netip.Addr {
	if r.IntN(2) == 0 {
		b := netip.MustParseAddr("2001:db8::").As16()
		b[15], b[7] = byte(r.IntN(256)), byte(r.IntN(2))
		return netip.AddrFrom16(b)
	}
	return netip.AddrFrom4([4]byte{198, 51, 100, byte(r.IntN(256))})
}

func randomPrefix(r *rand.Rand) netip.Prefix {
	a := randomAddr(r)
	p, err := a.Prefix(a.BitLen() - r.IntN(9))
	if err != nil {
		panic(err)
	}
	return p
}

func TestWatchTellsOnceAndCounts(t *testing.T) {
	w := enforce.NewWatch(compile(t, rule("203.0.113.8", https)), enforce.Report())
	for i := range 5 {
		v, event := w.Observe(flow("192.0.2.9", https, ""))
		if v != enforce.Unexpected || (event != nil) != (i == 0) {
			t.Errorf("flow %d: %v, event %+v", i, v, event)
		}
	}
	if v, event := w.Observe(flow("203.0.113.8", https, "")); v != enforce.Allowed || event != nil {
		t.Errorf("an allowed flow is %v and gave %+v", v, event)
	}
	if list := w.Alerts(); len(list) != 1 || list[0].Count != 5 {
		t.Errorf("got %+v, want one alert that counts 5", list)
	}
	if got := fmt.Sprint(w.Flows(enforce.Allowed), w.Flows(enforce.Unexpected)); got != "1 5" {
		t.Errorf("flows allowed and unexpected: got %s, want 1 5", got)
	}
}

// A scan fills neither the memory nor hides what is worse.
func TestWatchIsBounded(t *testing.T) {
	w := enforce.NewWatch(compile(t, rule("203.0.113.8", https)), enforce.Report())
	var told []*enforce.Alert
	for i := range enforce.MaxFindings + 500 {
		a := netip.AddrFrom4([4]byte{11, 0, byte(i >> 8), byte(i)})
		if _, event := w.Observe(flow(a.String(), https, "")); event != nil {
			told = append(told, event)
		}
	}
	last := told[len(told)-1]
	if n := len(told); n != enforce.MaxFindings+1 || last.Status != enforce.StatusMore || last.Admit != nil {
		t.Errorf("%d were told, the last is %+v", n, last)
	}
	var together uint64
	for _, a := range w.Alerts() {
		if a.Group {
			together += a.Count
		}
	}
	if n := len(w.Alerts()); n != enforce.MaxFindings+1 || together != 500 {
		t.Errorf("%d alerts, %d flows are told together, want 500", n, together)
	}
	if _, event := w.Observe(flow("11.0.0.1", https, "")); event != nil {
		t.Errorf("a known one is told again: %+v", event)
	}
	if _, event := w.Observe(flow("169.254.169.254", https, "")); event == nil || event.Status != enforce.StatusNew {
		t.Errorf("a forbidden one: %+v", event)
	}
	if got := w.Flows(enforce.Unexpected); got != enforce.MaxFindings+501 {
		t.Errorf("%d flows were unexpected, want all", got)
	}
}

// The words say what keeps the nearest rule from admitting.
func TestNearestSaysWhatIsMissing(t *testing.T) {
	never := learn.NewNever([]netip.Prefix{pfx("203.0.113.9/32")}, []string{"evil.example"})
	b := &learn.Baseline{Agent: "bot", Rules: []learn.Rule{rule("203.0.113.8", https)}}
	p, err := enforce.Compile([]*learn.Baseline{b}, ipranges.Space{Table: table}, never)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		f    *learn.Flow
		want string
	}{
		{flow("203.0.113.9", https, ""), "it admits others of anthropic/api, but not this address"},
		{flow("203.0.113.10", ssh, ""), "it admits others of anthropic/api, and not tcp/22"},
		{flow("203.0.113.8", ssh, ""), "it admits the address, but not tcp/22"},
		{flow("203.0.113.8", https, "evil.example"), "never to be admitted: the name is in the bounding set"},
	} {
		if got := p.Explain(tt.f).Nearest; got == nil || got.Why != tt.want {
			t.Errorf("%s %s: got %+v, want %q", tt.f.Dst, tt.f.Service(), got, tt.want)
		}
	}
}

// A published set may begin anywhere in the prefix of a rule.
func TestPrefixIsNearWhatItHolds(t *testing.T) {
	half := ipranges.NewTable([]ipranges.Range{
		{Prefix: pfx("203.0.113.128/26"), Label: ipranges.Label{Provider: "anthropic", Service: "api"}},
		{Prefix: pfx("192.0.2.0/24"), Label: ipranges.Label{Provider: "anthropic", Service: "api"}},
	})
	p, err := enforce.Compile([]*learn.Baseline{{Agent: "bot", Rules: []learn.Rule{rule("203.0.113.0/24", https)}}}, ipranges.Space{Table: half}, learn.NewNever(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Check(flow("192.0.2.9", https, "")); got != enforce.Drift {
		t.Errorf("a set in the middle of the prefix: got %s, want drift", got)
	}
}

func TestAdmitLineAdmits(t *testing.T) {
	p := compile(t, rule("203.0.113.8", https))
	a := p.Explain(flow("203.0.113.9", https, ""))
	if a.Admit == nil || a.Admit.Command != "tripline allow bot 203.0.113.9:443" || a.Admit.V4 != 1 {
		t.Errorf("got %+v", a.Admit)
	}
	if a.Wider == nil || a.Wider.Command != "tripline allow bot anthropic/api:443" || a.Wider.V4 != 128 {
		t.Errorf("got %+v", a.Wider)
	}
	if a := p.Explain(flow("169.254.169.254", https, "")); a.Admit != nil {
		t.Errorf("the metadata address: got %+v, want no line", a.Admit)
	}
}

// TestHostileNameStaysOneWord pastes what a hostile peer chose into a command.
func TestHostileNameStaysOneWord(t *testing.T) {
	p := compile(t, rule("203.0.113.8", https))
	a := p.Explain(flow("192.0.2.9", https, "a;rm -rf ~'\n\x1b[2J"))
	want := "tripline allow bot 192.0.2.9:443" // it is no host name
	if a.Admit == nil || a.Admit.Command != want {
		t.Errorf("got %q, want %q", a.Admit.Command, want)
	}
}

// BenchmarkCheck is the cost of one allowed and one unexpected flow over a
// baseline of 300 rules with a large published set.
func BenchmarkCheck(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	var rules []learn.Rule
	for range 300 {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], 0x0b000000+r.Uint32N(0x40000000))
		p, err := netip.AddrFrom4(a).Prefix(16 + r.IntN(17))
		if err != nil {
			b.Fatal(err)
		}
		rules = append(rules, learn.Rule{To: learn.To{Prefix: p}, Ports: []learn.Service{https}})
	}
	p := compile(b, rules...)
	inside := flow(rules[0].To.Prefix.Addr().String(), https, "")
	b.ReportAllocs()
	for b.Loop() {
		if p.Check(inside) != enforce.Allowed {
			b.Fatal("not allowed")
		}
	}
}

// TestEachAgentHasItsOwnBoundingSet forbids one of two agents what both approved.
func TestEachAgentHasItsOwnBoundingSet(t *testing.T) {
	rules := []learn.Rule{rule("203.0.113.0/24", https)}
	p, err := enforce.CompileEach([]*learn.Baseline{{Agent: "bot", Rules: rules}, {Agent: "web", Rules: rules}}, ipranges.Space{Table: ipranges.NewTable(nil)}, func(agent string) learn.Never {
		if agent == "bot" {
			return learn.NewNever([]netip.Prefix{pfx("203.0.113.9/32")}, nil)
		}
		return learn.NewNever(nil, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	for agent, want := range map[string]enforce.Verdict{"bot": enforce.Forbidden, "web": enforce.Allowed, "none": enforce.Unexpected} {
		f := flow("203.0.113.9", https, "")
		f.Agent = agent
		if got := p.Check(f); got != want {
			t.Errorf("%s: got %v, want %v", agent, got, want)
		}
		if a := p.Explain(f); (a.Admit == nil) != (want != enforce.Unexpected) {
			t.Errorf("%s: got the line %v for a flow that is %v", agent, a.Admit, want)
		}
	}
}
