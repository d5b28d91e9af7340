package source

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// A message is one line as it came.
type message struct {
	from netip.Addr
	at   time.Time
	text []byte
	bad  Cause // it could not be taken; text is then empty
}

// mostWaiting bounds, in bytes, what waits to be read.
const mostWaiting = 16 << 20

// A queue is what came and was not read yet. Connections wait where it is full;
// datagrams are dropped, and counted.
type queue struct {
	mu      sync.Mutex
	room    sync.Cond
	list    []message
	bytes   int
	dropped int64
	failed  error // why nothing more will come
	closed  bool
	wake    chan struct{}
}

func newQueue() *queue {
	q := &queue{wake: make(chan struct{}, 1)}
	q.room.L = &q.mu
	return q
}

// put adds a message. It says whether the queue takes more.
func (q *queue) put(m message, wait bool) bool {
	const overhead = 100
	q.mu.Lock()
	defer q.mu.Unlock()
	for wait && q.bytes > mostWaiting && !q.closed {
		q.room.Wait()
	}
	switch {
	case q.closed:
		return false
	case q.bytes > mostWaiting:
		q.dropped++
		return true
	}
	q.list = append(q.list, m)
	q.bytes += len(m.text) + overhead
	q.poke()
	return true
}

// poke wakes who waits for a message.
func (q *queue) poke() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take returns all there is, and gives back the room of the list before.
func (q *queue) take(last []message) ([]message, error) {
	clear(last)
	q.mu.Lock()
	defer q.mu.Unlock()
	list := q.list
	q.list, q.bytes = last[:0], 0
	q.room.Broadcast()
	if len(list) == 0 {
		return list, q.failed
	}
	return list, nil
}

// drop counts datagrams that the kernel threw away.
func (q *queue) drop(n int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dropped += n
}

func (q *queue) lost() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}

// fail ends the queue: what is in it is read, then err is returned.
func (q *queue) fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.failed == nil {
		q.failed = err
	}
	q.poke()
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.room.Broadcast()
}

// waiting says whether there is something to take.
func (q *queue) waiting() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.list) > 0 || q.failed != nil
}

// wait returns when there is, when d has passed or when ctx ends.
func (q *queue) wait(ctx context.Context, d time.Duration) error {
	timer, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	for !q.waiting() {
		select {
		case <-timer.Done():
			return ctx.Err()
		case <-q.wake:
		}
	}
	return ctx.Err()
}
