//go:build !linux

package source

import "net"

// widen asks for a larger buffer. How many datagrams did not fit into it, this
// system does not tell a program.
func widen(c *net.UDPConn) { _ = c.SetReadBuffer(wantedBuffer) }

type dropCounter struct{}

func (dropCounter) more([]byte) int64 { return 0 }
