package main

import (
	"net/netip"
	"testing"

	"tripline/ipranges"
	"tripline/learn"
)

// A name that moves is no alarm in a back-test of what a sandbox saw, as it is none for
// the sandbox: it alone answers its command. A bare address is.
func TestBacktestOfSandboxKnowsWhoAnswered(t *testing.T) {
	https := learn.Service{Proto: learn.TCP, Port: 443}
	b := &learn.Baseline{Agent: "bot", Rules: []learn.Rule{{
		To: learn.To{Name: "api.example.com"}, Ports: []learn.Service{https}, Addrs: []netip.Addr{netip.MustParseAddr("203.0.113.5")}, From: learn.Learned,
	}}}
	for _, c := range []struct {
		boxed bool
		name  string
		want  bool
	}{{true, "api.example.com", true}, {false, "api.example.com", false}, {true, "", false}, {true, "other.example.com", false}} {
		judge, err := (&trial{of: b}).judge(ipranges.Space{Table: ipranges.NewTable(nil)}, learn.NewNever(nil, nil), c.boxed)
		if err != nil {
			t.Fatal(err)
		}
		f := learn.Flow{Agent: "bot", Proto: learn.TCP, Dst: netip.MustParseAddr("198.51.100.7"), DstPort: 443, Name: c.name, Evidence: learn.SNI}
		if got := judge(&f); got != c.want || f.Resolved {
			t.Errorf("%+v: got %v, and the flow is %+v", c, got, f)
		}
	}
}
