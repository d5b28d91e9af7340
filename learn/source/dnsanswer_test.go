package source_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tripline/learn"
	"tripline/learn/source"
)

// answerLogs are the fixtures of each log that holds answers, and when they were
// last changed.
var (
	answerLogs = map[string][]string{
		"adguard":     {"ok", "bad"},
		"dnsmasq":     {"extra", "plain", "pihole", "bad"},
		"pfblockerng": {"ok", "bad"},
	}
	answered = time.Date(2026, time.November, 22, 13, 0, 0, 0, time.UTC)
)

// eachAnswerLog calls do with every fixture.
func eachAnswerLog(t testing.TB, do func(s source.Source, file string, lines [][]byte)) {
	t.Helper()
	for name, files := range answerLogs {
		s, err := source.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, base := range files {
			file := filepath.Join("../../testdata/source", name, base+".log")
			log, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			do(s, file, bytes.Split(bytes.TrimSuffix(log, []byte("\n")), []byte("\n")))
		}
	}
}

func TestGoldenAnswers(t *testing.T) {
	eachAnswerLog(t, func(s source.Source, file string, lines [][]byte) {
		p := s.Lines(source.Options{})
		var got bytes.Buffer
		for i, line := range lines {
			got.Write(renderAnswer(t, p, i+1, line))
		}
		golden(t, strings.TrimSuffix(file, ".log")+".jsonl", got.Bytes())
	})
}

