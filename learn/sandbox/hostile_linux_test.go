package sandbox

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tripline/learn"
)

// What left before the other side ended a connection is counted: who is resets again and
// again would send without it.
func TestBytesOfAWriteThatFailsAreCounted(t *testing.T) {
	talk := &talk{b: &box{}}
	mouth{talk, partWriter(300)}.Write(make([]byte, 1000))
	if sent := talk.up.Load(); sent != 300 {
		t.Errorf("%d bytes are counted, 300 left", sent)
	}
}

type partWriter int

func (p partWriter) Write(data []byte) (int, error) {
	return min(len(data), int(p)), syscall.ECONNRESET
}

// A command that got hold of the socket of its first process sends descriptors over it.
// They are not kept.
func TestDescriptorsThatNobodyAskedForAreClosed(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{o: &Options{Command: []string{"x"}}, control: control{os.NewFile(uintptr(pair[0]), "control")}, ended: make(chan struct{})}
	theirs := control{os.NewFile(uintptr(pair[1]), "control")}
	close(r.ended)
	defer r.control.f.Close()
	before := descriptors(t)
	for range 10 {
		if err := theirs.send(report{}, 0, 1, 2); err != nil {
			t.Fatal(err)
		}
	}
	theirs.f.Close()
	r.follow()
	if n := descriptors(t); n >= before {
		t.Errorf("%d descriptors were kept", n-before+1)
	}
}

// A listener that fails once, as where descriptors have run out, is listened to again.
func TestPortIsServedAfterAFailure(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	echo := echoServer(t)
	b := &box{sockets: newSockets()}
	b.pass(ctx, &failingOnce{Listener: l}, func() (net.Conn, error) { return net.Dial("tcp", echo.String()) })
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "hello")
	c.(*net.TCPConn).CloseWrite()
	if got, err := all(c); got != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
}

type failingOnce struct {
	net.Listener

	failed bool
}

func (f *failingOnce) Accept() (net.Conn, error) {
	if !f.failed {
		f.failed = true
		return nil, &net.OpError{Op: "accept", Err: errors.Join(syscall.EMFILE)}
	}
	return f.Listener.Accept()
}

// However a name is said that servers understand, it is decided on before it leaves.
func TestNamesAreFoundHoweverTheyAreSaid(t *testing.T) {
	hello := string(helloRecord(t, "evil.example"))
	var bytewise strings.Builder
	for _, c := range []byte(hello[5:]) {
		bytewise.Write([]byte{22, 3, 1, 0, 1, c})
	}
	for how, text := range map[string]string{
		"a request":              "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
		"behind an empty line":   "\r\nGET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
		"by another method":      "PURGE / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
		"by a small one":         "get / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
		"with tabs":              "GET\t/\tHTTP/1.1\r\nHost: evil.example\r\n\r\n",
		"on the next line":       "GET / HTTP/1.1\r\nHost:\r\n evil.example\r\n\r\n",
		"before a colon":         "GET / HTTP/1.1\r\nHost : evil.example\r\n\r\n",
		"as a URL":               "GET HTTP://x@EVIL.example:80/ HTTP/1.1\r\nHost: good.example\r\n\r\n",
		"with a dot at its end":  "GET / HTTP/1.1\r\nHost: evil.example.\r\n\r\n",
		"a hello":                hello,
		"behind an empty record": "\x16\x03\x01\x00\x00" + hello,
		"behind a warning":       "\x15\x03\x01\x00\x02\x01\x5a" + hello,
		"of another version":     "\x16\x02\x01" + hello[3:],
		"a byte in each record":  bytewise.String(),
	} {
		t.Run(how, func(t *testing.T) {
			got := make(chan string, 1)
			s := server(t, func(c net.Conn) {
				data, _ := io.ReadAll(c)
				got <- string(data)
			})
			l := newLab(t, Options{Dial: dialTo(s), Decide: notEvil})
			c, err := l.dial("203.0.113.5:80")
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			io.WriteString(c, text)
			c.CloseWrite()
			if data := <-got; strings.Contains(data, "evil") || len(data) == len(text) {
				t.Errorf("%q left", data)
			}
			if f := l.told(1)[0]; f.Name != "evil.example" || f.Action != learn.Refused {
				t.Errorf("got %+v", f)
			}
		})
	}
}

// notEvil refuses one name.
func notEvil(f *learn.Flow) Decision {
	if f.Name == "evil.example" {
		return Refuse
	}
	return Admit
}

// helloRecord is what a client of TLS says first.
func helloRecord(t *testing.T, name string) []byte {
	t.Helper()
	a, b := net.Pipe()
	go tls.Client(b, &tls.Config{ServerName: name}).Handshake()
	defer a.Close()
	buf := make([]byte, 1<<14)
	if _, err := io.ReadFull(a, buf[:5]); err != nil {
		t.Fatal(err)
	}
	n := 5 + int(binary.BigEndian.Uint16(buf[3:]))
	if _, err := io.ReadFull(a, buf[5:n]); err != nil {
		t.Fatal(err)
	}
	return buf[:n]
}

// A command does not take the last descriptor: what it opens is refused before, and told.
func TestSocketsAreBounded(t *testing.T) {
	l := newLab(t, Options{Decide: admitAll, Dial: dialTo(echoServer(t))})
	l.box.sockets.left.Store(1)
	c, err := l.dial("203.0.113.5:7")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.dial("203.0.113.6:7"); err == nil {
		t.Error("there was a socket more than there may be")
	}
	if f := l.told(1)[0]; f.Dst != netip.MustParseAddr("203.0.113.6") || f.Up > 0 {
		t.Errorf("got %+v", f)
	}
	c.Close()
	l.told(2)
	for l.box.sockets.left.Load() == 0 { // it is given back when all is over
		time.Sleep(time.Millisecond)
	}
	if c, err = l.dial("203.0.113.7:7"); err != nil {
		t.Errorf("none was given back: %v", err)
	} else {
		c.Close()
	}
	if s := newSockets(); !s.take(1) || s.take(int64(mostDescriptors())) {
		t.Error("as many as there are descriptors")
	}
}

// An address of the sandbox's own that stands for nothing is nobody's outside either.
func TestAddressesOfNoNameLeadNowhere(t *testing.T) {
	l := newLab(t, Options{Decide: admitAll, Dial: dialTo(echoServer(t))})
	for i, to := range []string{"198.18.77.77:80", "198.19.255.3:80", "[fd74:7269:706c:1::99]:80", "[fd74:7269:706c::99]:80"} {
		if _, err := l.dial(to); err == nil {
			t.Errorf("%s was dialled", to)
		}
		if f := l.told(i + 1)[i]; f.Action != learn.Refused {
			t.Errorf("got %+v", f)
		}
	}
}

// A connection whose beginning is looked at when all is over is not told of: who would be
// told has gone.
func TestNothingBeginsWhenAllIsOver(t *testing.T) {
	l := newLab(t, Options{Decide: admitAll, Dial: dialTo(echoServer(t))})
	l.box.end()
	if c, err := l.dial("203.0.113.5:7"); err == nil {
		c.Close()
		t.Error("a connection was let out")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.flows) > 0 || l.box.crowded.Load() != 1 {
		t.Errorf("told of %+v, and %d counted", l.flows, l.box.crowded.Load())
	}
}
