package source_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"tripline/learn"
	"tripline/learn/source"
)

// linesOf returns the parser of a line source.
func linesOf(t testing.TB, name string, o source.Options) source.Parser {
	t.Helper()
	s, err := source.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return s.Lines(o)
}

// goldenLines holds a parser to what it made of sample files before.
func goldenLines(t *testing.T, name string, files ...string) {
	t.Helper()
	for _, file := range files {
		path := "../../testdata/source/" + name + "/" + file
		log, err := os.ReadFile(path + ".log")
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		p := linesOf(t, name, home)
		for i, line := range bytes.Split(bytes.TrimSuffix(log, []byte("\n")), []byte("\n")) {
			got.Write(render(t, p, i+1, line))
		}
		golden(t, path+".jsonl", got.Bytes())
	}
}

func TestGoldenNetfilter(t *testing.T) { goldenLines(t, "netfilter", "ok", "bad") }

// A packetLine is a line of the kernel's and what must be said of it.
type packetLine struct {
	at   int // seconds
	line string
	want source.Why
}

func playPackets(t *testing.T, o source.Options, steps []packetLine) {
	t.Helper()
	p := linesOf(t, "netfilter", o)
	for _, s := range steps {
		var r source.Record
		if err := p.Parse(fmt.Appendf(nil, "2026-03-28T12:%02d:%02dZ gw kernel: %s", s.at/60, s.at%60, s.line), noon, &r); err != nil {
			t.Fatalf("%s: %v", s.line, err)
		}
		if r.Why != s.want {
			t.Errorf("%d s: got %q, want %q\n%s", s.at, r.Why, s.want, s.line)
		}
	}
}

// between is a packet from one interface to another: "br0 wan0", "- wan0".
func between(prefix, in, out, src, dst, rest string) string {
	return fmt.Sprintf("%sIN=%s OUT=%s SRC=%s DST=%s LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=1 %s", prefix, in, out, src, dst, rest)
}

const (
	syn = "PROTO=TCP SPT=5000 DPT=443 WINDOW=64240 RES=0x00 SYN URGP=0"
	ask = "PROTO=UDP SPT=5000 DPT=53 LEN=40"
	say = "PROTO=UDP SPT=53 DPT=5000 LEN=40"
)

func TestPacketsOfAConnectionAreCountedOnce(t *testing.T) {
	playPackets(t, home, []packetLine{
		{0, between("raw ", "br0", "", host, far, syn), source.Outbound},
		{0, between("fwd ", "br0", "wan0", host, far, syn), source.SameExchange},
		{1, between("fwd ", "br0", "wan0", host, far, syn), source.SameExchange},
		{1, between("fwd ", "br0", "wan0", host, far, "PROTO=TCP SPT=5000 DPT=443 WINDOW=1 RES=0x00 ACK URGP=0"), source.OutOfState},
		{200, between("fwd ", "br0", "wan0", host, far, syn), source.Outbound},
		{300, between("fwd ", "br0", "wan0", host, far, ask), source.Outbound},
		{300, between("fwd ", "wan0", "br0", far, host, say), source.Inbound},
		{301, between("DROP ", "br0", "wan0", host, far, syn), source.Blocked},
		{302, between("DROP ", "br0", "wan0", host, far, syn), source.Retry},
		{303, between("", "br0", "wan0", host, far, "PROTO=TCP SPT=5001 DPT=443"), source.Outbound}, // without flags
	})
}

func TestRepliesAreNoConnections(t *testing.T) {
	playPackets(t, home, []packetLine{
		{0, between("", "wan0", "br0", far, host, ask), source.Inbound},
		{0, between("", "br0", "wan0", host, far, say), source.SameExchange},
		{0, between("", "br0", "vpn0", host, "192.0.2.99", ask), source.Outbound},
		{0, between("", "vpn0", "br0", "192.0.2.99", host, say), source.SameExchange},
		{500, between("", "br0", "wan0", host, far, say), source.Outbound},
	})
}

