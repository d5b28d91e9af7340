package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// ports opens what is between the loopbacks: listed ports of this host inside,
// and published ones here.
func (r *running) ports(ctx context.Context) error {
	for i, fd := range r.fds[fdListen] {
		f := os.NewFile(uintptr(fd), "listen")
		l, err := net.FileListener(f)
		f.Close() //nolint:errcheck // the listener has its own
		if err != nil {
			return fmt.Errorf("host port %d: %w", r.o.HostPorts[i], err)
		}
		to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), r.o.HostPorts[i])
		r.box.pass(ctx, l, func() (net.Conn, error) {
			r.box.host.Add(1)
			return (&net.Dialer{}).DialContext(ctx, "tcp", to.String())
		})
	}
	delete(r.fds, fdListen)
	for _, p := range r.o.Publish {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", p.Listen.String())
		if err != nil {
			return fmt.Errorf("publish %s: %w", p.Listen, plainListen(err))
		}
		to := tcpip.FullAddress{NIC: nic, Addr: address(inside4.Addr()), Port: p.Port}
		r.box.pass(ctx, l, func() (net.Conn, error) {
			return gonet.DialContextTCP(ctx, r.box.stack, to, header.IPv4ProtocolNumber)
		})
	}
	return nil
}

// plainListen leaves out what is said before it.
func plainListen(err error) error {
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e.Err
	}
	return err
}

// acceptAgain is how long a listener that fails is left alone.
const acceptAgain = 50 * time.Millisecond

// pass hands on each connection that a listener gets, until ctx ends.
func (b *box) pass(ctx context.Context, l net.Listener, dial func() (net.Conn, error)) {
	context.AfterFunc(ctx, func() { l.Close() }) //nolint:errcheck // it is over
	b.live.Go(func() {
		for {
			c, err := l.Accept()
			switch {
			case errors.Is(err, net.ErrClosed):
				return
			case err != nil: // as where descriptors have run out
				time.Sleep(acceptAgain)
				continue
			}
			const both = 2
			if !b.sockets.take(both) {
				reset(c)
				continue
			}
			b.live.Go(func() {
				defer b.sockets.give(both)
				join(ctx, c, dial)
			})
		}
	})
}

// join copies between a connection and the one that it leads to.
func join(ctx context.Context, c net.Conn, dial func() (net.Conn, error)) {
	defer c.Close() //nolint:errcheck // what matters was written before
	to, err := dial()
	if err != nil {
		reset(c)
		return
	}
	defer to.Close()                                                 //nolint:errcheck // as above
	stop := context.AfterFunc(ctx, func() { c.Close(); to.Close() }) //nolint:errcheck // it is over
	defer stop()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{c, to}, {to, c}} {
		both.Go(func() {
			io.Copy(way[1], way[0]) //nolint:errcheck // it is over
			halfClose(way[1])
		})
	}
	both.Wait()
}
