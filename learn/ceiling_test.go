package learn_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"tripline/ipranges"
	"tripline/learn"
)

func TestCountsOfAddresses(t *testing.T) {
	for text, want := range map[string]uint64{"1": 1, "65536": 65536, "400k": 400_000, "1.5M": 1_500_000, "2G": 2_000_000_000} {
		if got, err := learn.ParseCount(text); got != want || err != nil {
			t.Errorf("%s: got %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "k", "0", "-1", "1.5", "NaN", "Inf", "1e99", "1kk", "0x10k "} {
		if got, err := learn.ParseCount(text); err == nil {
			t.Errorf("%q was read as %d", text, got)
		}
	}
}

// What is held back is told, and with leave is proposed.
func TestDecideTellsWhatTheCeilingHeldBack(t *testing.T) {
	ds := rotating(rand.New(rand.NewPCG(3, 3)), 25)
	o := learn.FoldOptions{Space: storage(), Ceiling: ipranges.Exposure{V4: 1 << 12}}
	s, err := learn.Decide("bot", nil, ds, nil, learn.NewNever(nil, nil), o, learn.Limits{})
	if err != nil || len(s.Held) != 1 || s.Held[0].Label.String() != "aws/S3/us-east-1" || s.Held[0].Alarms <= 0 {
		t.Fatalf("held back %+v, %v, want aws/S3/us-east-1 with what it saves", s.Held, err)
	}
	o.AllowWide = []ipranges.Label{s.Held[0].Label}
	s, err = learn.Decide("bot", nil, ds, nil, learn.NewNever(nil, nil), o, learn.Limits{})
	if err != nil || len(s.Held) != 0 {
		t.Errorf("with leave: held back %+v, %v", s.Held, err)
	}
	want(t, s.Proposal.Rules, "aws/S3/us-east-1 [tcp/443]")
}

func TestChoicesOpenWhatOneOfTheirRulesDoes(t *testing.T) {
	for text, want := range map[string]uint64{
		"hosts": 0, "/24": 256, "/7": 1 << 25, "/48": 0, "192.0.2.0/25": 128, "192.0.2.1": 0, "*.example.com": 0,
		"aws/S3/us-east-1": 1 << 17, "nobody": 0,
	} {
		c, err := learn.ParseChoice(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Opens(storage(), learn.NewNever(nil, nil)); got.V4 < want || want == 0 && got.V4 > 0 {
			t.Errorf("%s opens %v, want %d", text, got, want)
		}
	}
}

func TestConfigOfTheCeiling(t *testing.T) {
	c, err := learn.DecodeConfig("tripline.yaml", []byte("ceiling: 1.5M\nallow_wide: [aws/EC2, google]\n"))
	if err != nil || c.Ceiling != 1_500_000 || len(learn.Wide(c.AllowWide)) != 2 {
		t.Errorf("got %d, %v, %v", c.Ceiling, c.AllowWide, err)
	}
	for text, want := range map[string]string{
		"ceiling: lots\n":                    `line 1: "lots": want a number of addresses`,
		"allow_wide:\n  - aws\n  - /24\n":    `line 3: "/24": want a published set`,
		"allow_wide: [files.example.com]\n":  "want a published set",
		"ceiling: 16777216\nallow_wide: 3\n": "line 2",
	} {
		if _, err := learn.DecodeConfig("tripline.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
