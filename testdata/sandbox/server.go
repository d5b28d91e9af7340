package main

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// What a client wants is the first byte it sends. What is measured by its bytes is
// HTTP, as bodies of it can be hashed.
const (
	wantDown = "GET / HTTP/1.1\r\nHost: bench.example\r\n\r\n"                                         // bytes until it has enough
	wantUp   = "POST / HTTP/1.1\r\nHost: bench.example\r\nContent-Length: 9000000000000000000\r\n\r\n" // to be told how many bytes came
	wantRest = "r"                                                                                     // nothing, and nothing is read
	wantEcho = "e"                                                                                     // the same back
)

// A server is what all of them talk to.
type server struct {
	l     net.Listener
	at    netip.AddrPort
	count atomic.Int64 // connections that said something
}

// resting is for how long a client goes on that nobody reads from.
const resting = 2 * time.Second

// chunk is as much as is read or written at once.
const chunk = 256 << 10

func serve() (*server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{l: l, at: netip.MustParseAddrPort(l.Addr().String())}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.one(c)
		}
	}()
	return s, nil
}

func (s *server) one(c net.Conn) {
	defer c.Close()
	var want [1]byte
	if _, err := io.ReadFull(c, want[:]); err != nil {
		return
	}
	s.count.Add(1)
	switch string(want[:]) {
	case wantDown[:1]:
		if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
			return
		}
		for buf := make([]byte, chunk); ; {
			if _, err := c.Write(buf); err != nil {
				return
			}
		}
	case wantUp[:1]:
		n := read(c, make([]byte, chunk))
		_, _ = c.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
	case wantRest:
		time.Sleep(2 * resting)
	case wantEcho:
		var b [64]byte
		for {
			n, err := c.Read(b[:])
			if err != nil {
				return
			}
			if _, err := c.Write(b[:n]); err != nil {
				return
			}
		}
	}
}

// read reads to the end and says how much that was.
func read(c net.Conn, buf []byte) (n int) {
	for {
		m, err := c.Read(buf)
		if n += m; err != nil {
			return n
		}
	}
}
