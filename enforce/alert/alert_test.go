package alert_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tripline/enforce"
	"tripline/enforce/alert"
	"tripline/learn"
)

func hostile() *enforce.Alert {
	return &enforce.Alert{
		Time: time.Date(2026, 11, 9, 10, 41, 17, 0, time.UTC), Agent: "bot", Verdict: enforce.Forbidden, Status: "new",
		Why: "why\n", Proto: "tcp", Dst: "203.0.113.77", Port: 443, Name: "a\x1b]0;x\a\nforbidden  bot  192.0.2.1", Evidence: "sni",
		Action: "pass", Interface: "igb1\r", Owner: enforce.Owner{Labels: []string{"aws/EC2"}, Shared: true, ASN: 64500, Org: "Ex\x9bample \u202e\x00"},
		Nearest: &enforce.Nearest{Rule: "203.0.113.7 tcp/443", Why: "close\n"},
		Admit:   &enforce.Admit{Command: "tripline allow bot 'x\n':443", V4: 1}, Count: 4,
	}
}

// TestOneRecordEach holds every kind to its promise: hostile text ends no line
// and writes nothing to a terminal.
func TestOneRecordEach(t *testing.T) {
	for _, k := range alert.Formats {
		var b, plain strings.Builder
		calm := hostile()
		calm.Name, calm.Interface, calm.Owner.Org, calm.Why, calm.Nearest.Why, calm.Admit.Command = "a", "igb1", "x", "why", "close", "y"
		if err := errors.Join(k.Write(&b, hostile()), k.Write(&plain, calm)); err != nil {
			t.Fatal(err)
		}
		if got, want := strings.Count(b.String(), "\n"), strings.Count(plain.String(), "\n"); got != want {
			t.Errorf("%s: %d lines, want %d:\n%s", k.Name, got, want, b.String())
		}
		if i := strings.IndexFunc(b.String(), func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f }); i >= 0 {
			t.Errorf("%s: a control character at %d of %q", k.Name, i, b.String())
		}
	}
}

// Text that a terminal obeys without a control character of ASCII.
func TestNothingIsMisleading(t *testing.T) {
	for _, k := range alert.Formats {
		var b strings.Builder
		a := hostile()
		a.Name, a.Owner.Org = "c1 \u009b31m \u202e \x7f", "bad \xff byte"
		if err := k.Write(&b, a); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if line = strings.TrimSuffix(line, "\n"); line != learn.Printable(line) {
				t.Errorf("%s: %q", k.Name, line)
			}
		}
	}
}

func TestJSONReadsBack(t *testing.T) {
	var b strings.Builder
	if err := format(t, "json").Write(&b, hostile()); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"verdict": "forbidden", "agent": "bot", "dst": "203.0.113.77", "dport": 443.0, "count": 4.0, "name": hostile().Name} {
		if got[key] != want {
			t.Errorf("%s: got %v, want %v", key, got[key], want)
		}
	}
}

func TestText(t *testing.T) {
	a := hostile()
	a.Name, a.Interface, a.Owner.Org, a.Why, a.Nearest.Why = "", "igb1", "Example", "no rule explains it", "another address"
	a.Admit.Command = "tripline allow bot 203.0.113.77:443"
	var b strings.Builder
	if err := format(t, "text").Write(&b, a); err != nil {
		t.Fatal(err)
	}
	want := `forbidden   bot  203.0.113.77:443  aws/EC2, AS64500 Example, shared
    2026-11-09 10:41:17 pass on igb1, 4 times; no rule explains it
    nearest rule: 203.0.113.7 tcp/443 (another address)
    to admit exactly this: tripline allow bot 203.0.113.77:443 (opens 1)
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestTextSaysWhatGoesAroundNames(t *testing.T) {
	for _, tt := range []struct{ iface, rule, want string }{
		{"sandbox:bot", learn.NoName, "\n    to a bare address: no name was asked for\n"},
		{"sandbox:bot", learn.OtherResolver, "\n    asks a DNS resolver of its own choice\n"},
		{"sandbox:bot", learn.HiddenDNS, "\n    encrypted DNS: what it asks for cannot be seen\n"},
		{"igb1", learn.NoName, ""},                   // a firewall may call a rule anything
		{"sandbox:bot", "\x1b[31mall is well\n", ""}, // and a label is never shown as it is
	} {
		a := hostile()
		a.Interface, a.Tracker = tt.iface, tt.rule
		var b strings.Builder
		if err := format(t, "text").Write(&b, a); err != nil {
			t.Fatal(err)
		}
		if got := b.String(); !strings.Contains(got, tt.want) || tt.want == "" && (strings.Contains(got, "bare address") || strings.Contains(got, "all is well")) {
			t.Errorf("%s, %q: got\n%s", tt.iface, tt.rule, got)
		}
	}
}

func TestFormatsAreSorted(t *testing.T) {
	if !slices.IsSortedFunc(alert.Formats, func(a, b alert.Format) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("alert.Formats is not sorted by name")
	}
}

func format(t *testing.T, name string) alert.Format {
	t.Helper()
	f, err := alert.FindFormat(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
