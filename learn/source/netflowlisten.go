package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tripline/learn"
	"tripline/learn/source/internal/netflow"
)

// Bounds of what was received and not yet read.
const (
	mostQueued      = 1 << 13 // datagrams
	mostQueuedBytes = 16 << 20
)

// A netflowListener is datagrams that come in at a socket. They are taken off it
// at once, whatever else goes on.
type netflowListener struct {
	path    string
	conn    *net.UDPConn
	queue   chan netflow.Datagram
	first   *netflow.Datagram // that Wait has met
	count   int               // of datagrams that were read
	queued  atomic.Int64      // bytes
	read    atomic.Int64      // bytes, all in all
	dropped atomic.Int64      // here and by the kernel
	failed  chan struct{}
	err     error // set before failed is closed
	closing sync.Once
}

func listenNetflow(path string, o StreamOptions) (*netflowListener, error) {
	where, ok := strings.CutPrefix(path, "udp://")
	if !ok {
		return nil, learn.WithHint(fmt.Errorf("read %s: exporters send by UDP", path), "udp://0.0.0.0:2055")
	}
	if !o.Follow {
		return nil, learn.WithHint(fmt.Errorf("read %s: listening has no end", path), "add --follow")
	}
	at, err := netip.ParseAddrPort(where)
	if err != nil {
		return nil, learn.WithHint(fmt.Errorf("read %s: want udp://ADDRESS:PORT", path), "udp://0.0.0.0:2055, or udp://[::]:2055")
	}
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	widen(conn)
	l := &netflowListener{path: path, conn: conn, queue: make(chan netflow.Datagram, mostQueued), failed: make(chan struct{})}
	go l.receive()
	return l, nil
}

// receive takes datagrams until the socket is closed.
func (l *netflowListener) receive() {
	defer close(l.failed)
	b, control := make([]byte, netflow.Longest), make([]byte, 128)
	var drops dropCounter
	for {
		n, m, _, from, err := l.conn.ReadMsgUDPAddrPort(b, control)
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				l.err = err
			}
			return
		}
		l.dropped.Add(drops.more(control[:m]))
		l.put(netflow.Datagram{Exporter: from.Addr().Unmap(), Received: time.Now(), Data: append([]byte(nil), b[:n]...)})
	}
}

// put queues a datagram if there is room.
func (l *netflowListener) put(g netflow.Datagram) {
	size := int64(len(g.Data))
	if l.queued.Add(size) <= mostQueuedBytes {
		select {
		case l.queue <- g:
			return
		default:
		}
	}
	l.queued.Add(-size)
	l.dropped.Add(1)
}

// next implements [netflowInput].
func (l *netflowListener) next() (netflow.Datagram, error) {
	if g := l.first; g != nil {
		l.first = nil
		return l.taken(*g), nil
	}
	select {
	case g := <-l.queue:
		return l.taken(g), nil
	default:
	}
	select {
	case <-l.failed:
		if l.err != nil {
			return netflow.Datagram{}, fmt.Errorf("read %s: %w", l.path, l.err)
		}
	default:
	}
	return netflow.Datagram{}, io.EOF
}

func (l *netflowListener) taken(g netflow.Datagram) netflow.Datagram {
	l.queued.Add(-int64(len(g.Data)))
	l.read.Add(int64(len(g.Data)))
	l.count++
	return g
}

// drained implements [netflowInput].
func (l *netflowListener) drained() (now time.Time, end bool) { return time.Now(), false }

func (l *netflowListener) wait(ctx context.Context, d time.Duration) error {
	if l.first != nil {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case g := <-l.queue:
		l.first = &g
		return nil
	case <-l.failed:
		return l.err
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func (l *netflowListener) head() []byte { return nil }

func (l *netflowListener) number() int { return l.count }

func (l *netflowListener) name() string { return l.path }

func (l *netflowListener) progress() (done, total int64) { return l.read.Load(), 0 }

func (l *netflowListener) stats(s *Stats) {
	s.Bytes, s.Dropped = l.read.Load(), l.dropped.Load()
}

// Close implements [netflowInput].
func (l *netflowListener) Close() (err error) {
	l.closing.Do(func() {
		err = l.conn.Close()
		<-l.failed
	})
	return err
}