func TestOneInterfaceForHostsAndTheInternetMakesNoHostOfAStranger(t *testing.T) {
	playPackets(t, home, []packetLine{
		{0, between("", "eth0", "", host, "192.0.2.5", syn), source.Outbound},
		{1, between("", "eth0", "", far, "192.0.2.5", syn), source.Inbound},
		{2, between("", "eth0", "eth0", host, far, syn), source.Outbound},
		{3, between("", "eth0", "eth0", far, "203.0.113.99", syn), source.Inbound},
	})
}

func TestForwardingShowsWhereHostsAre(t *testing.T) {
	playPackets(t, home, []packetLine{
		{0, between("", "br0", "wan0", six, six2, syn), source.Inbound}, // nothing known of br0
		{1, between("", "br0", "wan0", host, far, syn), source.Outbound},
		{2, between("", "br0", "wan0", six, six2, syn), source.Outbound},
		{3, between("", "wan0", "br0", six2, six, syn), source.Inbound},
		{4, between("", "wan0", "", host, far, ask), source.Outbound}, // nobody said that wan0 is outside
	})
	o := home
	o.Inside, o.Outside = []string{"br0"}, []string{"wan0"}
	playPackets(t, o, []packetLine{
		{0, between("", "br0", "wan0", six, six2, syn), source.Outbound},
		{1, between("", "wan0", "", host, far, ask), source.Inbound}, // forged
		{2, between("", "", "wan0", wan, far, ask), source.Outbound},
	})
}

// What the rule's author wrote before a packet is kept as the rule.
func TestPrefixes(t *testing.T) {
	for head, want := range map[string]string{
		"Mar 28 12:00:00 gw kernel: [ 3731.4] [UFW BLOCK] ":        "[UFW BLOCK] block",
		"Mar 28 12:00:00 gw kernel: [ 3731.4] SFW2-INext-ACC-TCP ": "SFW2-INext-ACC-TCP pass",
		"Mar 28 12:00:00 gw user.warn kernel: [ 37.4] [DNAT-br46]": "[DNAT-br46] pass",
		"Mar 28 12:00:00 gw kernel: [LAN_LOCAL-default-A]":         "[LAN_LOCAL-default-A] pass",
		"Mar 28 12:00:00 gw kernel: [wan-lan-default-D]":           "[wan-lan-default-D] block",
		"Mar 28 12:00:00 gw kernel: DROP(src wan)":                 "DROP(src wan) block",
		"Mar 28 12:00:00 gw [RULE-1234-R] ":                        "[RULE-1234-R] block",
		"Mar 28 12:00:00 DENY: ":                                   "DENY block",
		"Mar 28 12:00:00 gw kernel: ":                              " pass",
		"D:":                                                       "D block",
		"[14167.983249] ***User***:":                               "***User*** pass",
		"<4>1 2026-03-28T12:00:00Z gw kernel - - - two words ":     "two words pass",
		"<4>1 2026-03-28T12:00:00Z gw kernel - - - [37.2] r4 ":     "r4 pass",
		"Mar 28 12:00:00 gw kernel: no \x1b[2Jdropé ":              "no [2Jdrop pass",
	} {
		var r source.Record
		line := head + between("", "br0", "wan0", host, far, syn)
		if err := linesOf(t, "netfilter", home).Parse([]byte(line), noon, &r); err != nil {
			t.Errorf("%q: %v", head, err)
		} else if got := r.Rule + " " + r.Action.String(); got != want {
			t.Errorf("%q: got %q, want %q", head, got, want)
		}
	}
}

// Every line of these logs is a packet.
func TestEveryRealPacketIsAccountedFor(t *testing.T) {
	var files []string
	for _, glob := range []string{"filterlog/netfilter/*.log", "traffic/fwlog/psad/iptables/*", "traffic/fwlog/small/[iu]*.log"} {
		found, err := filepath.Glob("../../../shared/data/" + glob)
		if err != nil || len(found) == 0 {
			t.Skip("the sample logs are not here")
		}
		files = append(files, found...)
	}
	counts, lines := map[string]int{}, 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p := linesOf(t, "netfilter", source.Options{})
		for line := range bytes.SplitSeq(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
			var r source.Record
			lines++
			if err := p.Parse(line, written, &r); err != nil {
				counts[causeOf(err)]++
				t.Errorf("%s: %v", filepath.Base(file), err)
				continue
			}
			counts[string(r.Why)]++
		}
	}
	t.Logf("%d lines: %v", lines, counts)
}

