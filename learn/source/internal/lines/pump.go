package lines

import (
	"errors"
	"io"
)

// errNotYet says that a stream has nothing now, but may have later.
var errNotYet = errors.New("nothing yet")

// A pump reads a stream in a goroutine, so that its reader never blocks.
type pump struct {
	full  chan []byte
	empty chan []byte
	quit  chan struct{}
	err   error // why full was closed
	chunk []byte
	rest  []byte
}

func startPump(name string, in io.Reader) *pump {
	p := &pump{full: make(chan []byte, 2), empty: make(chan []byte, 2), quit: make(chan struct{})}
	p.empty <- make([]byte, 64<<10)
	p.empty <- make([]byte, 64<<10)
	go p.run(&piece{name: name, in: in, raw: new(int64)})
	return p
}

// run decompresses too: finding out how waits for input.
func (p *pump) run(in *piece) {
	defer close(p.full)
	if p.err = in.decompress(); p.err != nil {
		return
	}
	for {
		var b []byte
		select {
		case b = <-p.empty:
		case <-p.quit:
			return
		}
		n, err := in.read(b[:cap(b)])
		p.full <- b[:n]
		if err != nil {
			p.err = err
			return
		}
	}
}

// Read returns what is there, or errNotYet.
func (p *pump) Read(b []byte) (int, error) {
	if len(p.rest) == 0 && !p.ready(nil) {
		return 0, errNotYet
	}
	if len(p.rest) == 0 && p.chunk == nil {
		return 0, p.err
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// ready waits for more until stop; without stop it only looks. At the end of
// the stream it is true, with no chunk.
func (p *pump) ready(stop <-chan struct{}) bool {
	if len(p.rest) > 0 {
		return true
	}
	p.release()
	if stop == nil {
		select {
		case b, ok := <-p.full:
			return p.take(b, ok)
		default:
			return false
		}
	}
	select {
	case b, ok := <-p.full:
		return p.take(b, ok)
	case <-stop:
		return false
	}
}

func (p *pump) take(b []byte, ok bool) bool {
	if ok {
		p.chunk, p.rest = b, b
	}
	return true
}

func (p *pump) release() {
	if p.chunk != nil {
		p.empty <- p.chunk
		p.chunk = nil
	}
}

func (p *pump) stop() { close(p.quit) }
