package source_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tripline/learn/source"
)

// inputsOf writes logs and returns them as inputs, in the order of their names.
func inputsOf(t *testing.T, logs map[string][]string) (inputs []source.Input) {
	t.Helper()
	dir := t.TempDir()
	for _, s := range source.All {
		lines := logs[s.Name]
		if lines == nil {
			continue
		}
		path := filepath.Join(dir, s.Name)
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, source.Input{Source: s, Path: path})
	}
	return inputs
}

func firewallLine(at time.Time, src, dst string, port int) string {
	return fmt.Sprintf("%s fw filterlog[1]: 5,,,1000000103,em1,match,pass,in,4,0x0,,64,%d,0,DF,6,tcp,60,%s,%s,%d,443,0,S,%d,,64240,,mss", at.Format(time.RFC3339Nano), port%65536, src, dst, port, port)
}

func kernelLine(at time.Time, src, dst string, port int) string {
	return fmt.Sprintf("%s gw kernel: [UFW ALLOW] IN=br0 OUT=wan0 SRC=%s DST=%s LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=%d DF PROTO=TCP SPT=%d DPT=443 WINDOW=64240 RES=0x00 SYN URGP=0", at.Format("2006-01-02T15:04:05.000000-07:00"), src, dst, port%65536, port)
}

func trackLine(at time.Time, src, outer, dst string, port, given int) string {
	return fmt.Sprintf("[%d.%06d]\t    [NEW] tcp      6 120 SYN_SENT src=%s dst=%s sport=%d dport=443 [UNREPLIED] src=%s dst=%s sport=443 dport=%d id=%d",
		at.Unix(), at.Nanosecond()/1000, src, dst, port, dst, outer, given, 1000+port)
}

