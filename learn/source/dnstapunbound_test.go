package source_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"tripline/learn/source"
)

// The answers of a real Unbound arrive as it gave them.
func TestDnstapOfUnbound(t *testing.T) {
	unbound, err := exec.LookPath("unbound")
	if err != nil {
		t.Skip("no unbound here: ", err)
	}
	dir := t.TempDir()
	port := freeDNSPort(t)
	sock := filepath.Join(dir, "tap.sock")
	s := openTap(t, "unix://"+sock, nil, source.StreamOptions{Follow: true})
	conf := filepath.Join(dir, "unbound.conf")
	text := "server:\n interface: 127.0.0.1\n port: " + port + "\n do-daemonize: no\n chroot: \"\"\n username: \"\"\n directory: " + dir + "\n pidfile: \"\"\n use-syslog: no\n" +
		" module-config: iterator\n local-zone: example. static\n local-data: \"multi.example. 60 A 203.0.113.10\"\n local-data: \"multi.example. 60 A 203.0.113.11\"\n" +
		"remote-control:\n control-enable: no\n" +
		"dnstap:\n dnstap-enable: yes\n dnstap-socket-path: " + sock + "\n dnstap-tls: no\n dnstap-send-identity: yes\n dnstap-log-client-response-messages: yes\n dnstap-log-client-query-messages: yes\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), unbound, "-d", "-p", "-c", conf)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for _, name := range []string{"multi.example.", "none.example."} {
		askDNS(t, "127.0.0.1:"+port, name)
	}
	var answers []map[string]any
	whys := map[source.Why]int{}
	for until := time.Now().Add(10 * time.Second); len(answers) < 1 || whys[source.NoAnswer] < 3; {
		if time.Now().After(until) {
			t.Fatalf("got %v and %v", answers, whys)
		}
		if err := s.Wait(t.Context(), 100*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		for _, line := range drainTap(t, s) {
			var m map[string]any
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatal(err)
			}
			if whys[source.Why(m["why"].(string))]++; m["name"] != nil {
				answers = append(answers, m)
			}
		}
	}
	want := map[string]any{"name": "multi.example", "client": "127.0.0.1", "ttl": "1m0s", "proto": "udp"}
	for key, value := range want {
		if answers[0][key] != value {
			t.Errorf("%s: got %v, want %v", key, answers[0][key], value)
		}
	}
	if addrs := answers[0]["addrs"].([]any); len(addrs) != 2 {
		t.Errorf("got addresses %v, want both", addrs)
	}
}

// freeDNSPort returns a port that is free for UDP and TCP, and that no connection
// is given by itself while the server begins (Linux gives 32768 and up).
func freeDNSPort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(10_000 + rand.N(20_000))
		c, err := net.ListenPacket("udp", "127.0.0.1:"+port)
		if err != nil {
			continue
		}
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		c.Close()
		if err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}

// askDNS asks until it is answered.
func askDNS(t *testing.T, server, name string) {
	t.Helper()
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: 7, RecursionDesired: true})
	if err := errors.Join(b.StartQuestions(), b.Question(dnsmessage.Question{Name: dnsmessage.MustNewName(name), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET})); err != nil {
		t.Fatal(err)
	}
	question, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		c, err := net.Dial("udp", server)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(200 * time.Millisecond))
		_, _ = c.Write(question)
		n, err := c.Read(make([]byte, 512))
		_ = c.Close()
		if err == nil && n > 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s does not answer", server)
}
