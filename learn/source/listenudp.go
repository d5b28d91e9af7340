package source

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"time"
)

// wantedBuffer is what the kernel is asked to keep for us: the default of 208
// KiB overflows in a few milliseconds.
const wantedBuffer = 8 << 20

func (s *listenStream) listenUDP() error {
	var lc net.ListenConfig
	l, err := lc.ListenPacket(context.Background(), "udp", s.at.host)
	if err != nil {
		return plainNetError(err)
	}
	c := l.(*net.UDPConn) //nolint:forcetypeassert // what ListenPacket returns for udp
	widen(c)
	s.begin(c, func() { s.datagrams(c) })
	return nil
}

// datagrams reads until the socket is closed.
func (s *listenStream) datagrams(c *net.UDPConn) {
	buf, oob := make([]byte, longestMessage+1), make([]byte, 128)
	var drops dropCounter
	for {
		n, control, _, from, err := c.ReadMsgUDPAddrPort(buf, oob)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			s.queue.fail(plainNetError(err))
			return
		}
		if lost := drops.more(oob[:control]); lost > 0 {
			s.queue.drop(lost)
		}
		s.datagram(from.Addr().Unmap().WithZone(""), buf[:n])
	}
}

// datagram takes the lines of one datagram: some relays put several into one.
func (s *listenStream) datagram(from netip.Addr, b []byte) {
	m := message{from: from, at: time.Now()}
	if !s.at.allows(from) {
		m.bad = Stranger
		s.queue.put(m, false)
		return
	}
	b = bytes.Clone(bytes.TrimRight(b, "\r\n\x00"))
	for line := range bytes.SplitSeq(b, []byte("\n")) {
		m.text = line
		if line = bytes.TrimSuffix(line, []byte("\r")); len(line) > 0 {
			m.text = line
			s.queue.put(m, false)
		}
	}
}
