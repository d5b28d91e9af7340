package source

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"tripline/learn"
	"tripline/learn/source/internal/syslog"
)

// How long a connection may say nothing.
const (
	handshake = 10 * time.Second
	halfway   = time.Minute // within a message
	between   = time.Hour   // a quiet firewall; a dead one is found by keep-alive
)

const (
	mostPeers     = 64
	mostPeersEach = 8
)

// tls reads the files of TLS.
func (a *address) tls() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(a.cert, a.key)
	if err != nil {
		return nil, learn.WithHint(fmt.Errorf("certificate %s with key %s: %w", a.cert, a.key, err), "both are PEM files that tripline may read")
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if a.ca == "" {
		return c, nil
	}
	text, err := os.ReadFile(a.ca)
	if err != nil {
		return nil, fmt.Errorf("certificates of senders: %w", err)
	}
	c.ClientCAs, c.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	if !c.ClientCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("certificates of senders: %s holds none", a.ca)
	}
	return c, nil
}

// accept takes connections until the socket is closed.
func (s *listenStream) accept(l net.Listener, config *tls.Config) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of file descriptors, or the peer gave up at once
			time.Sleep(100 * time.Millisecond)
			continue
		}
		from := remote(c)
		if why := s.admit(c, from); why != "" {
			s.queue.put(message{from: from, at: time.Now(), bad: why}, true)
			_ = c.Close() // it was of no use
			continue
		}
		s.done.Go(func() {
			defer s.peers.leave(c, from)
			s.converse(c, from, config)
		})
	}
}

// admit says why a connection is not taken, "" if it is.
func (s *listenStream) admit(c net.Conn, from netip.Addr) Cause {
	switch {
	case !s.at.allows(from):
		return Stranger
	case !s.peers.enter(c, from):
		return Overcrowded
	}
	return ""
}

func remote(c net.Conn) netip.Addr {
	a, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.IPv6Unspecified()
	}
	return a.Addr().Unmap().WithZone("")
}

// converse reads what one connection says.
func (s *listenStream) converse(c net.Conn, from netip.Addr, config *tls.Config) {
	if config != nil {
		t := tls.Server(c, config)
		ctx, cancel := context.WithTimeout(context.Background(), handshake)
		defer cancel()
		if err := t.HandshakeContext(ctx); err != nil {
			s.queue.put(message{from: from, at: time.Now(), bad: NoHandshake}, true)
			return
		}
		c = t
	}
	in := &patient{conn: c}
	in.frames = syslog.NewFramer(in, longestMessage)
	for {
		text, err := in.frames.Next()
		m := message{from: from, at: time.Now()}
		switch {
		case err == nil:
			m.text = append(m.text, text...)
		case errors.Is(err, syslog.ErrTooLong):
			m.bad = TooLong
		case in.cut || errors.Is(err, syslog.ErrCut):
			s.queue.put(message{from: from, at: m.at, bad: CutShort}, true)
			return
		default:
			return
		}
		if !s.queue.put(m, true) {
			return
		}
	}
}

// NoHandshake is the cause of a connection that did not speak our TLS, or whose
// certificate is of nobody we know.
const NoHandshake Cause = "a connection without a valid TLS handshake"

// A patient reader gives up on a peer that says nothing for too long.
type patient struct {
	conn   net.Conn
	frames *syslog.Framer
	cut    bool // within a message
}

// Read implements [io.Reader].
func (p *patient) Read(b []byte) (int, error) {
	begun := p.frames.Pending()
	d := between
	if begun {
		d = halfway
	}
	if err := p.conn.SetReadDeadline(time.Now().Add(d)); err != nil {
		return 0, err
	}
	n, err := p.conn.Read(b)
	p.cut = begun && n == 0 && isTimeoutOrReset(err)
	return n, err
}

// isTimeoutOrReset says whether a connection ended other than its peer meant.
func isTimeoutOrReset(err error) bool {
	_, ok := errors.AsType[net.Error](err)
	return ok
}

// Peers are the connections there are. Nobody can have all of them.
type peers struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
	each  map[netip.Addr]int
	gone  bool
}

func newPeers() *peers {
	return &peers{conns: map[net.Conn]struct{}{}, each: map[netip.Addr]int{}}
}

func (p *peers) enter(c net.Conn, from netip.Addr) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone || len(p.conns) >= mostPeers || p.each[from] >= mostPeersEach {
		return false
	}
	p.conns[c] = struct{}{}
	p.each[from]++
	return true
}

func (p *peers) leave(c net.Conn, from netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = c.Close() // it was only read
	delete(p.conns, c)
	if p.each[from]--; p.each[from] == 0 {
		delete(p.each, from)
	}
}

// close ends all connections, and those to come.
func (p *peers) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
	for c := range p.conns {
		_ = c.Close()
	}
}
