package learn_test

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tripline/ipranges"
	"tripline/learn"
)

var https = learn.Service{Proto: learn.TCP, Port: 443}

func sample() *learn.Baseline {
	day := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	return &learn.Baseline{
		Agent: "bot", Parent: strings.Repeat("ab", 32),
		Approved: &learn.Approval{By: "admin", At: day.Add(8 * time.Hour), Reason: "first: \"week\"\n# not a comment", Shown: "3f9a2c"},
		Ranges:   map[string]string{"aws": "sha256:00"},
		Rules: []learn.Rule{
			{
				To: learn.To{Name: "*.example.com", Within: []ipranges.Label{{Provider: "aws", Service: "EC2"}}}, Ports: []learn.Service{https},
				Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("2001:db8::7")}, From: learn.Learned,
				Seen: learn.Seen{Destinations: 2, Blocks: 3, Runs: 1, First: day, Last: day}, Admits: ipranges.Exposure{V4: 1, V6: 1},
			},
			{To: learn.To{Label: ipranges.Label{Provider: "aws", Service: "S3", Region: "us-east-1"}}, Ports: []learn.Service{https}, From: learn.Learned},
			{To: learn.To{ASN: 64500}, Ports: []learn.Service{{Proto: learn.ICMP}, https, {Proto: learn.UDP, Port: 53}}, From: learn.Edited},
			{To: learn.To{Prefix: netip.MustParsePrefix("203.0.113.7/32")}, Ports: []learn.Service{{Proto: 99}}, From: learn.Allowed},
		},
	}
}

func TestBaselineReadsBack(t *testing.T) {
	want := sample()
	text, err := learn.Encode([]*learn.Baseline{want, {Agent: "other"}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := learn.Decode("test", text)
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	opts := cmp.Options{cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmpopts.EquateEmpty()}
	if diff := cmp.Diff([]*learn.Baseline{want, {Agent: "other"}}, got, opts); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	again, err := learn.Encode(got)
	if err != nil || !bytes.Equal(text, again) {
		t.Errorf("not a fixed point: %v\n%s\n%s", err, text, again)
	}
}

// TestBytesThatAreNoTextAreReplaced holds a reason from a command line, which may
// be anything.
func TestBytesThatAreNoTextAreReplaced(t *testing.T) {
	b := sample()
	b.Approved.Reason = "\xff\x00\n  x\x1b"
	text, err := learn.Encode([]*learn.Baseline{b})
	if err != nil {
		t.Fatal(err)
	}
	got, err := learn.Decode("test", text)
	if err != nil || got[0].Approved.Reason != "\uFFFD\x00\n  x\x1b" {
		t.Errorf("got %+v, %v", got, err)
	}
}

const head = "tripline: baseline/1\nagent: bot\nrules:\n"

// TestBadBaselines are mistakes a person makes in an editor; each is told with
// its line.
func TestBadBaselines(t *testing.T) {
	for text, want := range map[string]string{
		head + "- to: {prefix: 203.0.113.8}\n  ports: [tcp/443]\n- to: {prefix: 203.0.113.8/32}\n  ports: [udp/53]\n":     "line 6: a second rule for 203.0.113.8; write its ports in one rule",
		head + "- to: {name: a.example}\n  ports: [tcp/443]\n- to: {name: A.example, within: [aws]}\n  ports: [udp/53]\n": "line 6: a second rule for a.example",
		"": "holds no baseline",
		"tripline: baseline/9\nagent: bot\nrules: []\n":                                   `line 1: this is "baseline/9", want baseline/1`,
		"tripline: baseline/1\nagent: b t\nrules: []\n":                                   "line 2: invalid agent name",
		head + "  - to: {prefix: 203.0.113.7}\n    ports: [tcp/443]\n    why: x\n":        `line 6: unknown key "why"`,
		head + "  - to: {prefix: 203.0.113.7/24}\n    ports: [tcp/443]\n":                 "line 4: invalid prefix",
		head + "  - to: {prefix: 203.0.113.7, name: a.test}\n    ports: [tcp/443]\n":      "line 4: want exactly one of",
		head + "  - to: {label: aws//x}\n    ports: [tcp/443]\n":                          "line 4: label",
		head + "  - to: {prefix: 203.0.113.7}\n":                                          "line 4: the rule for 203.0.113.7 has no ports",
		head + "  - to: {prefix: 203.0.113.7}\n    ports: [443]\n":                        `line 5: unknown protocol "443"`,
		head + "  - to: {prefix: 203.0.113.7}\n    ports: [tcp/99999]\n":                  "line 5: invalid port",
		head + "  - to: {prefix: 203.0.113.7}\n    ports: [tcp/1]\n    from: elsewhere\n": "line 6: unknown origin",
		head + "  - to: {name: \"*\"}\n    ports: [tcp/1]\n":                              `line 4: the name "*" is too wide: anyone can have a name there`,
		head + "  - to: {name: \"*.com\"}\n    ports: [tcp/1]\n":                          `line 4: the name "*.com" is too wide`,
		head + "  - to: {name: \"*.co.uk\"}\n    ports: [tcp/1]\n":                        `line 4: the name "*.co.uk" is too wide: co.uk is shared by many owners`,
		head + "  - to: {name: \"*.s3.amazonaws.com\"}\n    ports: [tcp/1]\n":             `line 4: the name "*.s3.amazonaws.com" is too wide`,
		head + "  - to: {name: \"a.*.example.com\"}\n    ports: [tcp/1]\n":                `line 4: invalid name "a.*.example.com"`,
		head + "  - to: {name: " + strings.Repeat("a.", 127) + "a}\n    ports: [tcp/1]\n": `is 255 bytes long, a host name has at most 253`,
		head + "  - to: [1]\n":                     "line 4: ",
		head + "\t- x\n":                           "line 4: ",
		head + "    []\n---\n" + head + "    []\n": "appears twice",
	} {
		_, err := learn.Decode("edited.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "edited.yaml") {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
	}
}

// FuzzBaseline holds what is read to what is written: it is a fixed point.
func FuzzBaseline(f *testing.F) {
	text, err := learn.Encode([]*learn.Baseline{sample()})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(head + "  - {to: {asn: 1}, ports: [icmp]}\n"))
	f.Add([]byte("a: &x [*x]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := learn.Decode("fuzz", text)
		if err != nil {
			return
		}
		first, err := learn.Encode(list)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := learn.Decode("fuzz", first)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, first)
		}
		second, err := learn.Encode(again)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("not a fixed point: %v\n%s\n%s", err, first, second)
		}
	})
}

