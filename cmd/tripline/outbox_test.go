package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// An enforced is a baseline of its own, a log, and enforce on it.
type enforced struct {
	t        *testing.T
	dir, log string
	n        int // findings that were written
}

func newEnforced(t *testing.T, config string) *enforced {
	t.Helper()
	e := &enforced{t: t, dir: t.TempDir()}
	e.log = filepath.Join(e.dir, "live.log")
	if err := os.WriteFile(filepath.Join(e.dir, "tripline.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	week := filepath.Join("..", "..", "testdata", "script", "log", "week.log")
	e.run("learn", "-q", "--agent", "bot=192.0.2.50", week)
	digest := digestText.FindStringSubmatch(e.run("review"))
	if digest == nil {
		t.Fatal("review showed no digest")
	}
	e.run("review", "-q", "--approve", digest[1], "--reason", "test")
	e.append("")
	return e
}

func (e *enforced) args(args ...string) []string {
	return append([]string{"--db", filepath.Join(e.dir, "tripline.db"), "--config", filepath.Join(e.dir, "tripline.yaml")}, args...)
}

func (e *enforced) run(args ...string) string {
	e.t.Helper()
	var out, talk strings.Builder
	if code := run(e.t.Context(), e.args(args...), strings.NewReader(""), &out, &talk); code == exitTrouble {
		e.t.Fatalf("%v: %s", args, talk.String())
	}
	return out.String()
}

func (e *enforced) append(text string) {
	e.t.Helper()
	f, err := os.OpenFile(e.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		e.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		e.t.Fatal(err)
	}
}

// find appends the line of one more finding; each is a minute after the one before,
// so that they are no burst.
func (e *enforced) find() {
	at := time.Date(2026, 3, 13, 8, 0, 0, 0, time.UTC).Add(time.Duration(e.n) * time.Minute)
	e.append(fmt.Sprintf("<134>1 %s fw.example.com filterlog 64952 - - 5,,,1700000001,em1,match,pass,in,4,0x0,,64,1234,0,DF,6,tcp,60,192.0.2.50,203.0.113.97,50023,%d,0,S,3003,,64240,,mss\n",
		at.Format(time.RFC3339), 10_000+e.n))
	e.n++
}

// start runs enforce as a program of its own.
func (e *enforced) start() *exec.Cmd {
	e.t.Helper()
	cmd := exec.Command("tripline", e.args("enforce", "--follow", e.log)...)
	talk, err := os.OpenFile(filepath.Join(e.dir, "talk"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		e.t.Fatal(err)
	}
	defer talk.Close()
	cmd.Stderr = talk
	if err := cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	return cmd
}

// A hook is a peer that takes alerts, now and then does not, and counts.
type hook struct {
	mu    sync.Mutex
	ports map[uint16]int  // how often each finding was taken
	ids   map[string]bool // of messages
	when  map[uint16]time.Time
	fault func(w http.ResponseWriter) bool
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m struct {
		Alerts []struct {
			Port uint16 `json:"dport"`
		} `json:"alerts"`
	}
	if h.fault != nil && h.fault(w) || json.NewDecoder(r.Body).Decode(&m) != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ids[r.Header.Get("Webhook-Id")] = true
	for _, a := range m.Alerts {
		h.ports[a.Port]++
		h.when[a.Port] = time.Now()
	}
}

func (h *hook) taken() (n, twice int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, times := range h.ports {
		n++
		twice += times - 1
	}
	return n, twice
}

func newHook() *hook {
	return &hook{ports: map[uint16]int{}, ids: map[string]bool{}, when: map[uint16]time.Time{}}
}

// TestAlertsSurviveKills kills enforce again and again while findings come and the
// peer fails: none is lost, and what is sent twice has the same ID.
func TestAlertsSurviveKills(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	h := newHook()
	h.fault = func(w http.ResponseWriter) bool {
		if rand.N(4) == 0 {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}
		return false
	}
	srv := httptest.NewServer(h)
	defer srv.Close()
	e := newEnforced(t, "alerts: {hook: {to: webhook, url: \""+srv.URL+"\"}}\n")
	const kills, each = 12, 8
	for range kills {
		cmd := e.start()
		for range each {
			e.find()
			time.Sleep(rand.N(100 * time.Millisecond))
		}
		time.Sleep(rand.N(300 * time.Millisecond))
		cmd.Process.Kill()
		cmd.Wait()
	}
	h.mu.Lock()
	h.fault = nil
	h.mu.Unlock()
	cmd := e.start()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if n, _ := h.taken(); n >= e.n {
			break
		}
	}
	cmd.Process.Signal(os.Interrupt)
	cmd.Wait()
	n, twice := h.taken()
	t.Logf("%d findings, %d kills: %d arrived, %d sent twice", e.n, kills, n, twice)
	if n != e.n || len(h.ids) != e.n {
		talk, _ := os.ReadFile(filepath.Join(e.dir, "talk"))
		t.Errorf("%d of %d arrived, with %d IDs\n%s", n, e.n, len(h.ids), talk)
	}
}

// TestAlertsLeaveAtOnce prints how long it takes from the line in the log to the
// alert at the peer.
func TestAlertsLeaveAtOnce(t *testing.T) {
	h := newHook()
	srv := httptest.NewServer(h)
	defer srv.Close()
	e := newEnforced(t, "alerts: {hook: {to: webhook, url: \""+srv.URL+"\"}}\n")
	cmd := e.start()
	defer func() { cmd.Process.Signal(os.Interrupt); cmd.Wait() }()
	var took []time.Duration
	for i := range 60 {
		began := time.Now()
		e.find()
		for end := began.Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
			h.mu.Lock()
			at, ok := h.when[uint16(10_000+i)]
			h.mu.Unlock()
			if ok {
				took = append(took, at.Sub(began))
				break
			}
			if time.Now().After(end) {
				t.Fatalf("finding %d did not arrive", i)
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	took = took[5:] // it starts
	slices.Sort(took)
	t.Logf("from the line in the log to the alert at the peer: median %s, 95 %% %s, longest %s", took[len(took)/2], took[len(took)*95/100], took[len(took)-1])
}
