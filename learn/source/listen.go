package source

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"tripline/learn"
)

// Any source whose records are lines can be fed over the network: by syslog over
// UDP (RFC 5426), over TCP (RFC 6587) and over TLS (RFC 5425).
//
//	udp://0.0.0.0:5514?allow=192.0.2.1
//	tcp://[::1]:5514
//	tls://0.0.0.0:6514?cert=/etc/tripline/cert.pem&key=/etc/tripline/key.pem&ca=/etc/tripline/clients.pem

// IsAddress says whether a path is no file but a place where records come in, or
// an address to listen at: udp://0.0.0.0:5514, an interface, or [Kernel].
func IsAddress(path string) bool {
	if path == Kernel || isInterface(path) {
		return true
	}
	scheme, rest, ok := strings.Cut(path, "://")
	return ok && rest != "" && scheme != "" && !strings.ContainsFunc(scheme, func(r rune) bool { return r < 'a' || r > 'z' })
}

// An address is where to listen, and to whom.
type address struct {
	text          string // as the user wrote it
	network       string // udp, tcp or tls
	host          string // with port
	allow         []netip.Prefix
	cert, key, ca string // files of TLS
}

var errAddress = errors.New("want udp://ADDRESS:PORT, tcp://ADDRESS:PORT or tls://ADDRESS:PORT?cert=FILE&key=FILE")

func parseAddress(path string) (address, error) {
	fail := func(err error) (address, error) {
		return address{}, learn.WithHint(fmt.Errorf("listen at %s: %w", learn.Printable(path), err), "for example udp://0.0.0.0:5514, with 5514 as the port of pfSense's remote logging")
	}
	u, err := url.Parse(path)
	if err != nil || !slices.Contains([]string{"udp", "tcp", "tls"}, u.Scheme) || u.Path != "" || u.User != nil {
		return fail(errAddress)
	}
	if _, _, err := net.SplitHostPort(u.Host); err != nil || u.Port() == "" {
		return fail(errAddress)
	}
	a := address{text: path, network: u.Scheme, host: u.Host}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return fail(errAddress)
	}
	for key, values := range query {
		if err := a.set(key, values); err != nil {
			return fail(err)
		}
	}
	if a.network == "tls" && (a.cert == "" || a.key == "") {
		return fail(errors.New("TLS needs a certificate and its key: tls://ADDRESS:PORT?cert=FILE&key=FILE"))
	}
	return a, nil
}

// set takes one parameter.
func (a *address) set(key string, values []string) error {
	files := map[string]*string{"cert": &a.cert, "key": &a.key, "ca": &a.ca}
	switch file := files[key]; {
	case key == "allow":
		return a.permit(strings.Split(strings.Join(values, ","), ","))
	case file == nil:
		return fmt.Errorf("unknown parameter %q, want allow, cert, key or ca", key)
	case a.network != "tls":
		return fmt.Errorf("parameter %q is for tls://", key)
	case len(values) > 1:
		return fmt.Errorf("parameter %q is there twice", key)
	default:
		*file = values[0]
	}
	return nil
}

func (a *address) permit(list []string) error {
	for _, text := range list {
		s, err := learn.ParseSelector(text)
		if err != nil || !s.Prefix.IsValid() {
			return fmt.Errorf("allow=%q: want addresses or prefixes, with commas between", text)
		}
		a.allow = append(a.allow, s.Prefix)
	}
	return nil
}

// allows says whether messages of a sender are taken.
func (a *address) allows(sender netip.Addr) bool {
	return len(a.allow) == 0 || slices.ContainsFunc(a.allow, func(p netip.Prefix) bool { return p.Contains(sender) })
}

// openListener listens at an address.
func openListener(s Source, path string, o StreamOptions) (Stream, error) {
	a, err := parseAddress(path)
	if err != nil {
		return nil, err
	}
	if !o.Follow {
		return nil, learn.WithHint(fmt.Errorf("listen at %s: what comes over the network has no end", path), `"tripline learn" and "tripline enforce" listen with --follow`)
	}
	st := newListenStream(s, a, o.Options)
	if err := st.listen(); err != nil {
		return nil, listenError(path, errors.Join(err, st.Close()))
	}
	return st, nil
}

// listenError says what to do where a port cannot be had.
func listenError(path string, err error) error {
	err = fmt.Errorf("listen at %s: %w", path, err)
	switch {
	case errors.Is(err, syscall.EACCES):
		return learn.WithHint(err, "ports below 1024 are root's: use one above, such as 5514, and let the firewall send there")
	case errors.Is(err, syscall.EADDRINUSE):
		return learn.WithHint(err, "another program listens there, maybe a syslog daemon: use another port")
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return learn.WithHint(err, "this machine has no such address: 0.0.0.0 is all of its own")
	}
	return err
}