func TestConfig(t *testing.T) {
	c, err := learn.DecodeConfig("tripline.yaml", []byte("agents:\n  bot: [192.0.2.50, if:igb1]\nsource:\n  tz: Europe/Berlin\n  local: [192.0.2.0/24]\n  firewall: [192.0.2.1]\nnever: [203.0.113.0/24, paste.example.net]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Agents) != 1 || c.Agents[0].String() != "bot=192.0.2.50,if:igb1" || c.Zone != "Europe/Berlin" {
		t.Errorf("got %+v", c)
	}
	if _, ok := c.Never.Forbids(netip.MustParseAddr("203.0.113.9")); !ok || !c.Never.ForbidsName("paste.example.net") {
		t.Error("the never list is not in force")
	}
	for text, want := range map[string]string{
		"agent: {}\n":                        `line 1: unknown key "agent"`,
		"agents:\n  bot: [192.0.2.300]\n":    "line 2: agent bot: invalid selector",
		"source:\n  local:\n    - x y\n":     "line 3: invalid prefix",
		"never:\n  - 10.0.0.1/8\n":           "line 2: 10.0.0.1/8 has host bits set",
		"never: [aws/S3]\n":                  "want an address, a prefix or a name",
		"source: {firewall: [192.0.2.0/24]}": "invalid address",
	} {
		if _, err := learn.DecodeConfig("tripline.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
	if _, err := learn.DecodeConfig("tripline.yaml", nil); err != nil {
		t.Errorf("an empty file: %v", err)
	}
}

// The list of public suffixes grows: what was approved before stays readable.
func TestApprovedNamesStayReadable(t *testing.T) {
	approved := "approved: {by: me, at: 2026-06-01T00:00:00Z, reason: it was allowed then, shown: abc}\n"
	text := strings.Replace(head, "rules:", approved+"rules:", 1) + "  - to: {name: \"*.github.io\"}\n    ports: [tcp/1]\n"
	if _, err := learn.Decode("baseline", []byte(text)); err != nil {
		t.Error(err)
	}
}
