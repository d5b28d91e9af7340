package enforce_test

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"tripline/enforce"
	"tripline/ipranges"
	"tripline/learn"
)

// called returns a rule for a name at the address that all flows here go to.
func called(name string, ports ...learn.Service) learn.Rule {
	return learn.Rule{To: learn.To{Name: name}, Ports: ports, Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.9")}}
}

func TestWildcardsStayWithOneOwner(t *testing.T) {
	p := compile(t, called("*.example.com", https), called("*.github.io", https), called("*.amazonaws.com", https), called("*", https), called("*.com", https))
	for name, want := range map[string]enforce.Verdict{
		"a.example.com":                 enforce.Allowed,
		"A.B.Example.COM.":              enforce.Allowed,
		"example.com":                   enforce.Forbidden, // not below itself
		"notexample.com":                enforce.Forbidden,
		"console.aws.amazonaws.com":     enforce.Allowed,
		"bucket.s3.amazonaws.com":       enforce.Forbidden,
		"a.bucket.s3.amazonaws.com":     enforce.Forbidden,
		"someone.github.io":             enforce.Forbidden,
		"example.org":                   enforce.Forbidden,
		"":                              enforce.Allowed, // the address decides
		"192.0.2.9":                     enforce.Allowed,
		"a\n.example.com":               enforce.Allowed,
		strings.Repeat("a.", 127) + "a": enforce.Allowed,
	} {
		if got := p.Rule(flow("192.0.2.9", https, name)); got.Verdict != want {
			t.Errorf("%q: %s (%s), want %s", name, got.Verdict, got.Why, want)
		}
	}
}

// What enforcement admits by name is what the rules say, for any name.
func TestPolicyAdmitsWhatWildcardsSay(t *testing.T) {
	labels := []string{"a", "b", "s3", "amazonaws", "com", "co", "uk", "github", "io", "example", "sharepoint", "xn--p1ai", "lan", "storage", "googleapis"}
	r := rand.New(rand.NewPCG(1, 2))
	word := func(n int) string {
		out := make([]string, n)
		for i := range out {
			out[i] = labels[r.IntN(len(labels))]
		}
		return strings.Join(out, ".")
	}
	admitted := 0
	for range 2000 {
		var rules []learn.Rule
		for range 4 {
			rules = append(rules, called([]string{"", "*."}[r.IntN(2)]+word(1+r.IntN(3)), https))
		}
		p := compile(t, rules...)
		name := word(1 + r.IntN(5))
		want := false
		for i := range rules {
			want = want || learn.AdmitsName(rules[i].To.Name, name)
		}
		if got := p.Check(flow("192.0.2.9", https, name)) == enforce.Allowed; got != want {
			t.Fatalf("%q under %v: allowed %t, want %t", name, rules, got, want)
		}
		if want {
			admitted++
		}
	}
	if admitted < 20 {
		t.Errorf("only %d names were admitted: too few to tell", admitted)
	}
}

func TestForbiddenNameWinsOverWildcard(t *testing.T) {
	never := learn.NewNever([]netip.Prefix{pfx("203.0.113.9/32")}, []string{"paste.example.net"})
	b := &learn.Baseline{Agent: "bot", Rules: []learn.Rule{called("*.example.net", https)}}
	p, err := enforce.Compile([]*learn.Baseline{b}, ipranges.Space{Table: table}, never)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]enforce.Verdict{
		"api.example.net": enforce.Allowed, "paste.example.net": enforce.Forbidden, "PASTE.Example.net.": enforce.Forbidden,
	} {
		if got := p.Check(flow("192.0.2.9", https, name)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if a := p.Explain(flow("192.0.2.9", https, name)); want == enforce.Forbidden && a.Admit != nil {
			t.Errorf("%s: %q would not admit it", name, a.Admit.Command)
		}
	}
}

// An approved name that points elsewhere opens neither the bounding set nor the
// agent's own network, whoever answered.
func TestResolvedNameOpensNothingForbidden(t *testing.T) {
	r := called("*.example.net", https)
	r.To.Within = []ipranges.Label{{Provider: "anthropic", Service: "api"}}
	b := &learn.Baseline{Agent: "bot", Rules: []learn.Rule{r}}
	p, err := enforce.Compile([]*learn.Baseline{b}, ipranges.Space{Table: table}, learn.NewNever([]netip.Prefix{pfx("203.0.113.9/32")}, nil))
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]enforce.Verdict{
		"203.0.113.8": enforce.Allowed, "203.0.113.9": enforce.Forbidden, "169.254.169.254": enforce.Forbidden, "192.168.1.1": enforce.Forbidden,
	} {
		f := flow(addr, https, "api.example.net")
		f.Resolved = true
		if got := p.Rule(f); got.Verdict != want {
			t.Errorf("%s: %s (%s), want %s", addr, got.Verdict, got.Why, want)
		}
	}
}

func TestNearestByName(t *testing.T) {
	p := compile(t, called("*.edge.example.com", https), called("api.example.com", https), called("example.org", https))
	for _, tt := range []struct{ name, rule, why string }{
		{"x.edge.example.com", "*.edge.example.com tcp/443", "it admits the name, but not tcp/22"},
		{"edge.example.com", "*.edge.example.com tcp/443", "it admits names of example.com below edge.example.com, and this one is not"},
		{"v2.api.example.com", "api.example.com tcp/443", "it admits another name of example.com"},
	} {
		got := p.Explain(flow("198.51.100.9", ssh, tt.name)).Nearest
		if got == nil || got.Rule != tt.rule || got.Why != tt.why {
			t.Errorf("%s: got %+v, want %s: %s", tt.name, got, tt.rule, tt.why)
		}
	}
}

// What was only asked for and is no name of a host has an address that stands for it:
// no rule of addresses speaks of that, and no line admits it.
func TestNoHostNameThatNobodyLookedUpIsUnexpected(t *testing.T) {
	p := compile(t, called("*.example.com", https))
	for _, name := range []string{"a b.example.com", "a\n.example.com"} {
		f := flow(learn.StandIn(name).String(), https, name)
		if a := p.Explain(f); a.Verdict != enforce.Unexpected || a.Admit != nil {
			t.Errorf("%q: got %s (%s), admitted by %+v, want unexpected and nothing", name, a.Verdict, a.Why, a.Admit)
		}
	}
}
