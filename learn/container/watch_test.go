package container_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tripline/learn"
	"tripline/learn/container"
)

// An engine answers as Docker and Podman do, as far as their API is documented.
type engine struct {
	mu     sync.Mutex
	boxes  map[string]map[string]any // by identity
	nets   map[string]map[string]any
	events chan string // lines to send; closing ends a connection
	asked  []string    // since of each connection for events
}

const (
	webID   = "aaaaaaaaaaaa0001"
	jobID   = "bbbbbbbbbbbb0002"
	frontID = "cccccccccccc0003"
	wireID  = "dddddddddddd0004"
)

func box(id, name, net, addr string, started time.Time, labels map[string]string) map[string]any {
	return map[string]any{
		"Id": id, "Name": "/" + name, "State": map[string]any{"StartedAt": started},
		"Config":          map[string]any{"Image": "example/" + name + ":1", "Labels": labels},
		"HostConfig":      map[string]any{"NetworkMode": "front"},
		"NetworkSettings": map[string]any{"Networks": map[string]any{"front": map[string]any{"NetworkID": net, "IPAddress": addr}}},
	}
}

func newEngine(t *testing.T) (*engine, *container.Engine) {
	t.Helper()
	e := &engine{boxes: map[string]map[string]any{}, nets: map[string]map[string]any{}, events: make(chan string, 100)}
	e.nets[frontID] = map[string]any{"Id": frontID, "Name": "front", "Driver": "bridge", "IPAM": map[string]any{"Config": []map[string]any{{"Subnet": "192.0.2.0/26"}, {"Subnet": "x"}, {}}}}
	e.nets[wireID] = map[string]any{"Id": wireID, "Name": "wire", "Driver": "macvlan"}
	path := filepath.Join(t.TempDir(), "engine.sock")
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: e, ReadHeaderTimeout: time.Second}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	c, err := container.Open("unix://" + path)
	if err != nil {
		t.Fatal(err)
	}
	return e, c
}

func (e *engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/v1.40")
	switch part := strings.Split(path, "/"); {
	case path == "/containers/json":
		list := []map[string]any{}
		e.mu.Lock()
		for id := range e.boxes {
			list = append(list, map[string]any{"Id": id, "State": "running"})
		}
		e.mu.Unlock()
		_ = json.NewEncoder(w).Encode(list)
	case path == "/events":
		e.stream(w, r)
	case len(part) > 2:
		e.mu.Lock()
		v, ok := e.boxes[part[2]]
		if part[1] == "networks" {
			v, ok = e.nets[part[2]]
		}
		e.mu.Unlock()
		if !ok {
			http.Error(w, `{"message":"no such thing"}`, http.StatusNotFound)
			return
		}
		_ = json.NewEncoder(w).Encode(v)
	}
}

