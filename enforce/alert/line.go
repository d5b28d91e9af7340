package alert

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"syscall"
	"time"

	"tripline/learn"
)

// A line is a connection to a syslog server that is made when it is needed, and
// again when it was lost.
type line struct {
	network, address string
	tls              *tls.Config // nil without
	conn             net.Conn
	made             time.Time
	gone             chan struct{} // closed when the server has closed conn
}

func (s *Settings) line(u *url.URL) (*line, error) {
	port := map[string]string{"udp": "514", "tcp": "601", "tls": "6514"}[u.Scheme]
	if u.Port() != "" {
		port = u.Port()
	}
	l := &line{network: u.Scheme, address: net.JoinHostPort(u.Hostname(), port)}
	if u.Scheme != "tls" {
		return l, nil
	}
	var err error
	l.network = "tcp"
	if l.tls, err = s.tls(); err != nil {
		return nil, err
	}
	l.tls.ServerName = u.Hostname()
	cert, key := s.text("cert", ""), s.text("key", "")
	if cert == "" && key == "" {
		return l, nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	l.tls.Certificates = []tls.Certificate{pair}
	return l, s.conf.Wrong("cert", err)
}

// send writes records. Syslog has no answer: what is said is what the network took.
func (l *line) send(ctx context.Context, records [][]byte) (string, error) {
	if err := l.connect(ctx); err != nil {
		return "", err
	}
	err := l.write(ctx, records)
	if err == nil {
		err = l.settled()
	}
	if err != nil {
		return "", errors.Join(err, l.close())
	}
	return fmt.Sprintf("written to %s over %s; syslog has no answer", l.conn.RemoteAddr(), l.spoken()), nil
}

func (l *line) spoken() string {
	if l.tls != nil {
		return "TLS"
	}
	return l.network
}

func (l *line) write(ctx context.Context, records [][]byte) error {
	deadline, _ := ctx.Deadline() // zero is none
	if err := l.conn.SetWriteDeadline(deadline); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	if l.network != "udp" {
		_, err := l.conn.Write(counted(records))
		return err //nolint:wrapcheck // it says the address
	}
	for _, r := range records {
		_, err := l.conn.Write(r)
		if errors.Is(err, syscall.EMSGSIZE) {
			return &PeerError{Answer: errTooLong.Error(), Refused: true}
		}
		if err != nil {
			return err //nolint:wrapcheck // it says the address
		}
	}
	return nil
}

// settling is how long a new connection is watched after the first message: who is
// not let in (a proxy without a server, TLS without the right certificate) only
// learns that afterwards.
const settling = 200 * time.Millisecond

// settled wants a new connection to stay open for a moment.
func (l *line) settled() error {
	if l.network == "udp" || time.Since(l.made) > time.Minute {
		return nil
	}
	l.made = time.Time{}
	timer := time.NewTimer(settling)
	defer timer.Stop()
	select {
	case <-l.gone:
		return learn.WithHint(fmt.Errorf("%s closed the connection at once: what was sent may not have been read", l.address),
			"its log says why; it may want a certificate (cert, key), or TLS at all")
	case <-timer.C:
		return nil
	}
}

// connect sees to it that there is a connection which the server has not closed.
func (l *line) connect(ctx context.Context) error {
	if l.conn != nil && !l.lost() {
		return nil
	}
	_ = l.close() // it is gone anyway
	conn, err := (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext(ctx, l.network, l.address)
	if err != nil {
		return err //nolint:wrapcheck // it says the address
	}
	if l.tls != nil {
		secure := tls.Client(conn, l.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			err = learn.WithHint(fmt.Errorf("TLS with %s: %w", l.address, err), "name the certificate to trust with \"ca: FILE\"")
			return errors.Join(err, conn.Close())
		}
		conn = secure
	}
	l.conn, l.made, l.gone = conn, time.Now(), make(chan struct{})
	if l.network != "udp" {
		go listen(conn, l.gone)
	}
	return nil
}

// lost says whether the server has closed the connection.
func (l *line) lost() bool {
	select {
	case <-l.gone:
		return true
	default:
		return false
	}
}

// listen notices that a server closes. What is written after that would be lost
// without an error.
func listen(conn net.Conn, gone chan<- struct{}) {
	_, _ = io.Copy(io.Discard, conn) // syslog has no answer
	close(gone)
}

func (l *line) close() error {
	if l.conn == nil {
		return nil
	}
	err := l.conn.Close()
	l.conn = nil
	if errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		return nil
	}
	return err //nolint:wrapcheck // it says the address
}