func renderAnswer(t *testing.T, p source.Parser, number int, line []byte) []byte {
	t.Helper()
	var r source.Record
	var shown any
	if err := p.Parse(line, answered, &r); err != nil {
		e, ok := errors.AsType[*source.RecordError](err)
		if !ok {
			t.Fatalf("line %d: got a %T, want a *RecordError", number, err)
		}
		e.Line = number
		shown = map[string]any{"error": e.Error()}
	} else {
		shown = shownAnswer(&r)
	}
	text, err := json.Marshal(shown)
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

func shownAnswer(r *source.Record) map[string]any {
	m := map[string]any{"time": r.Time.Format(time.RFC3339Nano), "why": r.Why}
	if r.ZoneAssumed {
		m["zone_assumed"] = true
	}
	if r.TimeAssumed {
		m["time_assumed"] = true
	}
	if a := r.Answer; a != nil {
		m["name"], m["addrs"], m["client"], m["ttl"] = a.Name, a.Addrs, a.Client, a.TTL.String()
		if len(a.Chain) > 0 {
			m["chain"] = a.Chain
		}
	}
	return m
}

// A parser that was restored from its state says the same of the rest.
func TestAnswersAfterARestartAreThoseWithoutOne(t *testing.T) {
	eachAnswerLog(t, func(s source.Source, file string, lines [][]byte) {
		for cut := range lines {
			on, restarted := s.Lines(source.Options{}), s.Lines(source.Options{})
			for i, line := range lines[:cut] {
				renderAnswer(t, on, i+1, line)
			}
			if err := restarted.Restore(on.State()); err != nil {
				t.Fatal(err)
			}
			for i, line := range lines[cut:] {
				if diff := cmp.Diff(string(renderAnswer(t, on, i, line)), string(renderAnswer(t, restarted, i, line))); diff != "" {
					t.Fatalf("%s: restarted before line %d, line %d (-going on +restarted):\n%s", file, cut+1, cut+i+1, diff)
				}
			}
		}
	})
}

func TestADamagedStateOfQuestionsIsRefused(t *testing.T) {
	for _, state := range []string{
		"x", "{", `{"asked":[{"c":"192.0.2.1","n":""}]}`, `{"asked":[{"c":"","n":"a.example"}]}`, `{"asked":[],"current":1}`,
		`{"asked":[{"c":"192.0.2.1","n":"A.example"}]}`, `{"current":-1}`,
	} {
		for name := range answerLogs {
			s, err := source.Find(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Lines(source.Options{}).Restore([]byte(state)); err == nil {
				t.Errorf("%s took %s", name, state)
			}
		}
	}
}

// A flood of questions costs no more than the room for those that dnsmasq can
// have open.
func TestQuestionsAreBounded(t *testing.T) {
	s, err := source.Find("dnsmasq")
	if err != nil {
		t.Fatal(err)
	}
	p := s.Lines(source.Options{})
	var r source.Record
	long := strings.Repeat("abcdefghi.", 24) + "example"
	for i := range 10_000 {
		line := "Nov 22 12:00:00 dnsmasq[99]: " + itoa(i+1) + " 192.0.2.50/1 "
		for _, rest := range []string{"query[A] " + long + " from 192.0.2.50", "reply " + long + " is <CNAME>", "reply x" + itoa(i) + "." + long[20:] + " is <CNAME>"} {
			if err := p.Parse([]byte(line+rest), answered, &r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if size := len(p.State()); size > 150*700 {
		t.Errorf("the state has %d bytes", size)
	}
}

func itoa(i int) string { return string(json.Number(strings.TrimSpace(string(mustJSON(i))))) }

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("tripline: internal error: " + err.Error())
	}
	return text
}

func FuzzDnsmasq(f *testing.F)     { fuzzAnswers(f, "dnsmasq") }
func FuzzAdguard(f *testing.F)     { fuzzAnswers(f, "adguard") }
func FuzzPfblockerng(f *testing.F) { fuzzAnswers(f, "pfblockerng") }

// fuzzAnswers gives two lines to a parser, with a restart between them and
// without: what the second one says is the same, and evidence is whole.
func fuzzAnswers(f *testing.F, name string) {
	s, err := source.Find(name)
	if err != nil {
		f.Fatal(err)
	}
	seeds := 0
	eachAnswerLog(f, func(of source.Source, _ string, lines [][]byte) {
		if of.Name != name {
			return
		}
		for i := range lines {
			f.Add(lines[max(0, i-1)], lines[i])
			seeds++
		}
	})
	if seeds == 0 {
		f.Fatal("no seeds")
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		on, restarted := s.Lines(source.Options{}), s.Lines(source.Options{})
		var r, again source.Record
		if err := on.Parse(first, answered, &r); err == nil {
			promisesOfEvidence(t, &r)
		}
		if err := restarted.Restore(on.State()); err != nil {
			t.Fatalf("state %s: %v", on.State(), err)
		}
		err1, err2 := on.Parse(second, answered, &r), restarted.Parse(second, answered, &again)
		if (err1 == nil) != (err2 == nil) || cmp.Diff(shownAnswer(&r), shownAnswer(&again), sameAddrs) != "" {
			t.Errorf("going on: %v %v; restarted: %v %v", shownAnswer(&r), err1, shownAnswer(&again), err2)
		}
		if err1 == nil {
			promisesOfEvidence(t, &r)
		}
	})
}

var sameAddrs = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

func promisesOfEvidence(t testing.TB, r *source.Record) {
	t.Helper()
	if r.Counted || r.Time.IsZero() || !slices.Contains([]source.Why{source.Resolution, source.NoAnswer, source.Unasked}, r.Why) {
		t.Errorf("got counted %v because %q, at %v", r.Counted, r.Why, r.Time)
	}
	if (r.Why == source.Resolution) != (r.Answer != nil) {
		t.Fatalf("%q and answer %v", r.Why, r.Answer)
	}
	if r.Answer == nil {
		return
	}
	a := r.Answer
	for _, name := range append([]string{a.Name}, a.Chain...) {
		if got, ok := learn.CanonicalName(name); !ok || got != name {
			t.Errorf("got name %q, want it canonical", name)
		}
	}
	for _, addr := range append([]netip.Addr{a.Client}, a.Addrs...) {
		if !addr.IsValid() || addr.Is4In6() || addr.Zone() != "" {
			t.Errorf("got address %v, want a plain one", addr)
		}
	}
	if len(a.Addrs) == 0 || a.Time != r.Time || a.Client != r.Src || a.TTL < -1 {
		t.Errorf("got %+v of %v at %v", a, r.Src, r.Time)
	}
}
