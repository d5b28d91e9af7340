package sandbox

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// A way is how the outside is reached.
type way struct {
	dial  func(ctx context.Context, network string, to netip.AddrPort) (net.Conn, error)
	hurry time.Duration // with all addresses but the last, the usual one if 0

	mu    sync.Mutex
	own   map[netip.Addr]bool // addresses of this host
	asked time.Time
}

// patience is how long a connection is tried: about as long as Linux does by
// itself. Who has less patience gives up inside.
const patience = 2 * time.Minute

func (w *way) reach(ctx context.Context, network string, to netip.AddrPort) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if w.dial != nil {
		return w.dial(ctx, network, to)
	}
	d := net.Dialer{KeepAlive: -1, FallbackDelay: -1}
	return d.DialContext(ctx, network, to.String())
}

// try dials one of several addresses. A client would not wait for longer than this for one
// that does not answer, and then take the next; inside it sees one only.
func (w *way) try(ctx context.Context, to netip.AddrPort, last bool) (net.Conn, error) {
	if !last {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, cmp.Or(w.hurry, hurry))
		defer cancel()
	}
	return w.reach(ctx, "tcp", to)
}

// hurry is enough for three tries of TCP (RFC 6298: after one second and after three).
const hurry = 4 * time.Second

// stale is for how long the addresses of this host are taken to be the same.
const stale = 2 * time.Second

// local says whether an address is this host itself.
func (w *way) local(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if a.IsLoopback() || a.IsUnspecified() {
		return true
	}
	if w.dial != nil {
		return false // the way is somebody else's
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(w.asked) > stale {
		w.own, w.asked = ownAddresses(), time.Now()
	}
	return w.own[a]
}

func ownAddresses() map[netip.Addr]bool {
	own := map[netip.Addr]bool{}
	list, err := net.InterfaceAddrs()
	if err != nil {
		return own
	}
	for _, a := range list {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			own[p.Addr().Unmap().WithZone("")] = true
		}
	}
	return own
}

// unsent says whether an attempt failed before anything left this host.
func unsent(err error) bool {
	for _, e := range []error{syscall.ENETUNREACH, syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT, syscall.EINVAL, syscall.EACCES, syscall.EPERM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// hasIPv6 says whether this host has a way to IPv6 addresses. Nothing is sent.
func hasIPv6() bool {
	c, err := net.Dial("udp6", "[2001:db8::1]:9") //nolint:noctx // it only asks for a route
	if err != nil {
		return false
	}
	c.Close() //nolint:errcheck // nothing was written
	return true
}
