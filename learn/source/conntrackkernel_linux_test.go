package source

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tripline/learn"
)

// talk makes n connections from one address to another, at most a few at once,
// and returns the ports that they came from.
func talk(t *testing.T, n int) map[uint16]int {
	t.Helper()
	l, err := net.Listen("tcp4", "198.51.100.20:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, c); c.Close() }()
		}
	}()
	ports, mu, work := map[uint16]int{}, sync.Mutex{}, make(chan int)
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(198, 51, 100, 10)}}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range work {
				c, err := d.Dial("tcp4", l.Addr().String())
				if err != nil {
					t.Error(err)
					continue
				}
				_, _ = c.Write([]byte("hello"))
				mu.Lock()
				ports[c.LocalAddr().(*net.TCPAddr).AddrPort().Port()]++
				mu.Unlock()
				c.Close()
			}
		})
	}
	for i := range n {
		work <- i
	}
	close(work)
	all.Wait()
	return ports
}

// TestNoShortConnectionOfThousandsIsMissed makes thousands of them: the kernel's table and its
// programs tell of each once, when it begins, and those that ended have bytes.
func TestNoShortConnectionOfThousandsIsMissed(t *testing.T) {
	if !inNamespace(t, "nft") {
		return
	}
	if _, err := openTracked(StreamOptions{Follow: true}); err == nil || !strings.Contains(learn.HintOf(err), "nf_conntrack_acct=1") {
		t.Fatalf("bytes are not counted: got %v", err)
	}
	write(t, "nf_conntrack_acct", "1")
	write(t, "nf_conntrack_tcp_timeout_time_wait", "1")
	run(t, "nft", "add table ip t; add chain ip t c { type filter hook output priority 0; }; add rule ip t c ct state new accept")
	n := 2000
	if os.Getenv("TRIPLINE_LONG") != "" {
		n = 20000
	}
	var all sync.WaitGroup
	seen := map[string]*sums{}
	for _, src := range []Source{conntrackSource, ebpfSource} {
		s, err := Open(src, Kernel, nil, StreamOptions{Follow: true})
		if err != nil {
			t.Log(src.Name, "is left out: ", err) // this kernel lends us no programs
			continue
		}
		defer s.Close()
		is := &sums{ports: map[uint16]int{}}
		seen[src.Name] = is
		all.Go(func() { is.err = is.read(t.Context(), s, n) })
	}
	want := talk(t, n)
	all.Wait()
	for name, is := range seen {
		is.check(t, name, want, n)
	}
}

// Sums are what a source told of connections.
type sums struct {
	ports                 map[uint16]int
	total, ended, carried int
	dropped               int64
	err                   error
}

// read goes on until n connections were counted and half of them have ended.
func (is *sums) read(ctx context.Context, s Stream, n int) error {
	var r Record
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end) && (is.total < n || is.ended < n/2); {
		err := s.Next(&r)
		if errors.Is(err, io.EOF) {
			err = s.Wait(ctx, 100*time.Millisecond)
			r = Record{}
		}
		if err != nil {
			return err
		}
		switch {
		case r.Src != netip.MustParseAddr("198.51.100.10") || r.Process != nil && r.Process.PID != os.Getpid():
		case r.Counted:
			is.total++
			is.ports[r.SrcPort]++
		case r.Why == Ended:
			if is.ended++; r.Up >= uint64(len("hello")) {
				is.carried++
			}
		}
	}
	is.dropped = s.Stats().Dropped
	return nil
}

func (is *sums) check(t *testing.T, name string, want map[uint16]int, n int) {
	t.Helper()
	missing := 0
	for port, times := range want {
		missing += max(0, times-is.ports[port])
	}
	t.Logf("%s: %d connections: %d counted, %d ended while it was watched, %d with bytes; %d had no room", name, n, is.total, is.ended, is.carried, is.dropped)
	if is.err != nil || missing > 0 || is.total != n {
		t.Errorf("%s: %v; %d are missing, %d were counted, want %d", name, is.err, missing, is.total, n)
	}
	if is.ended < n/2 || is.carried != is.ended {
		t.Errorf("%s: %d of %d that ended have bytes", name, is.carried, is.ended)
	}
}

func write(t *testing.T, name, value string) {
	t.Helper()
	if err := os.WriteFile("/proc/sys/net/netfilter/"+name, []byte(value), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestKernelSeesWhoIsBehindTranslation: a host behind another's address is itself.
func TestKernelSeesWhoIsBehindTranslation(t *testing.T) {
	if !inNamespace(t, "nft") {
		return
	}
	write(t, "nf_conntrack_acct", "1")
	run(t, "nft", "add table ip t; add chain ip t c { type nat hook postrouting priority 100; }; add rule ip t c ip saddr 198.51.100.10 snat to 198.51.100.99")
	run(t, "ip", "addr", "add", "198.51.100.99/32", "dev", "lo")
	s, err := Open(conntrackSource, Kernel, nil, StreamOptions{Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := talk(t, 1)
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		var r Record
		if err := s.Next(&r); err != nil {
			_ = s.Wait(t.Context(), time.Second)
			continue
		}
		if r.Counted && want[r.SrcPort] == 1 && r.Src == netip.MustParseAddr("198.51.100.10") {
			return
		}
		t.Logf("%s:%s %s %s", r.Src, strconv.Itoa(int(r.SrcPort)), r.Dst, r.Why)
	}
	t.Error("it is not there by its own address")
}
