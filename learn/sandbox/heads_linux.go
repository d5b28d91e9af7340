package sandbox

import (
	"cmp"
	"errors"
	"net"
	"sync"
	"time"

	"tripline/learn"
	"tripline/learn/internal/dissect"
)

// opens sends what is said first. Who says it in pieces and takes his time is let go
// on, so that nobody hangs, but not let out of sight: the piece with the rest of a name
// is looked at before it leaves.
func (t *talk) opens(in *innerSide, out *outerSide, buf []byte) (admitted bool, err error) {
	sent := 0
	for more := true; more && err == nil; {
		var head []byte
		head, err = t.head(in, buf, sent)
		if name, how := said(head); name != "" {
			if !t.rename(name, how) {
				return false, nil
			}
		}
		if more = unsaid(head) && len(head) < mostHead; !more || err != nil {
			t.listen(head)
			t.follow(head, sent)
		}
		if sent < len(head) {
			_, e := mouth{t, out}.Write(head[sent:])
			sent, err = len(head), errors.Join(err, e)
		}
	}
	return !t.barred, err
}

// Bounds of what is looked at before it is sent.
const (
	mostHead = 16 << 10
	headWait = 3 * time.Second
)

var heads = sync.Pool{New: func() any { b := make([]byte, mostHead); return &b }}

// head reads on behind n bytes of what the command says first, as much as it takes to
// see a name in it.
func (t *talk) head(in *innerSide, buf []byte, n int) ([]byte, error) {
	m, err := in.Read(buf[n:])
	n += m
	if err != nil || !awaited(buf[:n]) {
		return buf[:n], err
	}
	in.SetReadDeadline(time.Now().Add(cmp.Or(t.b.patience, headWait))) //nolint:errcheck // it cannot
	for awaited(buf[:n]) && n < mostHead {
		if m, err = in.Read(buf[n:]); err != nil {
			break
		}
		n += m
	}
	in.SetReadDeadline(time.Time{}) //nolint:errcheck // it cannot
	if timedOut(err) {
		err = nil
	}
	return buf[:n], err
}

// awaited says whether more is needed to see a name, and likely to come at once.
func awaited(head []byte) bool {
	if _, state := dissect.TLS(head); state != dissect.Other {
		return state == dissect.More
	}
	return dissect.Usual(head) && unsaid(head)
}

// unsaid says whether more is needed to see a name.
func unsaid(head []byte) bool {
	if _, state := dissect.TLS(head); state != dissect.Other {
		return state == dissect.More
	}
	_, state := dissect.HTTP(head)
	return state == dissect.More
}

// said is the name in what a client says first.
func said(head []byte) (string, learn.Evidence) {
	if hello, state := dissect.TLS(head); state != dissect.Other {
		return string(hello.Name), learn.SNI
	}
	request, state := dissect.HTTP(head)
	if state == dissect.Other {
		return "", learn.Unnamed
	}
	return saidBy(request)
}

func saidBy(r dissect.Request) (string, learn.Evidence) {
	switch {
	case r.Host == nil:
		return "", learn.Unnamed
	case r.Proxy:
		return string(r.Host), learn.Proxy
	}
	return string(r.Host), learn.HTTP
}

func timedOut(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}
