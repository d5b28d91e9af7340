package sandbox

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// Thousands of connections wait at once, each for two sides, and few of them speak: who
// is silent holds a small buffer, who speaks a large one.
var (
	heads = buffers(mostHead)
	small = buffers(4 << 10)
	large = buffers(256 << 10)
)

// silence is how long nothing may come until a large buffer is given back.
const silence = 200 * time.Millisecond

func buffers(size int) *sync.Pool {
	return &sync.Pool{New: func() any { b := make([]byte, size); return &b }}
}

// copied copies until the end, and counts. Who hears it does so first.
func copied(to io.Writer, from net.Conn, heard func([]byte), count func(int)) {
	r := reading{c: from}
	r.change(small)
	defer r.change(nil)
	for {
		data, err := r.next()
		if len(data) > 0 {
			if heard != nil {
				heard(data)
			}
			n, e := to.Write(data)
			if count(n); e != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// A reading is what is read next of a connection.
type reading struct {
	c     net.Conn
	pool  *sync.Pool // that the buffer is of
	buf   *[]byte
	full  bool      // the last read filled it
	until time.Time // when a large one is given back
}

// next returns what comes, which holds until the next call; nothing after a silence.
func (r *reading) next() ([]byte, error) {
	if r.full && r.pool == small {
		r.change(large)
	}
	if r.pool == large {
		r.wait()
	}
	n, err := r.c.Read(*r.buf)
	if r.full = n == len(*r.buf); r.pool == large && timedOut(err) {
		r.change(small)
		return nil, r.c.SetReadDeadline(time.Time{})
	}
	return (*r.buf)[:n], err
}

// wait has the next read end after a silence. Setting that costs, so it is done now and then.
func (r *reading) wait() {
	if now := time.Now(); r.until.Sub(now) < silence/2 {
		r.until = now.Add(silence)
		r.c.SetReadDeadline(r.until) //nolint:errcheck // then it waits with the large one
	}
}

// change gives the buffer back and takes another one, if any.
func (r *reading) change(pool *sync.Pool) {
	if r.pool != nil {
		r.pool.Put(r.buf)
	}
	if r.pool, r.until = pool, (time.Time{}); pool != nil {
		r.buf = pool.Get().(*[]byte)
	}
}

func timedOut(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}
