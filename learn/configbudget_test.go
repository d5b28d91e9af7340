package learn_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tripline/ipranges"
	"tripline/learn"
)

func TestConfigOfBudgets(t *testing.T) {
	text := `budgets:
  false_alarms: 5%
  margin: 50%
  floor: 1 MB
  off: [beacon]
  caps:
    - {agent: bot, per_day: 2 GB}
    - {to: "*.example.com", per_day: 0}
    - {agent: bot, to: aws/S3/us-east-1, per_day: 1.5GiB}
`
	c, err := learn.DecodeConfig("tripline.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := &learn.Budgeting{Alpha: 0.05, Margin: 0.5, Floor: 1_000_000, Off: []string{"beacon"}, Caps: []learn.Cap{
		{Agent: "bot", PerDay: 2_000_000_000},
		{To: learn.To{Name: "*.example.com"}},
		{Agent: "bot", To: learn.To{Label: ipranges.Label{Provider: "aws", Service: "S3", Region: "us-east-1"}}, PerDay: 1_610_612_736},
	}}
	if d := cmp.Diff(want, c.Budgets, cmpopts.EquateComparable(learn.To{}.Prefix)); d != "" {
		t.Error(d)
	}
	def := learn.DefaultBudgeting()
	for text, want := range map[string]*learn.Budgeting{"": nil, "never: []\n": nil, "budgets:\n": &def, "budgets: {}\n": &def} {
		c, err := learn.DecodeConfig("tripline.yaml", []byte(text))
		if d := cmp.Diff(want, c.Budgets); err != nil || d != "" {
			t.Errorf("%q: %v %s", text, err, d)
		}
	}
}

func TestConfigOfBudgetsIsStrict(t *testing.T) {
	for text, want := range map[string]string{
		"budgets:\n  false_alarms: 0":                    "line 2: \"0\": want a share of hours",
		"budgets:\n  false_alarms: nan":                  "line 2",
		"budgets:\n  margin: -1":                         "line 2: \"-1\": want how much more",
		"budgets:\n  floor: many":                        "line 2: \"many\": want a number of bytes",
		"budgets:\n  off: [beacons]":                     "\"beacons\": want one of volume_budget",
		"budgets:\n  caps:\n    - {agent: bot}":          "line 3: want per_day",
		"budgets:\n  caps:\n    - {per_day: -1}":         "want a number of bytes",
		"budgets:\n  cap: []":                            "unknown key \"cap\"",
		"budgets:\n  caps:\n    - {to: '*', per_day: 1}": "line 3",
	} {
		_, err := learn.DecodeConfig("tripline.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]uint64{
		"0": 0, "65536": 65536, "64kB": 64000, "64 KB": 64000, "1.5 MB": 1_500_000, "2GiB": 2 << 30, "10 mib": 10 << 20, "7 B": 7, "1TB": 1e12,
	} {
		if got, err := learn.ParseSize(text); err != nil || got != want {
			t.Errorf("%q: got %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "kB", "-1", "1e99", "inf", "NaN", "1 XB", "1,5 MB"} {
		if got, err := learn.ParseSize(text); err == nil {
			t.Errorf("%q: got %d, want an error", text, got)
		}
	}
	for n, want := range map[uint64]string{0: "0 B", 999: "999 B", 1000: "1 kB", 1234: "1.23 kB", 999_999: "1 MB", 64_000: "64 kB", 123_456_789: "123 MB", 5e12: "5 TB"} {
		if got := learn.Size(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}
