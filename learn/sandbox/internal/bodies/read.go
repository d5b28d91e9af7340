package bodies

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"sync"

	"tripline/learn"
)

// requests reads what the client says.
func (t *Tap) requests(src *source) {
	r := bufio.NewReader(src)
	for src.begins(r) {
		if t.left() {
			t.stop(stoppedLeft)
			return
		}
		req, err := http.ReadRequest(r)
		if err != nil {
			t.strange(src)
			return
		}
		number, ok := t.ask(req.Method, leaves(req))
		if !ok {
			t.stop(stoppedMany)
			return
		}
		b, err := t.hash(src, req.Body)
		t.keep(number, b, func(x *learn.Exchange) **learn.Body { return &x.Up })
		if err != nil {
			t.strange(src)
			return
		}
	}
}

// leaves says whether a request asks to speak something else.
func leaves(r *http.Request) bool {
	return r.Method == http.MethodConnect || r.Header.Get("Upgrade") != ""
}

// answers reads what the server says.
func (t *Tap) answers(src *source) {
	r := bufio.NewReader(src)
	for src.begins(r) {
		q, ok := t.next()
		if !ok {
			t.stop(stoppedAlone)
			return
		}
		res, err := http.ReadResponse(r, &http.Request{Method: q.method}) //nolint:bodyclose // it is read to its end, and there is nothing to close
		if err != nil {
			t.strange(src)
			return
		}
		switch {
		case res.StatusCode == http.StatusSwitchingProtocols:
			t.leave()
			t.stop(stoppedUpgrade)
			return
		case q.method == http.MethodConnect && res.StatusCode/100 == 2:
			t.leave()
			t.stop(stoppedTunnel)
			return
		case res.StatusCode/100 == 1: // the answer is still to come
			continue
		}
		t.answered()
		b, err := t.hash(src, res.Body)
		t.keep(q.number, b, func(x *learn.Exchange) **learn.Body { return &x.Down })
		if err != nil {
			t.strange(src)
			return
		}
	}
}

// strange notes that a message was not understood. One that was cut off was, as far
// as it went.
func (t *Tap) strange(src *source) {
	if !src.ended {
		t.stop(stoppedStrange)
	}
}

// buffers are for what is read of bodies.
var buffers = sync.Pool{New: func() any { b := make([]byte, 16<<10); return &b }}

// hash reads a body to its end. It is nil if there is nothing in it.
func (t *Tap) hash(src *source, body io.Reader) (*learn.Body, error) {
	src.head = -1
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	h, b := sha256.New(), &learn.Body{}
	rest := t.first
	for {
		n, err := body.Read(*buf)
		b.Bytes += uint64(n)
		h.Write((*buf)[:min(int64(n), rest)])
		rest -= min(int64(n), rest)
		if err == nil {
			continue
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		if b.Cut = err != nil; b.Bytes == 0 {
			b = nil
		} else {
			h.Sum(b.SHA256[:0])
		}
		return b, err
	}
}
