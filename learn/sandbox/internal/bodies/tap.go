package bodies

import (
	"sync"

	"tripline/learn"
)

// A Tap listens to one connection. Up and Down may be called by two goroutines, one
// each; End once neither is.
type Tap struct {
	first    int64
	up, down *side

	mu       sync.Mutex
	payload  learn.Payload
	asked    []question // that have no answer yet, in order
	switched bool       // what follows is no HTTP any more
}

// A question is a request that waits for its answer.
type question struct {
	method string
	leaves bool // it asks to speak something else from its end on
	number int  // of its exchange, -1 if that is not kept
}

// Bounds of what is kept: so many exchanges of a connection, and so many requests
// that wait for their answer.
const (
	mostExchanges = 1000
	mostAsked     = 1000
)

// New returns a tap that hashes the first bytes of each body.
func New(first int64) *Tap {
	t := &Tap{first: first, payload: learn.Payload{First: uint64(first)}}
	t.up, t.down = newSide(t.requests), newSide(t.answers)
	return t
}

// Up takes what the client is about to send. It keeps nothing of it.
func (t *Tap) Up(b []byte) { t.up.feed(b) }

// Down takes what the server has sent. It keeps nothing of it.
func (t *Tap) Down(b []byte) { t.down.feed(b) }

// End says that nothing follows, and returns what was hashed.
func (t *Tap) End() *learn.Payload {
	t.up.end()
	t.down.end()
	p := t.payload
	return &p
}

// stop notes why one side is not looked at any more; the first reason stays.
func (t *Tap) stop(why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.payload.Stopped == "" {
		t.payload.Stopped = why
	}
}

// Why looking at a connection stops.
const (
	stoppedStrange = "not understood as HTTP"
	stoppedAlone   = "an answer that nobody asked for"
	stoppedTunnel  = "CONNECT: what follows is for somebody else"
	stoppedUpgrade = "Upgrade: what follows is another protocol"
	stoppedLeft    = "more after a request to change the protocol that has no answer yet"
	stoppedMany    = "too many requests without an answer"
)

// ask notes a request that begins; false says that there are too many.
func (t *Tap) ask(method string, leaves bool) (number int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.asked) >= mostAsked {
		return 0, false
	}
	number = -1
	if len(t.payload.Exchanges) < mostExchanges {
		number = len(t.payload.Exchanges)
		t.payload.Exchanges = append(t.payload.Exchanges, learn.Exchange{})
	} else {
		t.payload.More++
	}
	t.asked = append(t.asked, question{method, leaves, number})
	return number, true
}

// next is the request that the next answer is for.
func (t *Tap) next() (question, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.asked) == 0 {
		return question{}, false
	}
	return t.asked[0], true
}

// answered notes that the final answer to a request has come.
func (t *Tap) answered() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked = t.asked[1:]
}

// leave notes that both sides speak something else from now on.
func (t *Tap) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.switched = true
}

// left says whether what the client sends now may be no HTTP: it was agreed so, or
// asked for and not answered yet.
func (t *Tap) left() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.switched {
		return true
	}
	for _, q := range t.asked {
		if q.leaves {
			return true
		}
	}
	return false
}

// keep notes a body of an exchange.
func (t *Tap) keep(number int, b *learn.Body, which func(*learn.Exchange) **learn.Body) {
	if b == nil || number < 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	*which(&t.payload.Exchanges[number]) = b
}