func (e *engine) stream(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	e.asked = append(e.asked, r.URL.Query().Get("since"))
	e.mu.Unlock()
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
	for {
		select {
		case line := <-e.events:
			if line == "" {
				return
			}
			fmt.Fprintln(w, line)
			_ = http.NewResponseController(w).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

func (e *engine) put(id string, v map[string]any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if v == nil {
		delete(e.boxes, id)
		return
	}
	e.boxes[id] = v
}

func happened(typ, action, id string, at time.Time, attributes string) string {
	return fmt.Sprintf(`{"Type":%q,"Action":%q,"Actor":{"ID":%q,"Attributes":{%s}},"time":%d,"timeNano":%d}`, typ, action, id, attributes, at.Unix(), at.UnixNano())
}

// A witness keeps what a watcher says.
type witness struct {
	mu    sync.Mutex
	where learn.Whereabouts
	told  []string
	more  chan struct{}
}

func watch(t *testing.T, c *container.Engine) *witness {
	t.Helper()
	w := &witness{more: make(chan struct{}, 1000)}
	watcher := &container.Watcher{
		Engine: c,
		Note:   func(s learn.Stay) { w.where.Note(s); w.more <- struct{}{} },
		Told: func(err error) {
			w.mu.Lock()
			w.told = append(w.told, err.Error())
			w.mu.Unlock()
			w.more <- struct{}{}
		},
	}
	if err := watcher.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { watcher.Watch(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return w
}

// until waits for what must come.
func (w *witness) until(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for !is() {
		select {
		case <-w.more:
		case <-deadline:
			t.Fatalf("%s: it did not come; told: %q, stays: %v", what, w.told, w.where.Stays())
		}
	}
}

var morning = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)

func flow(addr string, at time.Time) *learn.Flow {
	return &learn.Flow{Src: mustAddr(addr), Dst: mustAddr("203.0.113.9"), Time: at, Proto: learn.TCP, DstPort: 443}
}

func TestContainerOfTwoSecondsIsKnownAfterwards(t *testing.T) {
	e, c := newEngine(t)
	e.put(webID, box(webID, "web", frontID, "192.0.2.2", morning, nil))
	w := watch(t, c)
	job := morning.Add(time.Hour)
	e.put(jobID, box(jobID, "job", frontID, "192.0.2.3", job, map[string]string{"io.example.agent": "bot"}))
	e.events <- happened("network", "connect", frontID, job, `"container":"`+jobID+`","name":"front"`)
	w.until(t, "connect", func() bool { return len(w.where.Stays()) == 2 })
	e.put(jobID, nil)
	e.events <- happened("container", "start", jobID, job.Add(time.Millisecond), `"name":"job"`)
	e.events <- happened("network", "disconnect", frontID, job.Add(2*time.Second), `"container":"`+jobID+`"`)
	e.events <- happened("container", "die", jobID, job.Add(2*time.Second), `"name":"job"`)
	w.until(t, "die", func() bool { return !w.where.Stays()[1].To.IsZero() })

	// The address goes to the next container at once.
	next := "eeeeeeeeeeee0005"
	e.put(next, box(next, "other", frontID, "192.0.2.3", job.Add(3*time.Second), nil))
	e.events <- happened("network", "connect", frontID, job.Add(3*time.Second), `"container":"`+next+`"`)
	w.until(t, "connect of the next", func() bool { return len(w.where.Stays()) == 3 })

	agents, err := learn.NewAgents([]learn.Agent{
		{Name: "bot", Selectors: []learn.Selector{selector(t, "label:io.example.agent=bot")}},
		{Name: "web", Selectors: []learn.Selector{selector(t, "image:example/web")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	agents.Locate(&w.where)
	for _, tt := range []struct {
		addr string
		at   time.Time
		want string
	}{
		{"192.0.2.3", job.Add(time.Second), "bot"},
		{"192.0.2.3", job.Add(2 * time.Second), "bot"},
		{"192.0.2.3", job.Add(4 * time.Second), ""},
		{"192.0.2.3", job.Add(-time.Minute), ""},
		{"192.0.2.2", job, "web"},
		{"192.0.2.9", job, ""},
	} {
		if got, err := agents.Of(flow(tt.addr, tt.at)); got != tt.want || err != nil {
			t.Errorf("%s at %s: got %q, %v, want %q", tt.addr, tt.at, got, err, tt.want)
		}
	}
}

func TestConnectionThatBreaksLosesNothing(t *testing.T) {
	e, c := newEngine(t)
	w := watch(t, c)
	e.put(webID, box(webID, "web", wireID, "192.0.2.2", morning, nil))
	e.events <- happened("network", "connect", wireID, morning, `"container":"`+webID+`"`)
	w.until(t, "connect", func() bool { return len(w.where.Stays()) == 1 })
	e.events <- "" // the engine goes away
	e.put(webID, nil)
	e.put(jobID, box(jobID, "job", frontID, "192.0.2.3", morning.Add(time.Minute), nil))
	w.until(t, "what came meanwhile", func() bool { return len(w.where.Stays()) == 2 && !w.where.Stays()[0].To.IsZero() })
	e.mu.Lock()
	defer e.mu.Unlock()
	if n := len(e.asked); n < 2 || e.asked[n-1] != fmt.Sprintf("%d.000000000", morning.Unix()) {
		t.Errorf("events were asked for since %q, want them since the last one", e.asked)
	}
	if s := w.where.Stays(); s[0].NAT || !s[1].NAT {
		t.Errorf("got NAT %v of macvlan and %v of a bridge", s[0].NAT, s[1].NAT)
	}
}

func TestContainerInTheHostsNetworkIsTold(t *testing.T) {
	e, c := newEngine(t)
	b := box(webID, "web\x1b[31m", frontID, "", morning, nil)
	b["HostConfig"] = map[string]any{"NetworkMode": "host"}
	e.put(webID, b)
	e.put("../../version", box("../../version", "evil", frontID, "192.0.2.66", morning, nil))
	w := &witness{}
	watcher := &container.Watcher{Engine: c, Note: w.where.Note, Told: func(err error) { w.told = append(w.told, err.Error()) }}
	err := watcher.Begin(t.Context())
	if err == nil || !strings.Contains(err.Error(), `"../../version"`) {
		t.Errorf("got %v, want the identity that is none to be refused", err)
	}
	e.put("../../version", nil)
	w.told = nil
	if err := watcher.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(w.told) != 1 || !strings.Contains(w.told[0], "no address of its own") || strings.Contains(w.told[0], "\x1b") {
		t.Errorf("got %q", w.told)
	}
	if s := w.where.Stays(); len(s) > 0 {
		t.Errorf("got %v, want none", s)
	}
}

func TestNoEngineIsAnErrorWithAHint(t *testing.T) {
	c, err := container.Open(filepath.Join(t.TempDir(), "nothing.sock"))
	if err != nil {
		t.Fatal(err)
	}
	watcher := &container.Watcher{Engine: c, Note: func(learn.Stay) {}, Told: func(error) {}}
	if err := watcher.Begin(t.Context()); err == nil || !strings.Contains(err.Error(), "nothing.sock") {
		t.Errorf("got %v, want the socket named", err)
	}
	if _, err := container.Open("tcp://192.0.2.1:2375"); err == nil || learn.HintOf(err) == "" {
		t.Errorf("got %v, want a refusal with a hint", err)
	}
}

// Whoever looks at packets must know which addresses will be those of containers,
// before there is one.
func TestSubnetsOfNetworksAreTold(t *testing.T) {
	e, c := newEngine(t)
	e.put(webID, box(webID, "web", frontID, "192.0.2.7", morning, nil))
	w := &witness{}
	var nets []string
	watcher := &container.Watcher{
		Engine: c, Note: w.where.Note, Told: func(err error) { t.Error(err) },
		Subnet: func(p netip.Prefix) { nets = append(nets, p.String()) },
	}
	if err := watcher.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(nets) != 1 || nets[0] != "192.0.2.0/26" {
		t.Errorf("got %v, want the one of front", nets)
	}
}
