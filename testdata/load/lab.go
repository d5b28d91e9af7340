package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"tripline/learn"
	"tripline/store"
)

const (
	agents = 100
	rules  = 100 // of each agent
)

// A lab is what a trial has for itself.
type lab struct {
	tripline, dir, db, log string
	span                   time.Duration
	peer                   *peer
	server                 *http.Server
	address                string
}

// open approves a baseline for each agent and starts a peer.
func (l *lab) open() error {
	var yaml strings.Builder
	yaml.WriteString("agents:\n")
	s, err := store.Open(l.db, store.Options{})
	if err != nil {
		return err
	}
	for i := range agents {
		fmt.Fprintf(&yaml, "  %s: [%s]\n", agentName(i), source(i))
		if err := approve(s, i); err != nil {
			return errors.Join(err, s.Close())
		}
	}
	if err := s.Close(); err != nil {
		return err
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(background, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	l.address = "http://" + ln.Addr().String() + "/"
	fmt.Fprintf(&yaml, "alerts: {peer: {to: webhook, url: %q}}\n", l.address)
	l.peer = &peer{first: map[string]time.Time{}}
	l.server = &http.Server{Handler: l.peer, ReadHeaderTimeout: time.Minute}
	go l.server.Serve(ln)
	return errors.Join(os.WriteFile(filepath.Join(l.dir, "tripline.yaml"), []byte(yaml.String()), 0o600), os.WriteFile(l.log, nil, 0o600))
}

func (l *lab) close() { _ = l.server.Close() }

func agentName(i int) string { return fmt.Sprintf("agent%02d", i) }

func source(i int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}) }

// rule is the destination of the rule n of an agent.
func rule(i, n int) (netip.Addr, uint16) {
	return netip.AddrFrom4([4]byte{198, 51, 100, byte(n)}), uint16(1000 + i)
}

func approve(s *store.Store, i int) error {
	b := &learn.Baseline{Agent: agentName(i), Approved: &learn.Approval{By: "load", At: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Reason: "load"}}
	for n := range rules {
		to, port := rule(i, n)
		b.Rules = append(b.Rules, learn.Rule{To: learn.To{Prefix: netip.PrefixFrom(to, 32)}, Ports: []learn.Service{{Proto: learn.TCP, Port: port}}, From: "allowed"})
	}
	text, err := learn.Encode([]*learn.Baseline{b})
	if err != nil {
		return err
	}
	if err := s.PutAgent(b.Agent, []byte(b.Agent+"="+source(i).String())); err != nil {
		return err
	}
	return s.Approve(b.Agent, learn.Digest(text), "", text)
}

// start runs enforce on the log, or on what is its standard input.
func (l *lab) start(stdin *os.File, logs ...string) (*exec.Cmd, error) {
	args := append([]string{"enforce", "--db", l.db, "--config", filepath.Join(l.dir, "tripline.yaml"), "--follow"}, logs...)
	cmd := exec.Command(l.tripline, args...)
	out, err := os.OpenFile(filepath.Join(l.dir, "out"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	talk, err := os.OpenFile(filepath.Join(l.dir, "talk"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer talk.Close()
	cmd.Stdout, cmd.Stderr = out, talk
	if stdin != nil {
		cmd.Stdin = stdin
	}
	return cmd, cmd.Start()
}

// end interrupts enforce and returns what it said.
func (l *lab) end(cmd *exec.Cmd) (talk string, err error) {
	err = cmd.Process.Signal(os.Interrupt)
	_ = cmd.Wait() // its exit status says that it found something
	text, wrong := os.ReadFile(filepath.Join(l.dir, "talk"))
	return string(text), errors.Join(err, wrong)
}

// events returns the alerts that enforce wrote.
func (l *lab) events() (list []event, err error) {
	text, err := os.ReadFile(filepath.Join(l.dir, "out"))
	for line := range bytes.Lines(text) {
		var e event
		if json.Unmarshal(line, &e) == nil {
			list = append(list, e)
		}
	}
	return list, err
}

// await waits until there is an event that is wanted.
func (l *lab) await(wait time.Duration, want func(event) bool) bool {
	for end := time.Now().Add(wait); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		list, err := l.events()
		for i := range list {
			if err == nil && want(list[i]) {
				return true
			}
		}
	}
	return false
}

// append writes to the log as a firewall does.
func (l *lab) append(text []byte) error {
	f, err := os.OpenFile(l.log, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// An event is what of an alert is looked at.
type event struct {
	Event  string `json:"event"`
	ID     string `json:"id"`
	Kind   string `json:"kind"`
	Status string `json:"status"`
	Agent  string `json:"agent"`
	Dst    string `json:"dst"`
	Port   uint16 `json:"dport"`
	Count  uint64 `json:"count"`
	Group  bool   `json:"group"`
}

// A peer takes alerts and notes when each event first came.
type peer struct {
	mu     sync.Mutex
	first  map[string]time.Time
	events []event
	again  int
}

func (p *peer) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	now := time.Now()
	var m struct {
		Alerts []event `json:"alerts"`
	}
	if json.NewDecoder(r.Body).Decode(&m) != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range m.Alerts {
		if e.Kind != "destination" {
			continue // the source is looked at as well
		}
		if _, known := p.first[e.Event]; known {
			p.again++
			continue
		}
		p.first[e.Event] = now
		p.events = append(p.events, e)
	}
}

func (p *peer) taken() (list []event, again int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append(list, p.events...), p.again
}

// memory returns how much a process has in memory, and had at most, in MiB.
func memory(pid int) (now, most int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		kib, _ := strconv.Atoi(f[1])
		switch f[0] {
		case "VmRSS:":
			now = kib >> 10
		case "VmHWM:":
			most = kib >> 10
		}
	}
	return now, most
}
