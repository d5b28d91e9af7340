package source_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tripline/learn"
	"tripline/learn/source"
)

const netflowFixtures = "../../testdata/source/netflow/"

// netflowStream opens a stream of a file.
func netflowStream(t testing.TB, path string, cursor []byte, o source.StreamOptions) source.Stream {
	t.Helper()
	s, err := source.Find("netflow")
	if err != nil {
		t.Fatal(err)
	}
	st, err := source.Open(s, path, cursor, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

// netflowFile writes a file of datagrams.
func netflowFile(t testing.TB, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "flows.dat")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A got is what Next returned.
type got struct {
	record source.Record
	err    *source.RecordError
}

// rest reads all there is, n at most.
func rest(t testing.TB, s source.Stream, n int) (all []got) {
	t.Helper()
	for len(all) < n {
		var g got
		err := s.Next(&g.record)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.As(err, &g.err) {
			t.Fatal(err)
		}
		all = append(all, g)
	}
	return all
}

const all = 1 << 30

// counted are the flows among what was read.
func counted(list []got) (flows []learn.Flow) {
	for _, g := range list {
		if g.record.Counted {
			flows = append(flows, g.record.Flow)
		}
	}
	return flows
}

func TestNetflowGolden(t *testing.T) {
	for name, sample := range map[string][]byte{"ok": okSample(), "bad": badSample(), "later": laterSample()} {
		goldenBytes(t, netflowFixtures+name+".dat", sample)
		goldenNetflow(t, name, ".dat")
	}
}

// goldenNetflow compares what is read of a file with the lines beside it.
func goldenNetflow(t *testing.T, name, ending string) {
	t.Helper()
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	for _, g := range rest(t, netflowStream(t, netflowFixtures+name+ending, nil, source.StreamOptions{Options: home, Whole: true}), all) {
		shown := map[string]any{"error": ""}
		if g.err != nil {
			shown["error"] = g.err.Error()
		} else {
			shown = shownNetflow(&g.record)
		}
		if err := enc.Encode(shown); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, netflowFixtures+name+".jsonl", text.Bytes())
}

func shownNetflow(r *source.Record) map[string]any {
	m := map[string]any{
		"time": r.Time.Format(time.RFC3339Nano), "act": r.Act, "direction": r.Direction, "proto": r.Proto.String(),
		"src": netip.AddrPortFrom(r.Src, r.SrcPort), "dst": netip.AddrPortFrom(r.Dst, r.DstPort),
		"up": r.Up, "down": r.Down, "counted": r.Counted, "why": r.Why,
	}
	for name, text := range map[string]string{"flags": r.Flags, "icmp": r.ICMP, "name": r.Name, "interface": r.Interface} {
		if text != "" {
			m[name] = text
		}
	}
	return m
}

// goldenBytes compares a sample with the code that made it.
func goldenBytes(t *testing.T, file string, made []byte) {
	t.Helper()
	if *update || os.Getenv("TRIPLINE_UPDATE") != "" {
		if err := os.WriteFile(file, made, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	there, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(there, made) {
		t.Errorf("%s is not what the test makes of it", file)
	}
}

// Whatever was read before a restart, going on gives the same as never stopping.
func TestNetflowGoesOnFromACursor(t *testing.T) {
	path := netflowFile(t, glue(okSample(), badSample()))
	o := source.StreamOptions{Options: home}
	want := rest(t, netflowStream(t, path, nil, o), all)
	for n := range want {
		before := netflowStream(t, path, nil, o)
		rest(t, before, n)
		cursor, err := before.Cursor()
		if err != nil {
			t.Fatal(err)
		}
		after := rest(t, netflowStream(t, path, cursor, o), all)
		if diff := cmp.Diff(want[n:], after, cmp.AllowUnexported(got{}), netflowCompare); diff != "" {
			t.Fatalf("after %d of %d (-without a stop +with):\n%s", n, len(want), diff)
		}
	}
}

var netflowCompare = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmpopts.EquateEmpty(),
}

// A file that has grown, or has another name now, is read on.
func TestNetflowFileThatHasGrown(t *testing.T) {
	ok := okSample()
	path := netflowFile(t, ok[:len(v5(0, 0, make([]leg, 0)...))+6*48+10]) // in the middle of the second datagram
	o := source.StreamOptions{Options: home}
	first := netflowStream(t, path, nil, o)
	n := len(rest(t, first, all))
	if first.Stats().Torn == 0 || n == 0 {
		t.Fatalf("got %d records and %d torn bytes, want some", n, first.Stats().Torn)
	}
	cursor, err := first.Cursor()
	if err != nil {
		t.Fatal(err)
	}
	grown := netflowFile(t, ok)
	if again := rest(t, netflowStream(t, grown, cursor, o), all); len(counted(again)) != len(counted(rest(t, netflowStream(t, grown, nil, o), all)))-2 {
		t.Errorf("got %d flows behind the first two", len(counted(again)))
	}
	o.Known = [][]byte{cursor}
	if again := netflowStream(t, grown, nil, o); len(counted(rest(t, again, all))) == 0 {
		t.Error("a known content has nothing behind the place")
	}
	other := netflowFile(t, badSample())
	if got := len(rest(t, netflowStream(t, other, cursor, source.StreamOptions{Options: home}), all)); got == 0 {
		t.Error("another file with the same name was not read")
	}
}

func TestNetflowRefusesWhatItIsNot(t *testing.T) {
	s, err := source.Find("netflow")
	if err != nil {
		t.Fatal(err)
	}
	for text, hint := range map[string]string{
		"\x0c\xa5\x01\x00":         "nfdump",
		"\x00\x00\x00\x05\x00\x00": "sFlow",
		"\x00\x08\x00\x01":         "v5, v9 or IPFIX",
		"Mar 28 12:00:00 fw":       "tripline sources",
	} {
		_, err := source.Open(s, netflowFile(t, []byte(text)), nil, source.StreamOptions{})
		if err == nil || !bytes.Contains([]byte(learn.HintOf(err)), []byte(hint)) {
			t.Errorf("%q: got %v with hint %q, want %q", text, err, learn.HintOf(err), hint)
		}
	}
	for _, path := range []string{"tcp://127.0.0.1:2055", "udp://here:2055", "udp://127.0.0.1:2055"} {
		if _, err := source.Open(s, path, nil, source.StreamOptions{}); err == nil || learn.HintOf(err) == "" {
			t.Errorf("%s: got %v, want an error with a hint", path, err)
		}
	}
	if _, err := source.Open(s, netflowFile(t, okSample()), nil, source.StreamOptions{Follow: true}); err == nil || learn.HintOf(err) == "" {
		t.Errorf("got %v, want that a file cannot be followed", err)
	}
}

// FuzzNetflow holds the promises of a source on any datagrams.
func FuzzNetflow(f *testing.F) {
	f.Add(okSample())
	f.Add(badSample())
	dump, err := os.ReadFile(netflowFixtures + "dump.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(dump)
	s, err := source.Find("netflow")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		st, err := source.Open(s, "-", nil, source.StreamOptions{Options: home, Stdin: bytes.NewReader(data), Whole: true})
		if err != nil {
			return // it begins like something else
		}
		for range 1 << 17 {
			var r source.Record
			err := st.Next(&r)
			switch {
			case errors.Is(err, io.EOF):
				return
			case err == nil:
				promisesOfARecord(t, &r)
				if name, ok := learn.CanonicalName(r.Name); r.Name != "" && (!ok || name != r.Name) {
					t.Errorf("got name %q", r.Name)
				}
			case errors.As(err, new(*source.RecordError)):
			default:
				return // a compressed file or a capture that is damaged
			}
		}
	})
}

// BenchmarkNetflow reads, joins and judges.
func BenchmarkNetflow(b *testing.B) {
	var data []byte
	const datagrams, pairs = 500, 12
	for i := range datagrams {
		var legs []leg
		for k := range pairs {
			n := i*pairs + k
			l := leg{src: "192.0.2.50", dst: "203.0.113.7", sport: uint16(1024 + n), dport: 443, proto: 6, flags: 0x1b, octets: 1000, packets: 9, from: 9 * time.Second}
			legs = append(legs, l, l.turned(9000))
		}
		data = append(data, v5(uint32(i*2*pairs), 0, legs...)...)
	}
	path := netflowFile(b, data)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		flows := 0
		st := netflowStream(b, path, nil, source.StreamOptions{Options: home})
		var r source.Record
		for st.Next(&r) == nil {
			flows++
		}
		if flows != datagrams*pairs {
			b.Fatalf("got %d flows", flows)
		}
		n += 2 * flows
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}
