package source_test

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"tripline/learn/source"
)

func TestGoldenVPCFlow(t *testing.T) { goldenLines(t, "vpcflow", "ok", "bad") }

func FuzzVPCFlow(f *testing.F) { fuzzLines(f, "vpcflow") }

// The columns are told once, at the top: a restart must not lose them.
func TestARestartKeepsTheColumns(t *testing.T) {
	const heading, line = "dstport srcaddr dstaddr protocol start", "443 192.0.2.10 203.0.113.7 6 1774699200"
	p := linesOf(t, "vpcflow", home)
	var r source.Record
	if err := p.Parse([]byte(heading), noon, &r); causeOf(err) != string(source.OtherProgram) {
		t.Fatal(err)
	}
	again := linesOf(t, "vpcflow", home)
	if err := again.Restore(p.State()); err != nil {
		t.Fatal(err)
	}
	if got := whyOf(t, again, line); got != source.Outbound {
		t.Errorf("got %q", got)
	}
	for _, bad := range []string{"{", "{}", `{"heading":"x y","seen":"AQ=="}`} {
		if err := again.Restore([]byte(bad)); err == nil {
			t.Errorf("%s: got no error", bad)
		}
	}
	if got := whyOf(t, again, line); got != source.Detail {
		t.Errorf("got %q after states that were refused", got)
	}
}

// A connection that lasts for hours has a line each few minutes.
func TestALongConnectionIsCountedOnceInALongTime(t *testing.T) {
	p, counted := linesOf(t, "vpcflow", home), 0
	for minute := 0; minute < 600; minute += 10 {
		line := fmt.Sprintf("2 1 eni-1 192.0.2.10 203.0.113.7 50001 443 6 20 4249 %d %d ACCEPT OK", 1774699200+60*minute, 1774699260+60*minute)
		if whyOf(t, p, line) == source.Outbound {
			counted++
		}
	}
	if counted != 1 {
		t.Errorf("got %d connections, want 1", counted)
	}
	if got := whyOf(t, p, "2 1 eni-1 192.0.2.10 203.0.113.7 50001 443 6 20 4249 1774799200 1774799260 ACCEPT OK"); got != source.Outbound {
		t.Errorf("got %q a day later", got)
	}
}

func TestRealVPCFlowLines(t *testing.T) {
	text, err := os.ReadFile("../../../shared/data/traffic/fwlog/small/aws-vpc-flow-v2.log")
	if err != nil {
		t.Skip("the sample log is not here")
	}
	p, counts := linesOf(t, "vpcflow", source.Options{}), map[string]int{}
	for line := range bytes.SplitSeq(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
		var r source.Record
		if err := p.Parse(line, noon, &r); err != nil {
			counts[causeOf(err)]++
			continue
		}
		counts[string(r.Why)]++
	}
	t.Log(counts)
	if counts[string(source.LeftOut)] != 1 || counts[string(source.OtherProgram)] != 1 || len(counts) != 4 {
		t.Errorf("got %v", counts)
	}
}

func BenchmarkVPCFlow(b *testing.B) {
	var lines [][]byte
	for i := range 20_000 {
		lines = append(lines, fmt.Appendf(nil, "2 123456789010 eni-1235b8ca123456789 192.0.2.%d 203.0.113.7 %d 443 6 20 4249 1774699200 1774699260 ACCEPT OK", i%250, 1024+i))
	}
	benchLinesOf(b, "vpcflow", lines)
}
