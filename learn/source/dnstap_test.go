package source_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tripline/learn"
	"tripline/learn/source"
)

const tapFixture = "../../testdata/source/dnstap/ok.fstrm"

func dnstapSource(t testing.TB) source.Source {
	t.Helper()
	s, err := source.Find("dnstap")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// drainTap reads what there is, one line of a golden file for each record.
func drainTap(t testing.TB, s source.Stream) (list []string) {
	t.Helper()
	for {
		var r source.Record
		var shown any
		err := s.Next(&r)
		bad, isBad := errors.AsType[*source.RecordError](err)
		switch {
		case errors.Is(err, io.EOF):
			return list
		case isBad:
			shown = map[string]any{"error": bad.Error()}
		case err != nil:
			t.Fatal(err)
		default:
			promisesOfEvidence(t, &r)
			m := shownAnswer(&r)
			m["from"], m["to"], m["proto"] = netip.AddrPortFrom(r.Src, r.SrcPort), r.Dst, r.Proto.String()
			shown = m
		}
		text, err := json.Marshal(shown)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, string(text)+"\n")
	}
}

func openTap(t testing.TB, path string, cursor []byte, o source.StreamOptions) source.Stream {
	t.Helper()
	s, err := source.Open(dnstapSource(t), path, cursor, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestGoldenDnstap(t *testing.T) {
	golden(t, tapFixture, tapStream(t))
	var got bytes.Buffer
	for _, line := range drainTap(t, openTap(t, tapFixture, nil, source.StreamOptions{})) {
		got.WriteString(line)
	}
	golden(t, "../../testdata/source/dnstap/ok.jsonl", got.Bytes())
}

// A file of dnstap that grows is read as it does, and after a restart from where
// it was; another file of the same name is read from its beginning.
func TestAFileOfDnstapIsReadOnce(t *testing.T) {
	text := tapStream(t)
	whole := drainTap(t, openTap(t, tapFixture, nil, source.StreamOptions{}))
	path := filepath.Join(t.TempDir(), "tap.fstrm")
	var got []string
	var cursor []byte
	for cut := 0; cut <= len(text); cut += 37 {
		if err := os.WriteFile(path, text[:min(cut, len(text))], 0o600); err != nil {
			t.Fatal(err)
		}
		s := openTap(t, path, cursor, source.StreamOptions{})
		got = append(got, drainTap(t, s)...)
		var err error
		if cursor, err = s.Cursor(); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(bareTaps(whole), bareTaps(got)); diff != "" {
		t.Errorf("in pieces (-whole +pieces):\n%s", diff)
	}
	var other tapEncoder
	other.control(2, tapContent)
	m := taps(t)[2]
	m.at = m.at.Add(time.Hour)
	for range 20 {
		other.frame(m.payload())
	}
	if err := os.WriteFile(path, other.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := len(drainTap(t, openTap(t, path, cursor, source.StreamOptions{}))); n != 20 {
		t.Errorf("of another file, got %d records, want 20", n)
	}
}

// bareTaps leaves out the numbers of records, which count from where reading began.
func bareTaps(lines []string) (list []string) {
	for _, l := range lines {
		var m map[string]any
		if json.Unmarshal([]byte(l), &m) == nil && m["error"] != nil {
			l = "an error"
		}
		list = append(list, l)
	}
	return list
}

func TestWhatIsNoDnstapIsRefused(t *testing.T) {
	dir := t.TempDir()
	var dns, long tapEncoder
	dns.control(2, "protobuf:other")
	long.control(2, tapContent)
	_ = binary.Write(&long, binary.BigEndian, uint32(1<<20))
	for name, text := range map[string]string{
		"text": "Nov 22 12:00:00 dnsmasq[99]: started", "other": dns.String(), "long": long.String(),
		"zeros": string(make([]byte, 64)), "gzip": "\x1f\x8b\x08\x00\x00\x00",
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var r source.Record
		err := openTap(t, path, nil, source.StreamOptions{}).Next(&r)
		if err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: got %v, want it refused", name, err)
		}
	}
	for _, path := range []string{"udp://127.0.0.1:6000", "unix://run/x.sock", "tcp://127.0.0.1:1", "unix://" + dir + "/text"} {
		_, err := source.Open(dnstapSource(t), path, nil, source.StreamOptions{Follow: path != "tcp://127.0.0.1:1"})
		if err == nil {
			t.Errorf("%s was opened", path)
		}
	}
}

// awaitTap waits for records from a socket.
func awaitTap(t *testing.T, s source.Stream, n int) (list []string) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); len(list) < n; {
		if err := s.Wait(t.Context(), 100*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		if list = append(list, drainTap(t, s)...); time.Now().After(until) {
			t.Fatalf("got %d records, want %d: %s", len(list), n, list)
		}
	}
	return list
}

// A resolver that connects in both directions is answered, one that only sends is
// read, and who says something else is told of.
func TestResolversConnectToASocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tap.sock")
	s := openTap(t, "unix://"+path, nil, source.StreamOptions{Follow: true})
	both := dialTap(t, path)
	var e tapEncoder
	e.control(4, tapContent)
	_, _ = both.Write(e.Bytes())
	var want tapEncoder
	want.control(1, tapContent)
	got := make([]byte, want.Len())
	if _, err := io.ReadFull(both, got); err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Fatalf("READY was answered by %q, %v; want %q", got, err, want.Bytes())
	}
	_, _ = both.Write(tapStream(t))
	want.Reset()
	want.control(5, "")
	if _, err := io.ReadFull(both, got[:want.Len()]); err != nil || !bytes.Equal(got[:want.Len()], want.Bytes()) {
		t.Fatalf("STOP was answered by %q, %v; want FINISH", got[:want.Len()], err)
	}
	n := len(taps(t)) + 1
	awaitTap(t, s, n)
	_, _ = dialTap(t, path).Write(tapStream(t))
	awaitTap(t, s, n)
	_, _ = dialTap(t, path).Write([]byte("GET / HTTP/1.0\r\n\r\n"))
	if got := awaitTap(t, s, 1); len(got) != 1 || !bytes.Contains([]byte(got[0]), []byte("no frame stream")) {
		t.Errorf("got %s", got)
	}
	if _, err := source.Open(dnstapSource(t), "unix://"+path, nil, source.StreamOptions{Follow: true}); err == nil {
		t.Error("the socket was opened twice")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	openTap(t, "unix://"+path, nil, source.StreamOptions{Follow: true}) // after a crash or an end
}

func dialTap(t *testing.T, path string) net.Conn {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return c
}

// FuzzDnstap holds that any bytes are read to an end, within bounds, and that
// what comes of them is whole.
func FuzzDnstap(f *testing.F) {
	text := tapStream(f)
	f.Add(text)
	f.Add(text[:len(text)-5])
	for _, m := range taps(f) {
		var e tapEncoder
		e.control(2, tapContent)
		e.frame(m.payload())
		f.Add(e.Bytes())
	}
	s := dnstapSource(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		st, err := source.Open(s, "-", nil, source.StreamOptions{Stdin: bytes.NewReader(text)})
		if err != nil {
			t.Fatal(err)
		}
		for range len(text) + 2 {
			var r source.Record
			err := st.Next(&r)
			if bad, ok := errors.AsType[*source.RecordError](err); ok {
				if cmp.Diff(r, source.Record{}, sameAddrs) != "" || bad.Cause == "" {
					t.Errorf("got %v and %+v", bad, r)
				}
				continue
			}
			if err != nil {
				if !errors.Is(err, io.EOF) && learn.HintOf(err) == "" && err.Error() == "" {
					t.Errorf("got %v", err)
				}
				return
			}
			promisesOfEvidence(t, &r)
		}
		t.Errorf("more records than bytes")
	})
}
