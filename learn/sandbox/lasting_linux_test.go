package sandbox

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"tripline/learn"
)

// opened waits until a connection was told of that goes on.
func (l *lab) opened() Told {
	l.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		l.box.lasting.look(l.box.o.Flow)
		l.mu.Lock()
		open := append([]Told(nil), l.open...)
		l.mu.Unlock()
		if len(open) > 0 {
			return open[len(open)-1]
		}
	}
	l.t.Fatal("nothing was told to go on")
	return Told{}
}

func TestWhatLastsIsToldBeforeItsEnd(t *testing.T) {
	l := newLab(t, Options{Decide: admitAll, Dial: dialTo(echoServer(t))})
	c, err := l.dial("203.0.113.5:7")
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "hello")
	io.ReadFull(c, make([]byte, 5))
	open := l.opened()
	if open.Dst != netip.MustParseAddr("203.0.113.5") || open.Proto != learn.TCP || open.Rule != "no-name" || open.Number == 0 {
		t.Errorf("got %+v", open)
	}
	c.Close()
	f := l.told(1)[0]
	l.box.lasting.look(l.box.o.Flow)
	if f.Up != 5 || f.Down != 5 || !f.Time.Equal(open.Time) || l.opened().Number != open.Number || len(l.box.lasting.all) != 0 {
		t.Errorf("got %+v, and %+v lasts", f, l.box.lasting.all)
	}
}

// TestNameThatIsSaidLaterIsToldAgain says that what goes on is as well known as what
// has ended.
func TestNameThatIsSaidLaterIsToldAgain(t *testing.T) {
	l := newLab(t, Options{Decide: admitAll, Dial: dialTo(echoServer(t))})
	c, err := l.dial("203.0.113.5:80")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if open := l.opened(); open.Name != "" {
		t.Errorf("got %+v", open)
	}
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: web.example\r\n\r\n")
	io.ReadFull(c, make([]byte, 10))
	if open := l.opened(); open.Name != "web.example" || open.Rule != "" {
		t.Errorf("got %+v", open)
	}
}

// TestTryThatWaitsIsTold is of a server that does not answer.
func TestTryThatWaitsIsTold(t *testing.T) {
	l := newLab(t, Options{Decide: admitAll, Dial: func(ctx context.Context, _ string, _ netip.AddrPort) (net.Conn, error) {
		<-ctx.Done()
		return nil, errors.New("it is over")
	}})
	go l.dial("203.0.113.5:80")
	if open := l.opened(); open.DstPort != 80 || open.Up+open.Down != 0 {
		t.Errorf("got %+v", open)
	}
}
