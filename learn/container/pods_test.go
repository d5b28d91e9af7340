package container_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tripline/learn"
	"tripline/learn/container"
)

func podText(uid, name, ip, phase, version string) string {
	return fmt.Sprintf(`{"metadata":{"namespace":"shop","name":%q,"uid":%q,"resourceVersion":%q,"labels":{"app":"web"}},"spec":{"containers":[{"image":"example/web:1"}]},"status":{"phase":%q,"startTime":"2026-03-02T08:00:00Z","podIPs":[{"ip":%q}]}}`, name, uid, version, phase, ip)
}

// A cluster answers one list or one watch after the other, as it is told, and
// remembers what it was asked.
type cluster struct {
	mu    sync.Mutex
	lists []string
	watch []func(http.ResponseWriter)
	asked []string
}

func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer secret" {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	q := r.URL.Query()
	c.asked = append(c.asked, q.Get("watch")+" "+q.Get("resourceVersion"))
	switch {
	case q.Get("watch") == "":
		fmt.Fprint(w, c.lists[0])
		c.lists = c.lists[min(1, len(c.lists)-1):]
	case len(c.watch) == 0:
		w.WriteHeader(http.StatusInternalServerError)
	default:
		c.watch[0](w)
		c.watch = c.watch[1:]
	}
}

func (c *cluster) questions() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.asked)
}

func events(lines ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { fmt.Fprint(w, strings.Join(lines, "\n")) }
}

func openCluster(t *testing.T, c *cluster, token string) *container.Cluster {
	t.Helper()
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := container.OpenCluster(learn.Kubernetes{Use: true, URL: server.URL, TokenFile: file})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// A server that cuts its streams, forgets what has changed in both ways there are,
// and sends bookmarks: no pod is missed, and none is taken for another one.
func TestPodsOfAClusterThatMisbehaves(t *testing.T) {
	c := &cluster{
		lists: []string{
			`{"metadata":{"resourceVersion":"10"},"items":[` + podText("u1", "web-1", "192.0.2.1", "Running", "9") + `,` + podText("u0", "old", "192.0.2.1", "Succeeded", "3") + `]}`,
			`{"metadata":{"resourceVersion":"50"},"items":[` + podText("u3", "web-3", "192.0.2.3", "Running", "49") + `]}`,
			`{"metadata":{"resourceVersion":"90"},"items":[` + podText("u3", "web-3", "192.0.2.3", "Running", "49") + `,` + podText("u4", "web-4", "2001:db8::4", "Running", "88") + `]}`,
		},
		watch: []func(http.ResponseWriter){
			events(`{"type":"ADDED","object":`+podText("u2", "web-2", "192.0.2.2", "Running", "11")+`}`, `{"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"20"}}}`, ``),
			events(`{"type":"MODIFIED","object":{"metadata":{"namesp`), // cut
			events(`{"type":"MODIFIED","object":` + podText("u2", "web-2", "192.0.2.2", "Failed", "21") + `}` + "\n" + `{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}}` + "\n"),
			func(w http.ResponseWriter) { w.WriteHeader(http.StatusGone) },
			events(`{"type":"DELETED","object":` + podText("u4", "web-4", "2001:db8::4", "Running", "91") + `}` + "\n"),
		},
	}
	w, mu := &witness{}, sync.Mutex{}
	pods := &container.Pods{Cluster: openCluster(t, c, "secret"), Note: w.where.Note, Told: func(err error) {
		mu.Lock()
		defer mu.Unlock()
		w.told = append(w.told, err.Error())
	}}
	if err := pods.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan struct{})
	go func() { pods.Watch(ctx); close(done) }()
	for end := time.Now().Add(30 * time.Second); len(c.questions()) < 9 && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
	}
	cancel()
	<-done
	want := []string{" ", "1 10", "1 20", "1 20", " ", "1 50", " ", "1 90", "1 91"}
	if got := c.questions(); len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("asked %q, want %q", got, want)
	}
	var got []string
	for _, s := range w.where.Stays() {
		got = append(got, fmt.Sprintf("%s %s over=%v", s.Name, s.Addr, !s.To.IsZero()))
	}
	if want := []string{"shop/web-1 192.0.2.1 over=true", "shop/web-2 192.0.2.2 over=true", "shop/web-3 192.0.2.3 over=false", "shop/web-4 2001:db8::4 over=true"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(w.told) == 0 || !strings.Contains(w.told[0], "an event that is cut") {
		t.Errorf("told %q, want the stream that was cut", w.told)
	}
}

func TestPodsInTheNetworkOfTheNodeAreTold(t *testing.T) {
	text := strings.Replace(podText("u1", "agent\x1b", "192.0.2.9", "Running", "9"), `"spec":{`, `"spec":{"hostNetwork":true,`, 1)
	text = strings.ReplaceAll(text, "\\x1b", "\\u001b")
	c := &cluster{lists: []string{`{"metadata":{"resourceVersion":"10"},"items":[` + text + `]}`}}
	w := &witness{}
	pods := &container.Pods{Cluster: openCluster(t, c, "secret"), Note: w.where.Note, Told: func(err error) { w.told = append(w.told, err.Error()) }}
	if err := pods.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(w.told) != 1 || !strings.Contains(w.told[0], "in the network of its node") || strings.Contains(w.told[0], "\x1b") || len(w.where.Stays()) > 0 {
		t.Errorf("told %q, stays %v", w.told, w.where.Stays())
	}
	bad := &container.Pods{Cluster: openCluster(t, c, "wrong"), Note: w.where.Note, Told: func(error) {}}
	if err := bad.Begin(t.Context()); err == nil || !strings.Contains(learn.HintOf(err), "--verb=list,watch") {
		t.Errorf("got %v, want a hint at what the account may", err)
	}
}

func TestPodsAreFoundByNameAndLabel(t *testing.T) {
	k := learn.Container{ID: "u1", Name: "shop/web-1", Image: "example/web:1", Labels: map[string]string{"app": "web"}}
	for text, want := range map[string]bool{
		"pod:shop/web-1": true, "pod:shop/web-*": true, "pod:shop/*": true, "pod:other/web-1": false, "pod:web-1": false, "pod:*": false,
		"label:app=web": true, "image:example/web": true,
	} {
		if got := selector(t, text).Container.Finds(&k); got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}
