package sandbox

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// What left before the other side ended a connection is counted: who is resets again and
// again would send without it.
func TestBytesOfAWriteThatFailsAreCounted(t *testing.T) {
	a, b := net.Pipe()
	go func() {
		b.Write(make([]byte, 1000))
		b.Close()
	}()
	sent := 0
	copied(partWriter(300), a, nil, func(n int) { sent += n })
	if sent != 300 {
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
	b := &box{}
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
