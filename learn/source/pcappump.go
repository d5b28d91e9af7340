package source

import (
	"io"
	"sync"
	"time"
)

// A bytePump reads a pipe in the background. Its Read never waits: it returns
// [io.EOF] where there is nothing now.
type bytePump struct {
	mu    sync.Mutex
	room  *sync.Cond
	data  []byte
	err   error
	quit  bool
	ready chan struct{} // something changed
}

// mostPumped bounds what waits to be read: who writes is made to wait.
const mostPumped = 4 << 20

func startBytePump(in io.Reader) *bytePump {
	p := &bytePump{ready: make(chan struct{}, 1)}
	p.room = sync.NewCond(&p.mu)
	go p.run(in)
	return p
}

func (p *bytePump) run(in io.Reader) {
	b := make([]byte, 256<<10)
	for {
		n, err := in.Read(b)
		if p.put(b[:n], err) {
			return
		}
	}
}

func (p *bytePump) put(b []byte, err error) (end bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.data) > mostPumped && !p.quit {
		p.room.Wait()
	}
	p.data = append(p.data, b...)
	p.err = err
	select {
	case p.ready <- struct{}{}:
	default:
	}
	return err != nil || p.quit
}

// Read implements [io.Reader].
func (p *bytePump) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.data) == 0 {
		if p.err != nil {
			return 0, p.err
		}
		return 0, io.EOF
	}
	n := copy(b, p.data)
	p.data = append(p.data[:0], p.data[n:]...)
	p.room.Signal()
	return n, nil
}

// ended says whether the pipe was closed and all of it was read.
func (p *bytePump) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err != nil && len(p.data) == 0
}

// wait returns when there may be more, when d has passed, or when done is closed.
func (p *bytePump) wait(done <-chan struct{}, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-p.ready:
	case <-t.C:
	case <-done:
	}
}

func (p *bytePump) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.quit = true
	p.room.Signal()
}
