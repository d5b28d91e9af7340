package source_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tripline/learn"
	"tripline/learn/source"
)

const eveFixtures = "../../testdata/source/eve/"

func eveParser(t testing.TB, o source.Options) source.Parser {
	t.Helper()
	s, err := source.Find("eve")
	if err != nil {
		t.Fatal(err)
	}
	return s.Lines(o)
}

func eveLines(t testing.TB, name string) [][]byte {
	t.Helper()
	log, err := os.ReadFile(eveFixtures + name + ".log")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSuffix(log, []byte("\n")), []byte("\n"))
}

// early is how a log is read that is followed.
func early() source.Options {
	o := home
	o.Early = true
	return o
}

func TestEveGolden(t *testing.T) {
	for _, c := range []struct {
		log, golden string
		options     source.Options
	}{
		{"ok", "ok", home},
		{"ok", "ok.early", early()},
		{"netflow", "netflow", home},
		{"netflow", "netflow.early", early()},
		{"bad", "bad", home},
	} {
		var got bytes.Buffer
		p := eveParser(t, c.options)
		for i, line := range eveLines(t, c.log) {
			got.Write(renderEve(t, p, i+1, line))
		}
		golden(t, eveFixtures+c.golden+".jsonl", got.Bytes())
	}
}

// renderEve is one line of a golden file.
func renderEve(t *testing.T, p source.Parser, number int, line []byte) []byte {
	t.Helper()
	var r source.Record
	var shown map[string]any
	if err := p.Parse(line, written, &r); err != nil {
		e, ok := errors.AsType[*source.RecordError](err)
		if !ok {
			t.Fatalf("line %d: got a %T, want a *RecordError", number, err)
		}
		e.Line = number
		shown = map[string]any{"cause": e.Cause, "field": e.Field, "error": e.Error()}
	} else {
		shown = shownEve(&r)
	}
	text, err := json.Marshal(shown)
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

func shownEve(r *source.Record) map[string]any {
	m := map[string]any{
		"time": r.Time, "event": r.Reason, "flow": fmt.Sprintf("%s %s > %s", r.Proto,
			netip.AddrPortFrom(r.Src, r.SrcPort), netip.AddrPortFrom(r.Dst, r.DstPort)), "why": r.Why, "counted": r.Counted,
	}
	for name, text := range map[string]string{"icmp": r.ICMP, "interface": r.Interface, "name": r.Name, "by": r.Evidence.String()} {
		if text != "" {
			m[name] = text
		}
	}
	if r.Action == learn.Refused {
		m["action"] = r.Act
	}
	if r.Up+r.Down > 0 {
		m["bytes"] = []uint64{r.Up, r.Down}
	}
	if a := r.Answer; a != nil {
		m["answer"] = map[string]any{"client": a.Client, "name": a.Name, "addrs": a.Addrs, "chain": a.Chain, "ttl": a.TTL.Seconds()}
	}
	if r.ZoneAssumed {
		m["zone_assumed"] = true
	}
	return m
}

// Whether a log is read at once or followed, the same destinations are found.
func TestEveFindsTheSameDestinationsEarlyOrLate(t *testing.T) {
	destinations := func(o source.Options) map[string]bool {
		found := map[string]bool{}
		p := eveParser(t, o)
		for _, line := range eveLines(t, "ok") {
			var r source.Record
			if p.Parse(line, written, &r) == nil && r.Counted {
				found[fmt.Sprint(r.Src, r.Proto, r.Dst, r.DstPort, r.Name)] = true
			}
		}
		return found
	}
	if diff := cmp.Diff(destinations(home), destinations(early())); diff != "" {
		t.Errorf("-late +early:\n%s", diff)
	}
}

// A parser that goes on behind a state judges as if it had never stopped.
func TestEveRestoreEqualsGoingOn(t *testing.T) {
	for _, o := range []source.Options{home, early()} {
		for _, log := range []string{"ok", "netflow"} {
			lines := eveLines(t, log)
			for cut := range lines {
				p, q := eveParser(t, o), eveParser(t, o)
				readAll(p, lines[:cut])
				if err := q.Restore(p.State()); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(readAll(p, lines[cut:]), readAll(q, lines[cut:]), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
					t.Fatalf("%s, stopped before line %d (-going on +restored):\n%s", log, cut+1, diff)
				}
				if !bytes.Equal(p.State(), q.State()) {
					t.Fatalf("%s, stopped before line %d: the states differ at the end", log, cut+1)
				}
			}
		}
	}
}

func readAll(p source.Parser, lines [][]byte) []source.Record {
	list := make([]source.Record, len(lines))
	for i, line := range lines {
		_ = p.Parse(line, written, &list[i]) // what cannot be read is a zero record
	}
	return list
}

// What Suricata did not see is said: the increase of what its statistics count.
func TestEveCountsWhatSuricataDropped(t *testing.T) {
	s, err := source.Find("eve")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int64{
		"7": 0, "7 9 9 12": 5, "7 9 3": 5, "0 1": 1, "5 none 6": 1,
	} {
		var log strings.Builder
		for n := range strings.FieldsSeq(text) {
			fmt.Fprintf(&log, `{"timestamp":"2026-03-28T12:00:00Z","event_type":"stats","stats":{"capture":{"kernel_packets":1,"kernel_drops":%s}}}`+"\n",
				strings.Replace(n, "none", "null", 1))
		}
		st, err := source.Open(s, "-", nil, source.StreamOptions{Stdin: strings.NewReader(log.String())})
		if err != nil {
			t.Fatal(err)
		}
		var r source.Record
		for err = st.Next(&r); !errors.Is(err, io.EOF); err = st.Next(&r) {
			if _, ok := errors.AsType[*source.RecordError](err); !ok {
				t.Fatalf("%s: got %v, want lines of another program", text, err)
			}
		}
		if got := st.Stats().Dropped; got != want {
			t.Errorf("%s: got %d dropped, want %d", text, got, want)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestEveRefusesDamagedStates(t *testing.T) {
	p := eveParser(t, home)
	readAll(p, eveLines(t, "ok"))
	state := p.State()
	for i := range state {
		damaged := bytes.Clone(state)
		damaged[i] ^= 1
		if p.Restore(damaged) == nil || i > 0 && p.Restore(state[:i]) == nil {
			t.Fatalf("restored a state that is damaged at %d", i)
		}
	}
	if !bytes.Equal(p.State(), state) {
		t.Error("a state that was refused changed the parser")
	}
}

// What is remembered is bounded, whatever comes.
func TestEveStateIsBounded(t *testing.T) {
	p := eveParser(t, early())
	var r source.Record
	for i := range 100_000 {
		line := fmt.Appendf(nil, `{"timestamp":"2026-03-28T12:00:00.000000+0000","flow_id":%d,"event_type":"tls","src_ip":"192.0.2.10","src_port":5,"dest_ip":"203.0.113.7","dest_port":443,"proto":"TCP","tls":{"sni":"n%d.example.com"}}`, i+1, i)
		if err := p.Parse(line, written, &r); err != nil || !r.Counted {
			t.Fatalf("line %d: got %v, counted %v", i, err, r.Counted)
		}
	}
	if n := len(p.State()); n > 2<<20 {
		t.Errorf("the state is %d bytes, want at most 2 MiB", n)
	}
}

// An event that matters to nobody costs nothing.
func TestEveAllocatesNothingForWhatIsIgnored(t *testing.T) {
	p := eveParser(t, home)
	var r source.Record
	for _, line := range eveLines(t, "ok") {
		if bytes.Contains(line, []byte(`"answer"`)) || bytes.Contains(line, []byte(`"response"`)) {
			continue
		}
		for range 3 {
			_ = p.Parse(line, written, &r)
		}
		if r.Counted || r.Time.IsZero() {
			continue
		}
		if n := testing.AllocsPerRun(20, func() { _ = p.Parse(line, written, &r) }); n > 0 {
			t.Errorf("%v allocations for %s", n, line)
		}
	}
}

func TestEveSniff(t *testing.T) {
	s, err := source.Find("eve")
	if err != nil {
		t.Fatal(err)
	}
	for head, want := range map[string]string{
		"":                            "",
		`{"timestamp":"2026-03-28T1`:  "",
		"\xef\xbb\xbf{\"timestamp\":": "",
		"Mar 28 12:00:00 fw suricata": "",
		`[{"timestamp":`:              "array",
		"{\n  \"timestamp\":":         "many lines",
		"#separator \\x09":            "Zeek",
		"\xd4\xc3\xb2\xa1\x02":        "capture",
	} {
		err := s.Sniff([]byte(head))
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || learn.HintOf(err) == "") {
			t.Errorf("%q: got %v with hint %q, want %q", head, err, learn.HintOf(err), want)
		}
	}
}

// FuzzEve holds the promises of a parser on any bytes.
func FuzzEve(f *testing.F) {
	for _, name := range []string{"ok", "netflow", "bad"} {
		for _, line := range eveLines(f, name) {
			f.Add(line)
		}
	}
	late, soon := eveParser(f, home), eveParser(f, early()) // for all: what they remember changes no promise
	f.Fuzz(func(t *testing.T, line []byte) {
		for _, p := range []source.Parser{late, soon} {
			kept := bytes.Clone(line)
			var r source.Record
			if err := p.Parse(kept, written, &r); err != nil {
				promisesOfAnEveError(t, err, &r)
				continue
			}
			before := fmt.Sprintf("%+v %+v", r, r.Answer)
			clear(kept)
			if after := fmt.Sprintf("%+v %+v", r, r.Answer); after != before {
				t.Errorf("the record does not own its text: %s became %s", before, after)
			}
			promisesOfARecord(t, &r)
			promisesOfNames(t, &r)
		}
		again := eveParser(t, home)
		if err := again.Restore(late.State()); err != nil || !bytes.Equal(again.State(), late.State()) {
			t.Errorf("the state does not come back: %v", err)
		}
	})
}

func promisesOfAnEveError(t *testing.T, err error, r *source.Record) {
	e, ok := errors.AsType[*source.RecordError](err)
	if !ok || e.Cause == "" || e.Source != "eve" {
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

// promisesOfNames are that names are canonical, and have evidence.
func promisesOfNames(t *testing.T, r *source.Record) {
	names := []string{}
	if (r.Name == "") != (r.Evidence == learn.Unnamed) {
		t.Errorf("got name %q by %q", r.Name, r.Evidence)
	}
	if r.Name != "" {
		names = append(names, r.Name)
	}
	if a := r.Answer; a != nil {
		names = append(append(names, a.Name), a.Chain...)
		if r.Counted || len(a.Addrs) == 0 || !a.Client.IsValid() || a.Time.IsZero() {
			t.Errorf("got answer %+v, counted %v", a, r.Counted)
		}
	}
	for _, name := range names {
		if c, ok := learn.CanonicalName(name); !ok || c != name {
			t.Errorf("got name %q, want it canonical", name)
		}
	}
}

// Every line of logs of real sensors is a record or of another program, and each
// flow of a local host counts once.
func TestEveAccountsForEveryLineOfTheSamples(t *testing.T) {
	files, err := filepath.Glob("../../../shared/data/traffic/suricata/*/eve.json")
	if err != nil || len(files) == 0 {
		t.Skip("the sample logs are not here")
	}
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range []source.Options{{}, {Early: true}} {
				a := account{parser: eveParser(t, o), whys: map[string]int{}, counted: map[string]int{}, ids: map[uint64]bool{}}
				for line := range bytes.SplitSeq(bytes.TrimSpace(text), []byte("\n")) {
					a.line(t, line)
				}
				for flow, n := range a.counted {
					if n > 1 {
						t.Errorf("%s counted %d times", flow, n)
					}
				}
				t.Log(a.whys)
			}
		})
	}
}

// An account is what became of the lines of a log.
type account struct {
	parser  source.Parser
	whys    map[string]int
	counted map[string]int  // by id and name
	ids     map[uint64]bool // that were counted
}

func (a *account) line(t *testing.T, line []byte) {
	var r source.Record
	var e struct {
		ID   uint64 `json:"flow_id"`
		Type string `json:"event_type"`
	}
	if err := json.Unmarshal(line, &e); err != nil {
		t.Fatal(err)
	}
	if err := a.parser.Parse(line, written, &r); err != nil {
		if bad, ok := errors.AsType[*source.RecordError](err); !ok || bad.Cause != source.OtherProgram {
			t.Errorf("%v: %s", err, line)
		}
		a.whys["other program"]++
		return
	}
	promisesOfARecord(t, &r)
	promisesOfNames(t, &r)
	a.whys[e.Type+": "+string(r.Why)]++
	if r.Counted && e.ID != 0 {
		a.counted[fmt.Sprint(e.ID, r.Name)]++
		a.ids[e.ID] = true
	}
	if r.Why == source.Ended && !a.ids[e.ID] {
		t.Errorf("the end of a connection that was never counted: %s", line)
	}
}