func causeOf(err error) string {
	if bad, ok := errors.AsType[*source.RecordError](err); ok {
		return string(bad.Cause)
	}
	return err.Error()
}

// FuzzNetfilter holds the promises of a parser on any bytes.
func FuzzNetfilter(f *testing.F) { fuzzLines(f, "netfilter") }

// fuzzLines holds a parser to its promises on any line, and on a restart behind
// it: the same line again is judged as if there had been none. Lines whose time
// leaps may find less than before.
func fuzzLines(f *testing.F, name string) {
	for _, file := range []string{"ok.log", "bad.log"} {
		log, err := os.ReadFile("../../testdata/source/" + name + "/" + file)
		if err != nil {
			f.Fatal(err)
		}
		for line := range bytes.SplitSeq(log, []byte("\n")) {
			f.Add(line)
		}
	}
	p, other := linesOf(f, name, home), linesOf(f, name, home)
	f.Fuzz(func(t *testing.T, line []byte) {
		var r source.Record
		err := p.Parse(line, written, &r)
		if len(line)%8 == 0 { // it costs more than the rest
			restart(t, p, other, line)
		}
		if err != nil {
			promisesOfALineError(t, name, err, &r)
			return
		}
		promisesOfARecord(t, &r)
		if canonical, ok := learn.CanonicalName(r.Name); r.Name != "" && (!ok || canonical != r.Name) {
			t.Errorf("got the name %q", r.Name)
		}
	})
}

// restart compares a parser that goes on with one that was restarted.
func restart(t *testing.T, p, other source.Parser, line []byte) {
	if err := other.Restore(p.State()); err != nil {
		t.Fatalf("restore: %v", err)
	}
	var again, restarted source.Record
	err1, err2 := p.Parse(line, written, &again), other.Parse(line, written, &restarted)
	if diff := cmp.Diff(fmt.Sprint(again, err1), fmt.Sprint(restarted, err2)); diff != "" {
		t.Errorf("after a restart (-going on +restarted):\n%s", diff)
	}
}

func promisesOfALineError(t *testing.T, name string, err error, r *source.Record) {
	e, ok := errors.AsType[*source.RecordError](err)
	if !ok || e.Cause == "" || e.Source != name {
		t.Errorf("got error %#v, want a *RecordError with source and cause", err)
	}
	if *r != (source.Record{}) {
		t.Errorf("got %v and a record: %+v", err, r)
	}
	if strings.ContainsFunc(err.Error(), unicode.IsControl) {
		t.Errorf("the error has control characters: %q", err.Error())
	}
}

// BenchmarkNetfilter reads and judges what a gateway logs of forwarded packets.
func BenchmarkNetfilter(b *testing.B) {
	var lines [][]byte
	for i := range 20_000 {
		flags := []string{"SYN", "SYN", "ACK", "ACK PSH"}[i%4]
		lines = append(lines, fmt.Appendf(nil, "Mar 28 12:%02d:%02d gw kernel: [ %d.456033] [UFW AUDIT] IN=br0 OUT=wan0 MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 "+
			"SRC=192.0.2.%d DST=203.0.%d.%d LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=%d DF PROTO=TCP SPT=%d DPT=443 WINDOW=64240 RES=0x00 %s URGP=0 ",
			i/600%60, i/10%60, 3731+i, i%40, i/256%128, i%256, i, 1024+i, flags))
	}
	benchLinesOf(b, "netfilter", lines)
}

// benchLinesOf says how many lines a second are read and judged.
func benchLinesOf(b *testing.B, name string, lines [][]byte) {
	total := 0
	for _, line := range lines {
		total += len(line)
	}
	p := linesOf(b, name, home)
	b.SetBytes(int64(total / len(lines)))
	b.ReportAllocs()
	var r source.Record
	i := 0
	for b.Loop() {
		if err := p.Parse(lines[i], written, &r); err != nil {
			b.Fatal(err)
		}
		if i++; i == len(lines) {
			i = 0
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
