// Package container asks a Docker or Podman engine which container has which
// address, and when it had it.
//
// # Vocabulary
//
// An [Engine] is the engine behind its Unix socket. A [learn.Stay] is the time in
// which a container had an address; [learn.Whereabouts] keeps them.
//
// # What it promises
//
// It reads, it never changes anything. It listens to the engine's events and does
// not poll: the event that a container was connected to a network comes before
// its first packet, so that one that lives for two seconds is known. When the
// connection breaks it lists again what there is, and asks for the events since
// the last one.
//
// # What it cannot do
//
// A container in the host's network, or one of rootless Podman, has no address of
// its own: it is told and never guessed. Labels and names are what whoever starts
// containers writes.
package container

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"tripline/learn"
)

// sockets are where engines listen, the first that is there is used: Docker, and
// Podman of root.
var sockets = []string{"/var/run/docker.sock", "/run/podman/podman.sock"}

// version is the oldest of the API that has all that is asked for: Docker 19.03
// and Podman 4 speak it.
const version = "/v1.40"

// answerTime bounds one question. Events have none.
const answerTime = 10 * time.Second

// An Engine is a container engine behind its Unix socket.
type Engine struct {
	socket string
	http   *http.Client
}

// Open finds the engine: at where, as "unix:///run/docker.sock" or a path; or, if
// that is empty, where DOCKER_HOST says, or at the usual places.
func Open(where string) (*Engine, error) {
	if where == "" {
		where = os.Getenv("DOCKER_HOST")
	}
	if where == "" {
		where = usual()
	}
	if where == "" {
		return nil, learn.WithHint(fmt.Errorf("no container engine: there is no socket at %s", strings.Join(sockets, " or ")),
			"say where it is: --docker unix:///run/user/1000/podman/podman.sock")
	}
	path, ok := strings.CutPrefix(where, "unix://")
	if !ok && strings.Contains(where, "://") {
		return nil, learn.WithHint(fmt.Errorf("container engine %q: only Unix sockets are read", learn.Printable(where)), "--docker unix:///var/run/docker.sock")
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	return &Engine{path, &http.Client{Transport: &http.Transport{DialContext: dial, DisableCompression: true}}}, nil
}

func usual() string {
	for _, path := range sockets {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

// mostAnswer is how long an answer may be.
const mostAnswer = 64 << 20

// get asks for path and decodes the answer into v.
func (e *Engine) get(ctx context.Context, path string, v any) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	body, err := e.ask(ctx, path)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := json.NewDecoder(io.LimitReader(body, mostAnswer)).Decode(v); err != nil {
		return e.place(path, err)
	}
	return nil
}

// errGone is returned for a container that is not there any more.
var errGone = errors.New("not there any more")

func (e *Engine) ask(ctx context.Context, path string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://engine"+version+path, http.NoBody)
	if err != nil {
		return nil, e.place(path, err)
	}
	answer, err := e.http.Do(req)
	if err != nil {
		return nil, e.refused(path, err)
	}
	switch answer.StatusCode {
	case http.StatusOK:
		return answer.Body, nil
	case http.StatusNotFound:
		err = errGone
	default:
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 200))
		err = fmt.Errorf("it answered %s: %q", answer.Status, text)
	}
	return nil, e.place(path, errors.Join(err, answer.Body.Close()))
}

func (e *Engine) place(path string, err error) error {
	return fmt.Errorf("container engine %s: %s: %w", e.socket, strings.SplitN(path, "?", 2)[0], err)
}

func (e *Engine) refused(path string, err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	err = e.place(path, err)
	if errors.Is(err, os.ErrPermission) {
		return learn.WithHint(err, "reading the socket needs its group: sudo usermod -aG docker %s, or run as root", learn.Printable(os.Getenv("USER")))
	}
	return err
}

// A summary is a container as the engine lists it.
type summary struct {
	ID    string `json:"Id"`
	State string
}

// A detail is what the engine says of one container.
type detail struct {
	ID      string `json:"Id"`
	Name    string
	Created time.Time
	State   struct{ StartedAt time.Time }
	Config  struct {
		Image  string
		Labels map[string]string
	}
	HostConfig      struct{ NetworkMode string }
	NetworkSettings struct {
		Networks map[string]endpoint
	}
}

type endpoint struct {
	NetworkID         string
	IPAddress         string
	GlobalIPv6Address string
}

// addrs returns the addresses of an endpoint.
func (p endpoint) addrs() (out []netip.Addr) {
	for _, text := range []string{p.IPAddress, p.GlobalIPv6Address} {
		if a, err := netip.ParseAddr(text); err == nil && !a.IsUnspecified() {
			out = append(out, a.Unmap().WithZone(""))
		}
	}
	return out
}
