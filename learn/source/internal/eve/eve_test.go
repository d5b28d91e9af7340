package eve_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tripline/learn/source/internal/eve"
	"tripline/learn/source/internal/scan"
)

// A plain event is what encoding/json makes of a line.
type plain map[string]json.RawMessage

// text returns a string or number as the scanner would.
func (p plain) text(key string) string {
	var s string
	if json.Unmarshal(p[key], &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(p[key], &n) == nil {
		return n.String()
	}
	return ""
}

func (p plain) part(key string) plain {
	var part plain
	if json.Unmarshal(p[key], &part) != nil {
		return nil
	}
	return part
}

func (p plain) list(key string) []plain {
	var all []json.RawMessage
	_ = json.Unmarshal(p[key], &all)
	list := make([]plain, len(all))
	for i := range all {
		_ = json.Unmarshal(all[i], &list[i])
	}
	return list
}

// agrees compares what was decoded with what encoding/json reads.
func agrees(t *testing.T, line []byte) {
	t.Helper()
	var want plain
	valid := json.Unmarshal(line, &want) == nil && want != nil
	var e eve.Event
	err := eve.New(nil).Decode(line, &e)
	switch {
	case !valid:
		return // what is passed over is not checked
	case err != nil:
		if err.Cause == scan.CutShort || err.Cause == eve.NotEvent || err.Cause == scan.BadText {
			t.Fatalf("got %v of valid JSON: %s", err, line)
		}
		return
	}
	same := func(what, got, want string) {
		t.Helper()
		if got = string([]rune(got)); got != want { // a replacement for each byte that is no UTF-8
			t.Errorf("%s: got %q, want %q: %s", what, got, want, line)
		}
	}
	same("event_type", string(e.Type), want.text("event_type"))
	same("proto", string(e.Proto), want.text("proto"))
	same("in_iface", string(e.Interface), want.text("in_iface"))
	sameAddr(t, e.Src, want.text("src_ip"))
	sameAddr(t, e.Dst, want.text("dest_ip"))
	same("src_port", digits(uint64(e.SrcPort)), orZero(want.text("src_port")))
	same("flow_id", digits(e.ID), orZero(want.text("flow_id")))
	switch e.Kind {
	case eve.Flow:
		same("bytes_toserver", digits(e.Up), orZero(want.part("flow").text("bytes_toserver")))
		same("bytes_toclient", digits(e.Down), orZero(want.part("flow").text("bytes_toclient")))
	case eve.TLS:
		same("sni", string(e.Name), want.part("tls").text("sni"))
	case eve.QUIC:
		same("sni", string(e.Name), want.part("quic").text("sni"))
	case eve.HTTP:
		same("hostname", string(e.Name), want.part("http").text("hostname"))
		same("url", string(e.URL), want.part("http").text("url"))
	case eve.DNS:
		sameMessage(t, same, &e.Message, want.part("dns"))
	case eve.Other, eve.Netflow:
	}
}

func sameMessage(t *testing.T, same func(what, got, want string), m *eve.Message, want plain) {
	t.Helper()
	same("type", string(m.Type), want.text("type"))
	if want["queries"] == nil {
		same("rrname", string(m.Name), want.text("rrname"))
	}
	list := want.list("answers")
	if len(list) != len(m.Answers) {
		t.Fatalf("got %d answers, want %d", len(m.Answers), len(list))
	}
	for i, rr := range m.Answers {
		same("rrname", string(rr.Name), list[i].text("rrname"))
		same("rdata", string(rr.Data), list[i].text("rdata"))
	}
}

func sameAddr(t *testing.T, got netip.Addr, text string) {
	t.Helper()
	if want, err := netip.ParseAddr(text); err != nil || want.Unmap() != got {
		t.Errorf("got address %v, want %s", got, text)
	}
}

func digits(n uint64) string { return fmt.Sprint(n) }

// orZero is a number as it is printed: leading zeros are no JSON, but strings.
func orZero(text string) string {
	if text = strings.TrimLeft(text, "0"); text == "" {
		return "0"
	}
	return text
}

func samples(t testing.TB) (lines [][]byte) {
	for _, pattern := range []string{"../../../../testdata/source/eve/*.log", "../../../../../shared/data/traffic/suricata/*/eve.json"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, bytes.Split(bytes.TrimSpace(text), []byte("\n"))...)
		}
	}
	return lines
}

func TestReadsWhatEncodingJSONReads(t *testing.T) {
	lines := samples(t)
	if len(lines) < 50 {
		t.Fatalf("got %d lines, want the fixtures at least", len(lines))
	}
	for _, line := range lines {
		agrees(t, line)
	}
}

