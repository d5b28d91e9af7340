package sandbox

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tripline/learn"
)

// mirror is a server that answers with what it got, so that both ways are known.
func mirror(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, r.Body)
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// summed is what sha256sum says of the beginning of a file.
func summed(t *testing.T, path string, first int) learn.Sum {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(data[:min(first, len(data))])
}

// TestBodiesAreHashed sends a file up and down with programs that frame it in their
// own ways.
func TestBodiesAreHashed(t *testing.T) {
	tool(t, "curl")
	tool(t, "python3")
	const size = 300_000
	path := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(path, []byte(strings.Repeat("0123456789", size/10)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, command := range map[string][]string{
		"length": {"curl", "-s", "-o", "/dev/null", "-T", path, "http://203.0.113.5/"},
		"chunks": {"curl", "-s", "-o", "/dev/null", "-H", "Transfer-Encoding: chunked", "-T", path, "http://203.0.113.5:8080/"},
		"python": {"python3", "-c", `import sys, urllib.request as u; u.urlopen("http://203.0.113.5:1234/", open(sys.argv[1], "rb").read()).read()`, path},
	} {
		for _, first := range []int{64 << 10, 1 << 20} {
			_, out := users()[len(users())-1].run(t, trial{To: mirror(t), Hash: int64(first), Always: true}, command...)
			if out.Error != "" {
				t.Skipf("no sandbox here: %s", out.Error)
			}
			if len(out.Flows) != 1 || out.Flows[0].Payload == nil || len(out.Flows[0].Payload.Exchanges) != 1 {
				t.Fatalf("%s: got %+v", name, out.Flows)
			}
			x, want := out.Flows[0].Payload.Exchanges[0], learn.Body{Bytes: size, SHA256: summed(t, path, first)}
			if x.Up == nil || x.Down == nil || *x.Up != want || *x.Down != want {
				t.Errorf("%s, first %d: got %+v and %+v, want %+v", name, first, x.Up, x.Down, want)
			}
		}
	}
}

// TestNothingIsHashedUnasked says so of the flag, and of what is no HTTP.
func TestNothingIsHashedUnasked(t *testing.T) {
	for text, hash := range map[string]int64{
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi": 0,
		"EHLO a.example\r\n":                           1 << 10,
		"\x16\x03\x01\x00\x04\x01\x00\x00\x00":         1 << 10, // a hello of TLS
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00": 1 << 10,
	} {
		l := newLab(t, Options{Decide: admitAll, Dial: dialTo(echoServer(t)), HashPayload: hash})
		c, err := l.dial("203.0.113.5:25")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(c, text)
		c.CloseWrite()
		if got, err := all(c); err != nil || got != text {
			t.Errorf("got %q, %v", got, err)
		}
		c.Close()
		if f := l.told(1)[0]; f.Payload != nil {
			t.Errorf("%q: got %+v", text, f.Payload)
		}
	}
}

// TestServerThatSpeaksFirstIsNotListenedTo says that its words are taken for no answer.
func TestServerThatSpeaksFirstIsNotListenedTo(t *testing.T) {
	greeting := server(t, func(c net.Conn) {
		io.WriteString(c, "220 ready\r\n")
		io.Copy(io.Discard, c)
	})
	l := newLab(t, Options{Decide: admitAll, Dial: dialTo(greeting), HashPayload: 1 << 10})
	c, err := l.dial("203.0.113.5:25")
	if err != nil {
		t.Fatal(err)
	}
	io.ReadFull(c, make([]byte, 11))
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	c.Close()
	if f := l.told(1)[0]; f.Payload != nil || f.Up == 0 {
		t.Errorf("got %+v", f)
	}
}

func TestWithoutNamespacesNothingCanBeHashed(t *testing.T) {
	_, out := users()[0].run(t, trial{Bare: true, Hash: 1}, "true")
	if out.Status != 0 || !strings.Contains(out.Error, "payload hashes cannot be recorded without namespaces") {
		t.Errorf("got %+v", out)
	}
}
