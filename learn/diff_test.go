package learn_test

import (
	"net/netip"
	"testing"
	"time"

	"tripline/ipranges"
	"tripline/learn"
)

func ruleTo(to string, from string, ports ...learn.Service) learn.Rule {
	t, err := learn.ParseTo(to)
	if err != nil {
		panic(err)
	}
	return learn.Rule{To: t, Ports: ports, From: from}
}

func TestDiffMarks(t *testing.T) {
	old := &learn.Baseline{Agent: "bot", Rules: []learn.Rule{
		ruleTo("203.0.113.1", learn.Learned, https), ruleTo("203.0.113.2", learn.Learned, https), ruleTo("203.0.113.3", learn.Learned, https),
	}}
	seen := ruleTo("203.0.113.1", learn.Learned, https)
	seen.Seen.Blocks = 9 // seen again is no change
	is := &learn.Baseline{Agent: "bot", Rules: []learn.Rule{
		seen, ruleTo("203.0.113.2", learn.Learned, https, learn.Service{Proto: learn.UDP, Port: 443}), ruleTo("203.0.113.4", learn.Learned, https),
	}}
	var got string
	for _, c := range learn.Diff(old, is) {
		got += string(c.Mark) + c.Rule().To.String() + " "
	}
	if want := " 203.0.113.1 ~203.0.113.2 +203.0.113.4 -203.0.113.3 "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := len(learn.Diff(nil, is)); n != 3 {
		t.Errorf("against nothing: %d rows, want 3", n)
	}
}

func seenAt(addr string, s learn.Service, blocked bool) learn.Destination {
	d := learn.Destination{Agent: "bot", Target: learn.Target{Service: s, Addr: netip.MustParseAddr(addr)}}
	f := learn.Flow{Time: time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC), Proto: s.Proto, DstPort: s.Port, Dst: d.Addr}
	if blocked {
		f.Action = learn.Refused
	}
	d.Add(&f, "r")
	return d
}

func TestProposalLeavesOut(t *testing.T) {
	ds := []learn.Destination{
		seenAt("203.0.113.1", https, false), seenAt("203.0.113.9", https, true),
		seenAt("169.254.169.254", learn.Service{Proto: learn.TCP, Port: 80}, false),
		seenAt("10.0.0.7", https, false),
	}
	p, left := learn.Propose("bot", nil, ds, learn.NewNever(nil, nil), learn.FoldOptions{})
	if len(left.Forbidden) != 1 || left.Forbidden[0].Addr != netip.MustParseAddr("169.254.169.254") {
		t.Errorf("forbidden: got %v, want the metadata address", left.Forbidden)
	}
	if len(left.Refused) != 1 || left.Refused[0].Addr != netip.MustParseAddr("203.0.113.9") {
		t.Errorf("refused: got %v", left.Refused)
	}
	if got := learn.Exposure(p.Rules, ipranges.Space{}, learn.NewNever(nil, nil)); got != (ipranges.Exposure{V4: 2}) {
		t.Errorf("opens %s, want 2: %v", got, p.Rules)
	}
}

func TestProposalKeepsWhatAPersonWrote(t *testing.T) {
	approved := &learn.Baseline{Agent: "bot", Digest: "d1", Rules: []learn.Rule{
		ruleTo("198.51.100.0/24", learn.Edited, https), ruleTo("203.0.113.1", learn.Allowed, learn.Service{Proto: learn.TCP, Port: 22}),
		ruleTo("203.0.113.200", learn.Learned, https),
	}}
	p, _ := learn.Propose("bot", approved, []learn.Destination{seenAt("203.0.113.1", https, false)}, learn.NewNever(nil, nil), learn.FoldOptions{})
	var got string
	for _, r := range p.Rules {
		got += r.To.String() + " "
		for _, s := range r.Ports {
			got += s.String() + " "
		}
	}
	if want := "198.51.100.0/24 tcp/443 203.0.113.1 tcp/22 tcp/443 "; got != want || p.Parent != "d1" {
		t.Errorf("got %q with parent %s, want %q", got, p.Parent, want)
	}
}