func TestReadsGeneratedEventsAsEncodingJSONDoes(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 1))
	for range 20_000 {
		agrees(t, generated(rng))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// generated is an event with its keys in any order, some twice, among values of
// all kinds, with blanks and escapes.
func generated(rng *rand.Rand) []byte {
	members := []string{
		`"timestamp":"2026-03-28T12:00:00.000000+0000"`, `"src_ip":"192.0.2.10"`, `"dest_ip":"2001:db8::7"`,
		`"src_port":` + fmt.Sprint(rng.IntN(65536)), `"flow_id":` + fmt.Sprint(rng.Uint64()>>1),
		`"proto":` + word(rng), `"in_iface":` + word(rng), `"extra":` + value(rng, 4), word(rng) + `:` + value(rng, 4),
		`"event_type":"` + []string{"flow", "dns", "tls", "quic", "http", "alert"}[rng.IntN(6)] + `"`,
		`"tls":{` + member(rng) + `,"sni":` + word(rng) + `,` + member(rng) + `}`,
		`"http":{"url":` + word(rng) + `,"hostname":` + value(rng, 1) + `}`, `"quic":` + value(rng, 2),
		`"flow":{` + member(rng) + `,"bytes_toserver":` + fmt.Sprint(rng.IntN(1e9)) + `}`,
		`"dns":{"type":"answer","rrname":` + word(rng) + `,"answers":[{"rrname":` + word(rng) + `,"rdata":` + word(rng) + `},` + value(rng, 2) + `]}`,
		`"s\u0072c_ip":"192.0.2.11"`, `"in_iface":null`, `"proto":` + word(rng),
	}
	rng.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	blank := []string{"", " ", "\t", " \r"}[rng.IntN(4)]
	return []byte("{" + blank + strings.Join(members[:12+rng.IntN(len(members)-11)], blank+","+blank) + blank + "}")
}

func member(rng *rand.Rand) string { return word(rng) + ":" + value(rng, 3) }

// word is a string with what makes strings hard.
func word(rng *rand.Rand) string {
	parts := []string{"a", "example.com", `\"`, `\\`, `\u00e9`, `\ud83d\ude00`, `\ud83d`, `\n`, "{", "}", "[", "]", ",", ":", "\u00e9", "0123456789abcdef"}
	var b strings.Builder
	for range rng.IntN(6) {
		b.WriteString(parts[rng.IntN(len(parts))])
	}
	return `"` + b.String() + `"`
}

func value(rng *rand.Rand, depth int) string {
	switch n := rng.IntN(8); {
	case n == 0 && depth > 0:
		return "[" + value(rng, depth-1) + " , " + value(rng, depth-1) + "]"
	case n == 1 && depth > 0:
		return "{" + word(rng) + " : " + value(rng, depth-1) + "}"
	case n < 4:
		return []string{"null", "true", "false", "[]", "{}", "-1.5e+3", "0"}[rng.IntN(7)]
	}
	return word(rng)
}

// A line that was cut anywhere is an error.
func TestRefusesWhatWasCut(t *testing.T) {
	lines := [][]byte{}
	for _, line := range samples(t)[:40] {
		if json.Valid(line) && line[0] == '{' {
			lines = append(lines, line)
		}
	}
	var e eve.Event
	d := eve.New(nil)
	for _, line := range lines {
		for i := range line {
			if err := d.Decode(line[:i], &e); err == nil || i > 0 && err.Cause != scan.CutShort {
				t.Fatalf("cut at %d: got %v of %s", i, err, line[:i])
			}
		}
	}
}

// Depth costs no stack.
func TestReadsDeepNesting(t *testing.T) {
	deep := strings.Repeat("[", 1<<20)
	closed := deep + strings.Repeat("]", 1<<20)
	line := `{"event_type":"tls","timestamp":"2026-03-28T12:00:00Z","src_ip":"192.0.2.1","dest_ip":"192.0.2.2","x":%s,"dns":{"answers":%s}}`
	var e eve.Event
	if err := eve.New(nil).Decode(fmt.Appendf(nil, line, closed, closed), &e); err != nil {
		t.Errorf("got %v", err)
	}
	if err := eve.New(nil).Decode(fmt.Appendf(nil, line, deep, "1"), &e); err == nil {
		t.Error("got no error of what never closes")
	}
}

func FuzzDecode(f *testing.F) {
	for i, line := range samples(f) {
		if i < 60 {
			f.Add(line)
		}
	}
	f.Fuzz(func(t *testing.T, line []byte) { agrees(t, line) })
}

// BenchmarkDecode reads the samples, and beside them with encoding/json.
func BenchmarkDecode(b *testing.B) {
	lines, size := samples(b), 0
	for _, line := range lines {
		size += len(line)
	}
	b.Run("eve", func(b *testing.B) {
		d := eve.New(nil)
		var e eve.Event
		b.SetBytes(int64(size))
		b.ReportAllocs()
		for b.Loop() {
			for _, line := range lines {
				_ = d.Decode(line, &e)
			}
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		var e struct {
			Timestamp string `json:"timestamp"`
			EventType string `json:"event_type"`
			SrcIP     string `json:"src_ip"`
			DestIP    string `json:"dest_ip"`
		}
		b.SetBytes(int64(size))
		for b.Loop() {
			for _, line := range lines {
				_ = json.Unmarshal(line, &e)
			}
		}
	})
}