// connected reads what inputs tell together.
func connected(t *testing.T, inputs []source.Input) (list []source.Record, s source.Stream) {
	t.Helper()
	src, path := source.Together(inputs)
	s, err := source.Open(src, path, nil, source.StreamOptions{Options: home, Whole: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for {
		var r source.Record
		switch err := s.Next(&r); {
		case errors.Is(err, io.EOF):
			return list, s
		case err != nil:
			t.Fatal(err)
		case r.Counted:
			list = append(list, r)
		}
	}
}

var start = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// Clocks that are apart by seconds, minutes or a zone: each connection is one, and
// how far they are apart is said.
func TestClocksThatAreApartAreFound(t *testing.T) {
	for _, late := range []time.Duration{0, 40 * time.Second, -40 * time.Second, 100 * time.Second, 3 * time.Hour, -3 * time.Hour} {
		logs := map[string][]string{}
		for i := range 300 {
			at := start.Add(time.Duration(i) * 2 * time.Second)
			logs["filterlog"] = append(logs["filterlog"], firewallLine(at, "192.168.1.50", "203.0.113.7", 20000+i))
			logs["netfilter"] = append(logs["netfilter"], kernelLine(at.Add(late).Add(20*time.Millisecond), "192.168.1.50", "203.0.113.7", 20000+i))
		}
		list, s := connected(t, inputsOf(t, logs))
		got := s.(interface{ Sighted() []source.Sighted }).Sighted()
		if len(list) != 300 || got[0].Alone+got[1].Alone != 0 {
			t.Errorf("%s apart: got %d connections, %d and %d alone, want 300 and none", late, len(list), got[0].Alone, got[1].Alone)
		}
		if off := got[1].Later - late; off.Abs() > time.Second/10 || got[1].Beside == "" {
			t.Errorf("%s apart: got %s", late, got[1].Later)
		}
	}
}

// A clock that is set while it is read is followed.
func TestAClockThatIsSetIsFoundAgain(t *testing.T) {
	logs := map[string][]string{}
	for i := range 600 {
		at, late := start.Add(time.Duration(i)*2*time.Second), 30*time.Second
		if i >= 300 {
			late = 0
		}
		logs["filterlog"] = append(logs["filterlog"], firewallLine(at, "192.168.1.50", "203.0.113.7", 20000+i))
		logs["netfilter"] = append(logs["netfilter"], kernelLine(at.Add(late), "192.168.1.50", "203.0.113.7", 20000+i))
	}
	list, _ := connected(t, inputsOf(t, logs))
	if len(list) != 600 {
		t.Errorf("got %d connections, want 600", len(list))
	}
}

// Where conntrack tells how addresses were translated, what is seen before and
// after that is one connection, of the host on the inside, whoever tells first.
func TestConnectionsAreJoinedThroughNAT(t *testing.T) {
	for _, late := range []time.Duration{-time.Second, time.Second} {
		logs := map[string][]string{}
		for i := range 50 {
			at := start.Add(time.Duration(i) * 10 * time.Second)
			logs["conntrack"] = append(logs["conntrack"], trackLine(at, "172.17.0.2", "192.0.2.50", "203.0.113.7", 40000+i, 50000+i))
			logs["filterlog"] = append(logs["filterlog"], firewallLine(at.Add(late), "192.0.2.50", "203.0.113.7", 50000+i))
		}
		list, _ := connected(t, inputsOf(t, logs))
		if len(list) != 50 {
			t.Errorf("%s: got %d connections, want 50", late, len(list))
		}
		for _, r := range list {
			if r.Src.String() != "172.17.0.2" || r.SrcPort < 40000 || r.SrcPort >= 50000 || r.Interface != "em1" {
				t.Fatalf("%s: got %s:%d on %q, want the container, and the firewall's interface", late, r.Src, r.SrcPort, r.Interface)
			}
		}
	}
}

// What one source did not tell of is known, with what it told of otherwise.
func TestWhatOnlyOneSawIsKnown(t *testing.T) {
	logs := map[string][]string{}
	for i := range 100 {
		at := start.Add(time.Duration(i) * 10 * time.Second)
		logs["netfilter"] = append(logs["netfilter"], kernelLine(at.Add(25*time.Second), "192.168.1.50", "203.0.113.7", 20000+i))
		if i != 50 {
			logs["filterlog"] = append(logs["filterlog"], firewallLine(at, "192.168.1.50", "203.0.113.7", 20000+i))
		}
	}
	_, s := connected(t, inputsOf(t, logs))
	lone, over := s.(interface {
		Lone() ([]source.Lone, uint64)
	}).Lone()
	if len(lone) != 1 || over != 0 {
		t.Fatalf("got %d (%d over), want one", len(lone), over)
	}
	l := lone[0]
	if l.Flow.SrcPort != 20050 || !strings.HasPrefix(l.Missing, "filterlog ") || len(l.By) != 1 || l.Host < 50 || l.Service != l.Host || l.Alike != l.Host {
		t.Errorf("got %+v", l)
	}
	if at := start.Add(500 * time.Second); l.Flow.Time.Sub(at).Abs() > time.Second {
		t.Errorf("by the clock that is the measure: got %s, want %s", l.Flow.Time, at)
	}
	if !l.From.Equal(start) || l.To.Before(start.Add(550*time.Second)) {
		t.Errorf("the other told from %s to %s", l.From, l.To)
	}
}

// TestAConnectionThatLastsIsNotMissed: what tells of connections when they end may
// still tell of one whose end nobody saw; and it told already if it said more of it.
func TestAConnectionThatLastsIsNotMissed(t *testing.T) {
	logs := map[string][]string{}
	zeek := func(at time.Time, port int) string {
		return fmt.Sprintf(`{"_path":"conn","ts":%d,"uid":"C%d","id.orig_h":"192.168.1.50","id.orig_p":%d,"id.resp_h":"203.0.113.7","id.resp_p":443,"proto":"tcp","conn_state":"SF"}`, at.Unix(), port, port)
	}
	for i := range 100 {
		at := start.Add(time.Duration(i) * 5 * time.Minute)
		logs["conntrack"] = append(logs["conntrack"], trackLine(at, "192.168.1.50", "192.168.1.50", "203.0.113.7", 20000+i, 20000+i))
		if i%40 != 20 {
			logs["zeek"] = append(logs["zeek"], zeek(at, 20000+i))
		}
		if i == 25 {
			logs["conntrack"] = append(logs["conntrack"], strings.Replace(trackLine(at, "192.168.1.50", "192.168.1.50", "203.0.113.7", 20020, 20020), "    [NEW] tcp      6 120 SYN_SENT", "[DESTROY] tcp      6", 1))
		}
	}
	_, s := connected(t, inputsOf(t, logs))
	lone, _ := s.(interface {
		Lone() ([]source.Lone, uint64)
	}).Lone()
	if len(lone) != 2 || lone[0].Flow.SrcPort != 20020 || lone[0].Lasting || lone[1].Flow.SrcPort != 20060 || !lone[1].Lasting {
		t.Errorf("got %+v, want one that has ended and one that may last", lone)
	}
}
