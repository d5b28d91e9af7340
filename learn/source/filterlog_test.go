package source_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tripline/learn/source"
)

var update = flag.Bool("update", false, "write the golden files anew")

const fixtures = "../../testdata/source/filterlog/"

// written is when the fixtures were last changed, as far as they know.
var written = time.Date(2026, time.March, 28, 13, 0, 0, 0, time.UTC)

// home is a network on documentation addresses.
var home = source.Options{
	Local:    []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8:1::/48")},
	Firewall: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.2")},
}

func parser(t testing.TB, o source.Options) source.Parser {
	t.Helper()
	s, err := source.Find("filterlog")
	if err != nil {
		t.Fatal(err)
	}
	return s.Lines(o)
}

func TestGolden(t *testing.T) {
	for _, name := range []string{"ok", "bad"} {
		log, err := os.ReadFile(fixtures + name + ".log")
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		p := parser(t, home)
		for i, line := range bytes.Split(bytes.TrimSuffix(log, []byte("\n")), []byte("\n")) {
			got.Write(render(t, p, i+1, line))
		}
		golden(t, fixtures+name+".jsonl", got.Bytes())
	}
}

// render is one line of a golden file: what was understood of one of the log.
func render(t *testing.T, p source.Parser, number int, line []byte) []byte {
	t.Helper()
	var r source.Record
	var shown any
	if err := p.Parse(line, written, &r); err != nil {
		e, ok := errors.AsType[*source.RecordError](err)
		if !ok {
			t.Fatalf("line %d: got a %T, want a *RecordError", number, err)
		}
		e.Line = number
		shown = map[string]any{"cause": e.Cause, "field": e.Field, "error": e.Error()}
	} else {
		shown = shownRecord(&r)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(shown); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func shownRecord(r *source.Record) map[string]any {
	m := map[string]any{
		"time": r.Time.Format(time.RFC3339Nano), "act": r.Act, "action": r.Action.String(),
		"direction": r.Direction, "interface": r.Interface, "rule": r.Rule, "number": r.RuleNumber,
		"proto": r.Proto.String(), "src": r.Src, "dst": r.Dst, "sport": r.SrcPort, "dport": r.DstPort,
		"length": r.Length, "counted": r.Counted, "why": r.Why,
	}
	optional := map[string]string{"anchor": r.Anchor, "flags": r.Flags, "icmp": r.ICMP}
	if r.Reason != "match" {
		optional["reason"] = r.Reason
	}
	for name, text := range optional {
		if text != "" {
			m[name] = text
		}
	}
	for name, is := range map[string]bool{
		"fragment": r.Fragment, "malformed": r.Malformed, "zone_assumed": r.ZoneAssumed, "time_assumed": r.TimeAssumed,
	} {
		if is {
			m[name] = true
		}
	}
	if r.HasSeq {
		m["seq"] = r.Seq
	}
	return m
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update || os.Getenv("TRIPLINE_UPDATE") != "" {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("no golden file; run the test with -update and read %s", file)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// FuzzFilterlog holds the promises of a parser on any bytes.
func FuzzFilterlog(f *testing.F) {
	for _, name := range []string{"ok.log", "bad.log"} {
		log, err := os.ReadFile(fixtures + name)
		if err != nil {
			f.Fatal(err)
		}
		for line := range bytes.SplitSeq(log, []byte("\n")) {
			f.Add(line)
		}
	}
	p := parser(f, home) // one for all: what it remembers changes no promise
	f.Fuzz(func(t *testing.T, line []byte) {
		var r source.Record
		err := p.Parse(line, written, &r)
		if err != nil {
			promisesOfAnError(t, err, &r)
			return
		}
		promisesOfARecord(t, &r)
	})
}

func promisesOfAnError(t *testing.T, err error, r *source.Record) {
	e, ok := errors.AsType[*source.RecordError](err)
	if !ok || e.Cause == "" || e.Source != "filterlog" {
		t.Errorf("got error %#v, want a *RecordError with source and cause", err)
	}
	if *r != (source.Record{}) {
		t.Errorf("got %v and a record: %+v", err, r)
	}
	for _, c := range err.Error() {
		if c < ' ' || c == 0x7f {
			t.Errorf("the error has control characters: %q", err.Error())
		}
	}
}

func promisesOfARecord(t *testing.T, r *source.Record) {
	for _, a := range []netip.Addr{r.Src, r.Dst} {
		if !a.IsValid() || a.Is4In6() || a.Zone() != "" {
			t.Errorf("got address %v, want a plain one", a)
		}
	}
	if r.Time.IsZero() || r.Agent != "" || r.Why == "" {
		t.Errorf("got time %v, agent %q, why %q", r.Time, r.Agent, r.Why)
	}
	if counted := r.Why == source.Outbound || r.Why == source.OutboundNAT || r.Why == source.Blocked; counted != r.Counted {
		t.Errorf("got counted %v because %q", r.Counted, r.Why)
	}
}
