package sandbox

import (
	"context"
	"errors"
	"math"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"

	"tripline/learn"
	"tripline/learn/sandbox/internal/bodies"
)

// tcp takes a connection that begins. Nothing was answered yet: what is refused
// here or outside is refused for the command as well.
func (b *box) tcp(r *tcp.ForwarderRequest) {
	from, to := ends(r.ID())
	if to.Addr() == gateway4 || to.Addr() == gateway6 {
		b.tcpGateway(r, from, to)
		return
	}
	if !b.enter() {
		r.Complete(true)
		return
	}
	defer b.live.Done()
	t := b.begin(learn.TCP, from, to)
	if !t.choose() {
		r.Complete(true)
		t.refuse()
		return
	}
	if !b.sockets.take(1) {
		t.lost(r, syscall.EMFILE)
		return
	}
	defer b.sockets.give(1)
	out, err := t.reach()
	if err != nil {
		t.lost(r, err)
		return
	}
	defer out.Close() //nolint:errcheck // what matters was written before
	in, err := b.accept(r)
	if err != nil { // the command gave up meanwhile
		t.end()
		return
	}
	t.carry(in, out)
}

// reach dials the addresses that are admitted, one after the other. Where that fails, it
// is said of the last one that was on its way.
func (t *talk) reach() (*outerSide, error) {
	var err error = syscall.EHOSTUNREACH
	at := t.flow.Dst
	for i, to := range t.to {
		t.flow.Dst = to.Addr()
		t.goesOn()
		out, e := t.b.way.try(t.b.ctx, to, i == len(t.to)-1)
		if e == nil {
			return newOuterSide(out)
		}
		if i == 0 || !unsent(e) {
			err, at = e, to.Addr()
		}
	}
	t.flow.Dst = at
	return nil, err
}

// lost ends a talk that the outside did not take. One that did not answer for so
// long is not answered either.
func (t *talk) lost(r *tcp.ForwarderRequest, err error) {
	r.Complete(!errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, syscall.ETIMEDOUT))
	t.fail(err)
}

// fail ends a talk that could not be let out. One that was never on its way is not
// told of, unless it was already.
func (t *talk) fail(err error) {
	t.b.failed.Add(1)
	if told := t.ends(); told || !unsent(err) {
		t.end()
	}
}

// accept answers the command. One that is gone does not answer back, and is not waited
// for when all is over.
func (b *box) accept(r *tcp.ForwarderRequest) (*innerSide, error) {
	type end struct {
		ep  tcpip.Endpoint
		err tcpip.Error
	}
	wq, made := new(waiter.Queue), make(chan end, 1)
	go func() {
		ep, err := r.CreateEndpoint(wq)
		r.Complete(err != nil)
		made <- end{ep, err}
	}()
	select {
	case e := <-made:
		if e.err != nil {
			return nil, errors.New(e.err.String())
		}
		e.ep.SocketOptions().SetDelayOption(false)
		e.ep.SocketOptions().SetKeepAlive(true) // a child that is gone says nothing
		return &innerSide{gonet.NewTCPConn(wq, e.ep), e.ep, wq}, nil
	case <-b.ctx.Done():
		return nil, b.ctx.Err()
	}
}

// carry copies both ways until both have ended, and tells of the talk.
func (t *talk) carry(in *innerSide, out *outerSide) {
	defer in.Close()                                                       //nolint:errcheck // what matters was written before
	stop := context.AfterFunc(t.b.ctx, func() { in.Close(); out.Close() }) //nolint:errcheck // it is over
	defer stop()
	in.share(t.b.carried.Add(1))
	defer t.b.carried.Add(-1)
	var back sync.WaitGroup
	back.Go(func() {
		in.fill(out.raw, t.hears((*bodies.Tap).Down), t.got)
		in.CloseWrite() //nolint:errcheck // it may be gone
	})
	if t.forth(in, out) {
		halfClose(out.Conn)
		if in.gone() {
			out.SetReadDeadline(time.Unix(1, 0)) //nolint:errcheck // it cannot
		}
		back.Wait()
		t.end()
		return
	}
	reset(out.Conn)
	in.Close() //nolint:errcheck // it is to notice
	back.Wait()
	t.refuse()
}

// forth sends what the command says, once it was looked at who it says it talks
// to. It is false if that is not admitted.
func (t *talk) forth(in *innerSide, out *outerSide) bool {
	t.b.sending.Add(1)
	defer t.b.sending.Add(-1)
	in.await()
	first := heads.Get().(*[]byte)
	admitted, err := t.opens(in, out, *first)
	heads.Put(first)
	switch {
	case !admitted || err != nil:
	case t.requests == nil && t.tap.Load() == nil:
		in.lend(out.raw, math.MaxUint64, t.sent)
	default:
		t.speak(in, out)
	}
	return admitted && !t.barred
}

func (t *talk) sent(n int) {
	t.up.Add(uint64(n))
	t.b.moved.Add(uint64(n))
}

func (t *talk) got(n int) { t.down.Add(uint64(n)) }

func halfClose(c net.Conn) {
	if w, ok := c.(interface{ CloseWrite() error }); ok {
		w.CloseWrite() //nolint:errcheck // it may be gone
	}
}

// reset ends a connection so that the other side does not take it for done.
func reset(c net.Conn) {
	if l, ok := c.(interface{ SetLinger(int) error }); ok {
		l.SetLinger(0) //nolint:errcheck // it may be gone
	}
	c.Close() //nolint:errcheck // nothing was written
}

// mostGateway is how many connections there are for questions at once.
const mostGateway = 512

// tcpGateway answers questions for names that come by TCP.
func (b *box) tcpGateway(r *tcp.ForwarderRequest, from, to netip.AddrPort) {
	defer b.gateway.Add(-1)
	if b.gateway.Add(1) > mostGateway || to.Port() != 53 {
		r.Complete(true)
		return
	}
	in, err := b.accept(r)
	if err != nil {
		return
	}
	defer in.Close() //nolint:errcheck // it is over
	b.lookups(in, from)
}
