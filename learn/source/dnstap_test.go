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
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/dns/dnsmessage"

	"tripline/learn"
	"tripline/learn/source"
)

const tapFixture = "../../testdata/source/dnstap/ok.fstrm"

// A tapEncoder writes dnstap as resolvers do.
type tapEncoder struct{ bytes.Buffer }

func (e *tapEncoder) control(kind uint32, content string) {
	length := uint32(4)
	if content != "" {
		length += 8 + uint32(len(content))
	}
	for _, n := range []uint32{0, length, kind} {
		_ = binary.Write(e, binary.BigEndian, n)
	}
	if content != "" {
		_ = binary.Write(e, binary.BigEndian, []uint32{1, uint32(len(content))})
		e.WriteString(content)
	}
}

func (e *tapEncoder) frame(payload []byte) {
	_ = binary.Write(e, binary.BigEndian, uint32(len(payload)))
	e.Write(payload)
}

const tapContent = "protobuf:dnstap.Dnstap"

// A tap is one message to encode.
type tap struct {
	kind, transport  uint64
	client, resolver netip.Addr
	port             uint64
	at               time.Time
	response         []byte
}

func (m *tap) payload() []byte {
	var b []byte
	number := func(field, n uint64) { b = binary.AppendUvarint(binary.AppendUvarint(b, field<<3), n) }
	text := func(field uint64, t []byte) {
		b = append(binary.AppendUvarint(binary.AppendUvarint(b, field<<3|2), uint64(len(t))), t...)
	}
	number(1, m.kind)
	number(2, 1)
	number(3, m.transport)
	text(4, m.client.AsSlice())
	text(5, m.resolver.AsSlice())
	number(6, m.port)
	number(7, 53)
	if !m.at.IsZero() {
		number(12, uint64(m.at.Unix()))
		b = binary.LittleEndian.AppendUint32(binary.AppendUvarint(b, 13<<3|5), uint32(m.at.Nanosecond()))
	}
	text(14, m.response)
	inner := b
	b = nil
	text(1, []byte("ns.example"))
	text(2, []byte("resolver 1"))
	text(14, inner)
	number(15, 1)
	return b
}

// response builds an answer: the name, then aliases, then addresses.
func response(t testing.TB, rcode dnsmessage.RCode, names []string, addrs ...string) []byte {
	t.Helper()
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{Response: true, RCode: rcode})
	b.EnableCompression()
	head := func(name string) dnsmessage.ResourceHeader {
		return dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name), Class: dnsmessage.ClassINET, TTL: 300}
	}
	errs := []error{b.StartQuestions(), b.Question(dnsmessage.Question{Name: dnsmessage.MustNewName(names[0]), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}), b.StartAnswers()}
	for i, target := range names[1:] {
		errs = append(errs, b.CNAMEResource(head(names[i]), dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(target)}))
	}
	for _, text := range addrs {
		if a := netip.MustParseAddr(text); a.Is4() {
			errs = append(errs, b.AResource(head(names[len(names)-1]), dnsmessage.AResource{A: a.As4()}))
		} else {
			errs = append(errs, b.AAAAResource(head(names[len(names)-1]), dnsmessage.AAAAResource{AAAA: a.As16()}))
		}
	}
	message, err := b.Finish()
	if err = errors.Join(append(errs, err)...); err != nil {
		t.Fatal(err)
	}
	return message
}

// taps are what the fixture holds.
func taps(t testing.TB) []tap {
	at := answered.Add(-time.Hour).Add(250 * time.Millisecond)
	who, six, ns := netip.MustParseAddr("192.0.2.50"), netip.MustParseAddr("2001:db8::50"), netip.MustParseAddr("192.0.2.53")
	www := response(t, 0, []string{"www.example.", "edge.cdn.example."}, "203.0.113.20", "203.0.113.21")
	return []tap{
		{6, 1, who, ns, 40001, at, response(t, 0, []string{"multi.example."}, "203.0.113.10", "203.0.113.11", "2001:db8:9::10")},
		{5, 1, who, ns, 40002, at, nil},
		{6, 2, six, netip.MustParseAddr("2001:db8::53"), 40003, at.Add(time.Second), www},
		{6, 1, who, ns, 40004, at, response(t, dnsmessage.RCodeNameError, []string{"none.example."})},
		{4, 1, ns, netip.MustParseAddr("198.51.100.53"), 40005, at, www}, // the resolver's own
		{6, 4, netip.MustParseAddr("::ffff:192.0.2.50"), ns, 40006, at, www},
		{6, 1, netip.Addr{}, ns, 0, at, www},
		{6, 1, who, ns, 40007, time.Time{}, www},
		{6, 1, who, ns, 40008, at, []byte("no message")},
	}
}

func tapStream(t testing.TB) []byte {
	var e tapEncoder
	e.control(2, tapContent)
	for _, m := range taps(t) {
		e.frame(m.payload())
	}
	e.frame([]byte("no payload"))
	e.control(3, "")
	return e.Bytes()
}

