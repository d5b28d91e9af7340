package sandbox

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// A server that does not listen while it speaks must not keep what it says from the
// command: with more both ways than all buffers hold, one that waits for both waits for
// ever.
func TestOneWayDoesNotWaitForTheOther(t *testing.T) {
	data := make([]byte, 24<<20)
	rand.NewChaCha8([32]byte{}).Read(data)
	request := append(fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: %d\r\n\r\n", len(data)), data...)
	for name, sent := range map[string][]byte{"anything": data, "a request": request, "requests, hashed": append(request, request...)} {
		t.Run(name, func(t *testing.T) {
			sum := make(chan [32]byte, 1)
			o := Options{Decide: admitAll}
			if strings.Contains(name, "hashed") {
				o.HashPayload = 1 << 10
			}
			o.Dial = dialTo(server(t, func(c net.Conn) {
				c.Write(sent)
				time.Sleep(50 * time.Millisecond)
				sum <- slowly(c)
			}))
			c, err := newLab(t, o).dial("203.0.113.5:7")
			if err != nil {
				t.Fatal(err)
			}
			c.SetDeadline(time.Now().Add(30 * time.Second))
			go func() {
				c.Write(sent)
				c.CloseWrite()
			}()
			if got, err := all(c); err != nil || got != string(sent) {
				t.Errorf("down: got %d bytes, %v", len(got), err)
			}
			select {
			case got := <-sum:
				if got != sha256.Sum256(sent) {
					t.Error("up: what came is not what was sent")
				}
			case <-time.After(30 * time.Second):
				t.Error("up: no end came")
			}
		})
	}
}

// slowly reads in pieces of any size, and returns the sum of all.
func slowly(r io.Reader) (sum [32]byte) {
	h, buf := sha256.New(), make([]byte, 300<<10)
	for {
		n, err := r.Read(buf[:1+rand.IntN(len(buf))])
		if h.Write(buf[:n]); err != nil {
			return [32]byte(h.Sum(nil))
		}
	}
}

// A thousand connections that nobody reads of are bounded together; one alone is not cut.
func TestWhatWaitsIsBounded(t *testing.T) {
	l, whole := newLab(t, Options{}), int64(0)
	for n := range int64(1000) {
		ep, err := l.box.stack.NewEndpoint(tcp.ProtocolNumber, ipv4.ProtocolNumber, new(waiter.Queue))
		if err != nil {
			t.Fatal(err)
		}
		usual := ep.SocketOptions().GetReceiveBufferSize()
		(&innerSide{ep: ep}).share(n + 1)
		sent, got := ep.SocketOptions().GetSendBufferSize(), ep.SocketOptions().GetReceiveBufferSize()
		if whole += sent + got; n == 0 && got != usual {
			t.Errorf("alone: got %d, want %d", got, usual)
		}
		ep.Close()
	}
	if whole > 200<<20 {
		t.Errorf("a thousand hold %d MiB", whole>>20)
	}
}

// What was written is the stack's again: a connection that falls silent then holds none of
// its memory.
func TestNothingLentIsKept(t *testing.T) {
	at := server(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	c, err := net.Dial("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	out, err := newOuterSide(c)
	if err != nil {
		t.Fatal(err)
	}
	l := loan{raw: out.raw}
	if err := l.once(&peeked{data: [][]byte{[]byte("some"), []byte("more")}}, mostLent); err != nil || l.sent != 8 {
		t.Fatalf("sent %d, %v", l.sent, err)
	}
	for _, b := range l.list[:cap(l.list)] {
		if b != nil {
			t.Errorf("%q is kept", b)
		}
	}
}

// A connection that the command reset ends, also where the server is silent and holds on
// to it: all that was sent before reaches it.
func TestResetEndsWhereTheServerIsSilent(t *testing.T) {
	for name, sent := range map[string]string{"anything": "hello", "a request": "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			got, over := make(chan string, 1), make(chan struct{})
			l := newLab(t, Options{Decide: admitAll, Dial: dialTo(server(t, func(c net.Conn) {
				text, _ := io.ReadAll(c)
				got <- string(text)
				<-over
			}))})
			t.Cleanup(func() { close(over) })
			c, err := l.dial("203.0.113.5:7")
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(c, sent)
			for deadline := time.Now().Add(10 * time.Second); l.box.moved.Load() == 0 && time.Now().Before(deadline); {
				time.Sleep(time.Millisecond)
			}
			for _, ep := range l.client.RegisteredEndpoints() {
				ep.Abort()
			}
			if text := <-got; text != sent {
				t.Errorf("the server got %q", text)
			}
			if f := l.told(1)[0]; f.Up != uint64(len(sent)) {
				t.Errorf("got %+v", f)
			}
		})
	}
}

// peeked is an endpoint that only shows what it has.
type peeked struct {
	tcpip.Endpoint
	data [][]byte
}

func (p *peeked) Read(to io.Writer, _ tcpip.ReadOptions) (tcpip.ReadResult, tcpip.Error) {
	for _, b := range p.data {
		if _, err := to.Write(b); err != nil {
			break
		}
	}
	return tcpip.ReadResult{}, nil
}
