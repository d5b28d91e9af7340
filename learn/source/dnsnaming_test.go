package source_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tripline/learn"
	"tripline/learn/source"
)

// What clients were told in one log names the connections of another, if they are
// read together: each client's its own, also within the same second.
func TestAnswersOfOneLogNameTheConnectionsOfAnother(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, lines ...string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const other = "192.0.2.11"
	dns := write("dns.log",
		"2026-03-28T12:00:01Z fw dnsmasq[9]: 1 "+host+"/4 query[A] api.example from "+host,
		"2026-03-28T12:00:01Z fw dnsmasq[9]: 1 "+host+"/4 reply api.example is <CNAME>",
		"2026-03-28T12:00:01Z fw dnsmasq[9]: 1 "+host+"/4 reply edge.cdn.example is "+far,
	)
	filter := write("filter.log",
		string(stamped(1, tcp("in em1 pass", host, "5000", far, "443", "S", 1))),
		string(stamped(2, tcp("in em1 pass", other, "5000", far, "443", "S", 2))),
		string(stamped(3, tcp("in em1 pass", host, "5001", "203.0.113.8", "443", "S", 3))),
	)
	part := func(name, path string, ahead time.Duration) source.Part {
		s, err := source.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		return source.Part{Name: name, Ahead: ahead, Open: func(cursor []byte) (source.Stream, error) {
			return source.Open(s, path, cursor, source.StreamOptions{Options: home})
		}}
	}
	s, err := source.Join([]source.Part{part("filterlog", filter, 0), part("dnsmasq", dns, time.Second)}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var got []string
	for _, f := range named(t, s) {
		got = append(got, fmt.Sprintf("%s %s %s", f.Src, f.Dst, f.Name))
	}
	want := []string{host + " " + far + " api.example", other + " " + far + " ", host + " 203.0.113.8 "}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
}

// named reads a stream and returns its flows with the names their clients were
// told.
func named(t *testing.T, s source.Stream) (flows []learn.Flow) {
	t.Helper()
	namer := learn.NewNamer()
	for {
		var r source.Record
		err := s.Next(&r)
		if errors.Is(err, io.EOF) {
			return flows
		}
		if err != nil {
			t.Fatal(err)
		}
		if r.Answer != nil {
			namer.Note(r.Answer.Client.String(), r.Answer)
		}
		if r.Counted {
			namer.Name(&r.Flow, r.Src.String())
			flows = append(flows, r.Flow)
		}
	}
}

// A real dnsmasq writes what its parser reads, in either mode.
func TestTheLogOfDnsmasqItself(t *testing.T) {
	program, err := exec.LookPath("dnsmasq")
	if err != nil {
		t.Skip("no dnsmasq here: ", err)
	}
	for _, mode := range []string{"--log-queries=extra", "--log-queries"} {
		t.Run(mode, func(t *testing.T) {
			log := logOfDnsmasq(t, program, mode)
			s, err := source.Find("dnsmasq")
			if err != nil {
				t.Fatal(err)
			}
			p := s.Lines(source.Options{Zone: time.Local})
			got := map[string]bool{}
			for line := range strings.Lines(log) {
				var r source.Record
				if err := p.Parse([]byte(strings.TrimSuffix(line, "\n")), time.Now(), &r); err != nil {
					t.Errorf("%s: %v", line, err)
				} else if a := r.Answer; a != nil {
					got[fmt.Sprintf("%v %v %v %v", a.Client, a.Name, a.Chain, a.Addrs)] = true
				}
			}
			for _, want := range []string{
				"127.0.0.1 multi.example [] [203.0.113.10]",
				"127.0.0.1 multi.example [] [203.0.113.11]",
				"127.0.0.1 www.example [mid.example multi.example] [203.0.113.10]",
			} {
				if !got[want] {
					t.Errorf("no answer %q in %v of\n%s", want, got, log)
				}
			}
		})
	}
}

// logOfDnsmasq asks a dnsmasq a few names and returns what it wrote.
func logOfDnsmasq(t *testing.T, program, mode string) string {
	t.Helper()
	dir, port := t.TempDir(), freeDNSPort(t)
	hosts, log := filepath.Join(dir, "hosts"), filepath.Join(dir, "log")
	if err := os.WriteFile(hosts, []byte("203.0.113.10 multi.example\n203.0.113.11 multi.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "--keep-in-foreground", "--conf-file=/dev/null", "--port="+port, "--listen-address=127.0.0.1",
		"--bind-interfaces", "--no-resolv", "--no-hosts", "--addn-hosts="+hosts, "--local=/example/", "--cname=www.example,mid.example", "--cname=mid.example,multi.example",
		"--user=", "--pid-file=", mode, "--log-facility="+log)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for _, name := range []string{"multi.example.", "www.example.", "none.example."} {
		askDNS(t, "127.0.0.1:"+port, name)
	}
	for until := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(log)
		if err == nil && strings.Contains(string(text), "none.example is NXDOMAIN") {
			return string(text)
		}
		if time.Now().After(until) {
			t.Fatalf("its log ends with %q, %v", text, err)
		}
	}
}
