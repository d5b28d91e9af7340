package main

import (
	"net/netip"
	"testing"

	"tripline/ipranges"
	"tripline/learn"
)

// Who changes the addresses behind a name, or where they may be, changes what
// the rule admits.
func TestEditedNamesAreMarked(t *testing.T) {
	learned := func() *reviewed {
		r := learn.Rule{
			To: learn.To{Name: "api.example.com", Within: []ipranges.Label{{Provider: "aws"}}}, From: learn.Learned,
			Ports: []learn.Service{{Proto: learn.TCP, Port: 443}}, Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.7")},
		}
		b := &learn.Baseline{Agent: "bot", Rules: []learn.Rule{r}}
		return &reviewed{drafts: []*draft{{agent: "bot", proposed: b}}}
	}
	for name, tt := range map[string]struct {
		change func(*learn.Rule)
		want   string
	}{
		"nothing":   {func(*learn.Rule) {}, learn.Learned},
		"addresses": {func(r *learn.Rule) { r.Addrs = []netip.Addr{netip.MustParseAddr("192.0.2.8")} }, learn.Edited},
		"within":    {func(r *learn.Rule) { r.To.Within = nil }, learn.Edited},
		"ports":     {func(r *learn.Rule) { r.Ports[0].Port = 22 }, learn.Edited},
	} {
		r := learned()
		rule := &r.drafts[0].proposed.Rules[0]
		tt.change(rule)
		if r.mark(learned()); rule.From != tt.want {
			t.Errorf("%s: got %s, want %s", name, rule.From, tt.want)
		}
	}
}
