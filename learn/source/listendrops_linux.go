package source

import (
	"encoding/binary"
	"net"
	"syscall"
)

// widen asks for a larger buffer, beyond what anybody may have if we may, and for
// the number of datagrams that did not fit (SO_RXQ_OVFL). Where either is refused
// the rest works: the stamps of RFC 5424 may still show what is missing.
func widen(c *net.UDPConn) {
	_ = c.SetReadBuffer(wantedBuffer)
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUFFORCE, wantedBuffer)
		_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RXQ_OVFL, 1)
	})
}

// A dropCounter follows the kernel's counter, which wraps.
type dropCounter struct{ last uint32 }

// more returns how many datagrams were dropped since the message before, from
// what came with this one.
func (d *dropCounter) more(control []byte) int64 {
	messages, err := syscall.ParseSocketControlMessage(control)
	if err != nil {
		return 0
	}
	for _, m := range messages {
		if m.Header.Level != syscall.SOL_SOCKET || m.Header.Type != syscall.SO_RXQ_OVFL || len(m.Data) < 4 {
			continue
		}
		now := binary.NativeEndian.Uint32(m.Data)
		n := now - d.last
		d.last = now
		return int64(n)
	}
	return 0
}
