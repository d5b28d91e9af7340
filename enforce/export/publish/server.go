package publish

import (
	"crypto/tls"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// mostConnections is how many may be open at once: firewalls are few.
const mostConnections = 64

// NewServer returns a server that a slow or a greedy client cannot hold up for
// long. Whoever serves with it wraps the listener with [Limit].
func NewServer(h http.Handler, log *log.Logger) *http.Server {
	return &http.Server{
		Handler: h, ErrorLog: log,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 2 * time.Minute, IdleTimeout: 30 * time.Second, MaxHeaderBytes: 8 << 10,
	}
}

// Limit returns a listener that has at most so many connections open at once;
// others wait to be accepted.
func Limit(l net.Listener) net.Listener {
	return &limited{Listener: l, slots: make(chan struct{}, mostConnections), closed: make(chan struct{})}
}

type limited struct {
	net.Listener
	slots  chan struct{}
	once   sync.Once
	closed chan struct{}
}

// Accept implements [net.Listener].
func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err //nolint:wrapcheck // the server's own
	}
	return &slotted{Conn: c, free: sync.OnceFunc(func() { <-l.slots })}, nil
}

// Close implements [net.Listener].
func (l *limited) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close() //nolint:wrapcheck // names the address
}

type slotted struct {
	net.Conn
	free func()
}

// Close implements [net.Conn].
func (c *slotted) Close() error {
	defer c.free()
	return c.Conn.Close() //nolint:wrapcheck // the server's own
}

// TLS returns the configuration for a certificate, which is read again when its
// file was replaced: who renews it need not restart anything.
func TLS(cert, key string) (*tls.Config, error) {
	c := &certificate{cert: cert, key: key}
	if _, err := c.get(nil); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}, nil
}

type certificate struct {
	cert, key string

	mu    sync.Mutex
	state string
	pair  *tls.Certificate
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	state := stateOf(c.cert) + stateOf(c.key)
	if c.pair != nil && state == c.state {
		return c.pair, nil
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil && c.pair != nil { // half replaced: the last one until it is whole
		return c.pair, nil
	}
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	c.pair, c.state = &pair, state
	return c.pair, nil
}

func stateOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "-"
	}
	return fmt.Sprint(info.Size(), info.ModTime().UnixNano(), " ")
}
