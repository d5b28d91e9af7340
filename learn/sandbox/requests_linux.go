package sandbox

import (
	"io"
	"sync"

	"golang.org/x/sys/unix"

	"tripline/learn/internal/dissect"
	"tripline/learn/sandbox/internal/bodies"
)

// follow begins to look at each request, if what the command says first is one of HTTP:
// a proxy, and who serves many names, takes requests for several over one connection. The
// first bytes of it were sent.
func (t *talk) follow(head []byte, sent int) {
	if _, state := dissect.TLS(head); state != dissect.Other {
		return
	}
	if _, state := dissect.HTTP(head); state == dissect.Done || dissect.IsHTTP2(head) {
		t.requests, t.named = new(dissect.Requests), !dissect.IsHTTP2(head) // that begins without one
		t.requests.Feed(head[:sent])
	}
}

// spoken holds what is looked at; nobody who is silent has one.
var spoken = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

// speak sends what the command says in requests, until the end.
func (t *talk) speak(in *innerSide, out *outerSide) {
	heard := t.hears((*bodies.Tap).Up)
	for more := true; more; {
		if heard == nil && t.requests.Unread() > 0 {
			t.requests.Skip(in.lend(out.raw, t.requests.Unread(), t.sent))
			more = t.requests.Unread() == 0
			continue
		}
		in.await()
		buf := spoken.Get().(*[]byte)
		n, err := in.Read(*buf)
		if heard != nil {
			heard((*buf)[:n])
		}
		_, e := mouth{t, out}.Write((*buf)[:n])
		more = err == nil && e == nil
		spoken.Put(buf)
	}
}

// A mouth is the way out of what the command says, and counts it. Each request is decided
// on before the rest of it leaves, and told with its own bytes.
type mouth struct {
	t   *talk
	out io.Writer
}

// Write implements [io.Writer].
func (m mouth) Write(data []byte) (n int, err error) {
	if m.t.requests == nil {
		return m.pass(data)
	}
	for _, r := range m.t.requests.Feed(data) {
		if r.At > n {
			passed, err := m.pass(data[n:r.At])
			if n += passed; err != nil {
				return n, err
			}
		}
		if name, how := saidBy(r.Request); name != "" && !m.t.rename(name, how) {
			m.t.barred = true
			return n, unix.ECONNREFUSED
		}
	}
	passed, err := m.pass(data[n:])
	return n + passed, err
}

func (m mouth) pass(data []byte) (n int, err error) {
	n, err = m.out.Write(data)
	m.t.sent(n)
	return n, err
}