func dnstapSource(t testing.TB) source.Source {
	t.Helper()
	s, err := source.Find("dnstap")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// drain reads what there is, one line of a golden file for each record.
func drain(t testing.TB, s source.Stream) (list []string) {
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
	for _, line := range drain(t, openTap(t, tapFixture, nil, source.StreamOptions{})) {
		got.WriteString(line)
	}
	golden(t, "../../testdata/source/dnstap/ok.jsonl", got.Bytes())
}

// A file of dnstap that grows is read as it does, and after a restart from where
// it was; another file of the same name is read from its beginning.
func TestAFileOfDnstapIsReadOnce(t *testing.T) {
	text := tapStream(t)
	whole := drain(t, openTap(t, tapFixture, nil, source.StreamOptions{}))
	path := filepath.Join(t.TempDir(), "tap.fstrm")
	var got []string
	var cursor []byte
	for cut := 0; cut <= len(text); cut += 37 {
		if err := os.WriteFile(path, text[:min(cut, len(text))], 0o600); err != nil {
			t.Fatal(err)
		}
		s := openTap(t, path, cursor, source.StreamOptions{})
		got = append(got, drain(t, s)...)
		var err error
		if cursor, err = s.Cursor(); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(bare(whole), bare(got)); diff != "" {
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
	if n := len(drain(t, openTap(t, path, cursor, source.StreamOptions{}))); n != 20 {
		t.Errorf("of another file, got %d records, want 20", n)
	}
}

// bare leaves out the numbers of records, which count from where reading began.
func bare(lines []string) (list []string) {
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

// await waits for records from a socket.
func await(t *testing.T, s source.Stream, n int) (list []string) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); len(list) < n; {
		if err := s.Wait(t.Context(), 100*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		if list = append(list, drain(t, s)...); time.Now().After(until) {
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
	await(t, s, n)
	_, _ = dialTap(t, path).Write(tapStream(t))
	await(t, s, n)
	_, _ = dialTap(t, path).Write([]byte("GET / HTTP/1.0\r\n\r\n"))
	if got := await(t, s, 1); len(got) != 1 || !bytes.Contains([]byte(got[0]), []byte("no frame stream")) {
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

// The answers of a real Unbound arrive as it gave them.
func TestDnstapOfUnbound(t *testing.T) {
	unbound, err := exec.LookPath("unbound")
	if err != nil {
		t.Skip("no unbound here: ", err)
	}
	dir := t.TempDir()
	port := freePort(t)
	sock := filepath.Join(dir, "tap.sock")
	s := openTap(t, "unix://"+sock, nil, source.StreamOptions{Follow: true})
	conf := filepath.Join(dir, "unbound.conf")
	text := "server:\n interface: 127.0.0.1\n port: " + port + "\n do-daemonize: no\n chroot: \"\"\n username: \"\"\n directory: " + dir + "\n pidfile: \"\"\n use-syslog: no\n" +
		" module-config: iterator\n local-zone: example. static\n local-data: \"multi.example. 60 A 203.0.113.10\"\n local-data: \"multi.example. 60 A 203.0.113.11\"\n" +
		"remote-control:\n control-enable: no\n" +
		"dnstap:\n dnstap-enable: yes\n dnstap-socket-path: " + sock + "\n dnstap-tls: no\n dnstap-send-identity: yes\n dnstap-log-client-response-messages: yes\n dnstap-log-client-query-messages: yes\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), unbound, "-d", "-p", "-c", conf)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for _, name := range []string{"multi.example.", "none.example."} {
		askDNS(t, "127.0.0.1:"+port, name)
	}
	var answers []map[string]any
	whys := map[source.Why]int{}
	for until := time.Now().Add(10 * time.Second); len(answers) < 1 || whys[source.NoAnswer] < 3; {
		if time.Now().After(until) {
			t.Fatalf("got %v and %v", answers, whys)
		}
		if err := s.Wait(t.Context(), 100*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		for _, line := range drain(t, s) {
			var m map[string]any
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatal(err)
			}
			if whys[source.Why(m["why"].(string))]++; m["name"] != nil {
				answers = append(answers, m)
			}
		}
	}
	want := map[string]any{"name": "multi.example", "client": "127.0.0.1", "ttl": "1m0s", "proto": "udp"}
	for key, value := range want {
		if answers[0][key] != value {
			t.Errorf("%s: got %v, want %v", key, answers[0][key], value)
		}
	}
	if addrs := answers[0]["addrs"].([]any); len(addrs) != 2 {
		t.Errorf("got addresses %v, want both", addrs)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, port, err := net.SplitHostPort(c.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// askDNS asks until it is answered.
func askDNS(t *testing.T, server, name string) {
	t.Helper()
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: 7, RecursionDesired: true})
	if err := errors.Join(b.StartQuestions(), b.Question(dnsmessage.Question{Name: dnsmessage.MustNewName(name), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET})); err != nil {
		t.Fatal(err)
	}
	question, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		c, err := net.Dial("udp", server)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(200 * time.Millisecond))
		_, _ = c.Write(question)
		n, err := c.Read(make([]byte, 512))
		_ = c.Close()
		if err == nil && n > 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s does not answer", server)
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
				if cmp.Diff(r, source.Record{}, addrs) != "" || bad.Cause == "" {
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
