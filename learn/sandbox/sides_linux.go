package sandbox

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// An innerSide is the command's side of a connection. What goes either way is not copied
// between the stack and the outside: who is silent costs no buffer.
type innerSide struct {
	*gonet.TCPConn

	ep tcpip.Endpoint
	wq *waiter.Queue
}

// Bounds of what waits in the stack, each way: one connection is the quicker for much of
// it, and thousands would fill the memory. The stack sets those of a few by itself.
const (
	mostWaiting  = 6 << 20
	partOfOne    = 2 << 20
	leastWaiting = 64 << 10
)

// share leaves a connection its part of them, if it is one of so many.
func (c *innerSide) share(connections int64) {
	part := max(mostWaiting/connections, leastWaiting)
	if part >= partOfOne {
		return
	}
	c.ep.SocketOptions().SetSendBufferSize(part, true)
	c.ep.SocketOptions().SetReceiveBufferSize(part, true)
}

// gone says whether the command reset the connection, or does not answer any more: nobody
// is left to wait for what the outside says.
func (c *innerSide) gone() bool { return tcp.EndpointState(c.ep.State()) == tcp.StateError }

// until does something again each time that events come while it says that there is
// nothing to be done now, until it says that all is over.
func (c *innerSide) until(events waiter.EventMask, do func() tcpip.Error) {
	entry, came := waiter.NewChannelEntry(events | waiter.EventErr | waiter.EventHUp)
	c.wq.EventRegister(&entry)
	defer c.wq.EventUnregister(&entry)
	for {
		switch do().(type) {
		case nil:
		case *tcpip.ErrWouldBlock:
			<-came
		default:
			return
		}
	}
}

// over says that no more is to be done.
var over = &tcpip.ErrAborted{}

// await waits until something came, or the end.
func (c *innerSide) await() {
	c.until(waiter.ReadableEvents, func() tcpip.Error {
		var there extent
		if _, err := c.ep.Read(&there, tcpip.ReadOptions{Peek: true}); err != nil {
			return err
		}
		return over
	})
}

// An outerSide is the other side of it.
type outerSide struct {
	net.Conn

	raw syscall.RawConn
}

func newOuterSide(c net.Conn) (*outerSide, error) {
	s, ok := c.(syscall.Conn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("a %T has no descriptor", c), c.Close())
	}
	raw, err := s.SyscallConn()
	return &outerSide{c, raw}, err
}

// passing says whether an error is of this moment.
func passing(err error) bool { return errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) }
