package sandbox

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"tripline/learn"
)

// A pair is both ends of an exchange without connections. Of ICMP, the port of
// the sender is the identifier of its echoes.
type pair struct{ from, to netip.AddrPort }

// exchanges are those of UDP that go on.
type exchanges struct {
	b   *box
	mu  sync.Mutex
	all map[pair]*exchange
}

// An exchange is datagrams between two ends, until they fall silent.
type exchange struct {
	in     chan []byte   // from the command, until the outside is reached
	over   chan struct{} // closed when another socket has taken the port
	spoken uint64        // the moment of speaking when it was looked at last

	mu     sync.Mutex
	last   time.Time
	socket uint32 // the inode inside, 0 until it is known
}

// Bounds of exchanges: one is over when nothing came for as long; while the
// outside is being reached so many datagrams wait; so many go on at once.
const (
	idleDNS       = 10 * time.Second
	idleUDP       = 60 * time.Second
	waiting       = 64
	mostExchanges = 16384
)

// packet takes a datagram. It is on the way of every packet and must not wait.
func (x *exchanges) packet(id stack.TransportEndpointID, pkt *stack.PacketBuffer) bool {
	from, to := ends(id)
	data := pkt.Data().AsRange().ToSlice()
	if to.Addr() == gateway4 || to.Addr() == gateway6 {
		if to.Port() != 53 {
			return false
		}
		x.b.lookup(data, from, func(reply []byte) { x.b.datagram(to, from, reply) })
		return true
	}
	key := pair{from, to}
	x.mu.Lock()
	e := x.all[key]
	if e != nil && x.succeeded(key, e) {
		close(e.over)
		delete(x.all, key)
		e = nil
	}
	if e == nil {
		if len(x.all) >= mostExchanges {
			x.mu.Unlock()
			x.b.crowded.Add(1)
			return true
		}
		e = &exchange{in: make(chan []byte, waiting), over: make(chan struct{}), last: time.Now(), spoken: x.b.owner.moment()}
		x.all[key] = e
		x.b.sending.Add(1)
		x.b.live.Go(func() { x.carry(key, e) })
	}
	// Under the lock: an exchange that ends takes none any more.
	select {
	case e.in <- data:
	default: // as any router would
		x.b.crowded.Add(1)
	}
	x.mu.Unlock()
	return true
}

// succeeded says whether another socket has the port now: one process ended, and
// another one got it. It is looked at only when somebody began to speak to there.
func (x *exchanges) succeeded(key pair, e *exchange) bool {
	now, before := x.b.owner.moment(), e.spoken
	if now == before {
		return false
	}
	if e.spoken = now; x.b.owner.spoken(key.to) <= before {
		return false
	}
	e.mu.Lock()
	was := e.socket
	e.mu.Unlock()
	is := x.b.owner.socket(learn.UDP, key.from, key.to)
	return was != 0 && is != 0 && is != was
}

// carry is the life of an exchange.
func (x *exchanges) carry(key pair, e *exchange) {
	begun := sync.OnceFunc(func() { x.b.sending.Add(-1) })
	defer begun()
	t := x.b.begin(learn.UDP, key.from, key.to)
	e.mu.Lock()
	e.socket = t.socket
	e.mu.Unlock()
	first := <-e.in
	held, admitted := [][]byte{first}, t.choose()
	if admitted {
		held, admitted = t.opening(first, e.in)
	}
	if !admitted {
		x.refuse(key, e, t, first)
		return
	}
	t.goesOn()
	out, err := x.socket(t)
	if err != nil {
		x.drop(key, e)
		x.b.unreachable(key.from, key.to, first)
		t.fail(err)
		return
	}
	defer x.b.sockets.give(1)
	ctx, cancel := context.WithCancel(x.b.ctx)
	stop := context.AfterFunc(ctx, func() { out.Close() }) //nolint:errcheck // it is over
	defer stop()
	var back sync.WaitGroup
	back.Go(func() { defer cancel(); x.back(key, e, t, out) })
	for _, data := range held {
		x.send(t, out, data)
	}
	begun()
	idle := idleUDP
	if key.to.Port() == 53 {
		idle = idleDNS
	}
	admitted = x.forth(ctx, e, t, out, idle)
	x.drop(key, e)
	admitted = admitted && x.rest(e, t, out)
	cancel()
	back.Wait()
	if !admitted {
		x.refuse(key, e, t, first)
		return
	}
	t.end()
}

// socket opens the way outside.
func (x *exchanges) socket(t *talk) (net.Conn, error) {
	if !x.b.sockets.take(1) {
		return nil, syscall.EMFILE
	}
	out, err := x.b.way.reach(x.b.ctx, "udp", t.to[0])
	if err != nil {
		x.b.sockets.give(1)
	}
	return out, err
}

// refuse ends an exchange that is not let out.
func (x *exchanges) refuse(key pair, e *exchange, t *talk, about []byte) {
	x.drop(key, e)
	x.b.unreachable(key.from, key.to, about)
	t.refuse()
}

func (x *exchanges) drop(key pair, e *exchange) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.all[key] == e {
		delete(x.all, key)
	}
}

// forth sends what the command says until both sides are silent. It is false if
// that is not admitted any more.
func (x *exchanges) forth(ctx context.Context, e *exchange, t *talk, out net.Conn, idle time.Duration) bool {
	timer := time.NewTimer(idle)
	defer timer.Stop()
	for {
		select {
		case data := <-e.in:
			if !x.pass(t, out, data) {
				return false
			}
			e.touch()
		case <-timer.C:
			rest := idle - time.Since(e.touched())
			if rest <= 0 {
				return true
			}
			timer.Reset(rest)
		case <-e.over:
			return true
		case <-ctx.Done():
			return true
		}
	}
}

// rest sends what came while an exchange ended. It is false if that is not admitted.
func (x *exchanges) rest(e *exchange, t *talk, out net.Conn) bool {
	for {
		select {
		case data := <-e.in:
			if !x.pass(t, out, data) {
				return false
			}
		default:
			return true
		}
	}
}

// pass sends what may be sent.
func (x *exchanges) pass(t *talk, out net.Conn, data []byte) bool {
	admitted := t.says(data)
	if admitted {
		x.send(t, out, data)
	}
	return admitted
}

func (x *exchanges) send(t *talk, out net.Conn, data []byte) {
	if _, err := out.Write(data); err == nil {
		t.up.Add(uint64(len(data)))
	}
}

// back hands the command what the outside answers.
func (x *exchanges) back(key pair, e *exchange, t *talk, out net.Conn) {
	buf := make([]byte, 1<<16)
	for {
		n, err := out.Read(buf)
		switch {
		case errors.Is(err, syscall.ECONNREFUSED):
			x.b.unreachable(key.from, key.to, nil)
			continue
		case err != nil:
			return
		}
		e.touch()
		t.down.Add(uint64(n))
		if key.to.Port() == 53 {
			x.b.names.heard(buf[:n])
		}
		x.b.datagram(key.to, key.from, buf[:n])
	}
}

func (e *exchange) touch() {
	e.mu.Lock()
	e.last = time.Now()
	e.mu.Unlock()
}

func (e *exchange) touched() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.last
}
