package source_test

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"tripline/learn/source"
)

func TestGoldenConntrack(t *testing.T) { goldenLines(t, "conntrack", "ok", "bad") }

func FuzzConntrack(f *testing.F) { fuzzLines(f, "conntrack") }

// tracked is a line about a connection of a host behind NAT.
func tracked(event string, port, id int) string {
	return fmt.Sprintf("[1774699200.5]\t%s tcp      6 120 SYN_SENT src=%s dst=%s sport=%d dport=443 packets=2 bytes=120 [UNREPLIED] "+
		"src=%[3]s dst=%[5]s sport=443 dport=%[4]d packets=1 bytes=60 id=%[6]d", event, host, far, port, wan, id)
}

func whyOf(t *testing.T, p source.Parser, line string) source.Why {
	t.Helper()
	var r source.Record
	if err := p.Parse([]byte(line), noon, &r); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return r.Why
}

func TestAConnectionIsCountedOnceFromItsBeginningToItsEnd(t *testing.T) {
	p := linesOf(t, "conntrack", home)
	for i, step := range []struct {
		line string
		want source.Why
	}{
		{tracked("[NEW]", 5000, 1), source.Outbound},
		{tracked("[UPDATE]", 5000, 1), source.Detail},
		{tracked("[DESTROY]", 5000, 1), source.Ended},
		{tracked("[DESTROY]", 5000, 1), source.Outbound}, // of another one, whose beginning was not seen
		{tracked("[NEW]", 5000, 1), source.Outbound},
		{tracked("[NEW]", 5000, 1), source.Outbound}, // its end was not told
		{tracked("[UPDATE]", 5001, 2), source.Outbound},
		{tracked("", 5001, 2), source.Detail},
		{tracked("[DESTROY]", 5001, 2), source.Ended},
		{tracked("", 5002, 3), source.Outbound},
	} {
		if got := whyOf(t, p, step.line); got != step.want {
			t.Errorf("step %d: got %q, want %q", i, got, step.want)
		}
	}
}

// However many connections there are, what is remembered has a bound, and what
// is forgotten is told again, not left out.
func TestManyConnectionsAreBoundedAndNoneIsLeftOut(t *testing.T) {
	p := linesOf(t, "conntrack", home)
	for i := range 40_000 {
		if got := whyOf(t, p, tracked("[NEW]", 1024+i, i)); got != source.Outbound {
			t.Fatalf("connection %d: got %q", i, got)
		}
	}
	if n := len(p.State()); n > 160<<10 {
		t.Errorf("got a state of %d bytes", n)
	}
	if got := whyOf(t, p, tracked("[DESTROY]", 1024, 0)); got != source.Outbound {
		t.Errorf("got %q of a forgotten one", got)
	}
	if got := whyOf(t, p, tracked("[DESTROY]", 1024+39_999, 39_999)); got != source.Ended {
		t.Errorf("got %q of the last one", got)
	}
}

func TestDamagedStatesOfConntrackAreRefused(t *testing.T) {
	p := linesOf(t, "conntrack", home)
	whyOf(t, p, tracked("[NEW]", 5000, 1))
	state := p.State()
	for i := range state {
		bad := bytes.Clone(state)
		bad[i] ^= 0x55
		if err := p.Restore(bad); err == nil {
			t.Errorf("byte %d: got no error", i)
		}
		if err := p.Restore(state[:i]); err == nil && i > 0 {
			t.Errorf("%d bytes: got no error", i)
		}
	}
	if err := p.Restore(state); err != nil || whyOf(t, p, tracked("[DESTROY]", 5000, 1)) != source.Ended {
		t.Errorf("got %v, or it was forgotten", err)
	}
	if err := p.Restore(nil); err != nil || whyOf(t, p, tracked("[UPDATE]", 5000, 1)) != source.Outbound {
		t.Errorf("got %v, or it was remembered", err)
	}
}

func TestRealConntrackLines(t *testing.T) {
	text, err := os.ReadFile("../../../shared/data/traffic/fwlog/small/conntrack-E.log")
	if err != nil {
		t.Skip("the sample log is not here")
	}
	p, counts := linesOf(t, "conntrack", source.Options{}), map[source.Why]int{}
	for line := range bytes.SplitSeq(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
		counts[whyOf(t, p, string(line))]++
	}
	t.Log(counts)
	if counts[source.Outbound] != 7 || counts[source.Ended] != 1 || counts[source.Loopback] != 1 || counts[source.Detail] != 2 {
		t.Errorf("got %v", counts)
	}
}

func BenchmarkConntrack(b *testing.B) {
	var lines [][]byte
	for i := range 8_000 {
		lines = append(lines, []byte(tracked("    [NEW]", 1024+i, i)), []byte(tracked("[DESTROY]", 1024+i, i)))
	}
	benchLinesOf(b, "conntrack", lines)
}
