package source

import (
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

// TestKernelMissesNoConnection makes thousands of short connections: each is
// counted once, when it begins, and those that ended have bytes.
func TestKernelMissesNoConnection(t *testing.T) {
	if !inNamespace(t, "nft") {
		return
	}
	if _, err := openTracked(StreamOptions{Follow: true}); err == nil || !strings.Contains(learn.HintOf(err), "nf_conntrack_acct=1") {
		t.Fatalf("bytes are not counted: got %v", err)
	}
	write(t, "nf_conntrack_acct", "1")
	write(t, "nf_conntrack_tcp_timeout_time_wait", "1")
	run(t, "nft", "add table ip t; add chain ip t c { type filter hook output priority 0; }; add rule ip t c ct state new accept")
	s, err := Open(conntrackSource, Kernel, nil, StreamOptions{Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const n = 5000
	want := talk(t, n)
	got, ended, carried := counted(t, s, n)
	missing := 0
	for port, times := range want {
		missing += max(0, times-got[port])
	}
	total := 0
	for _, times := range got {
		total += times
	}
	st := s.Stats()
	t.Logf("%d connections: %d counted, %d ended while it was watched, %d with bytes; %d times the kernel had no room", n, total, ended, carried, st.Dropped)
	if missing > 0 || total != n {
		t.Errorf("%d are missing, %d were counted, want %d", missing, total, n)
	}
	if ended < n/2 || carried != ended {
		t.Errorf("%d of %d that ended have bytes; reading the table makes the kernel tell of them", carried, ended)
	}
}

// counted reads until n connections were counted and half of them have ended.
func counted(t *testing.T, s Stream, n int) (ports map[uint16]int, ended, carried int) {
	t.Helper()
	ports = map[uint16]int{}
	var r Record
	total := 0
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end) && (total < n || ended < n); {
		err := s.Next(&r)
		if errors.Is(err, io.EOF) {
			if err := s.Wait(t.Context(), time.Second); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if r.Src != netip.MustParseAddr("198.51.100.10") {
			continue
		}
		switch {
		case r.Counted:
			total++
			ports[r.SrcPort]++
		case r.Why == Ended:
			ended++
			if r.Up > 0 && r.Down > 0 {
				carried++
			}
		}
	}
	return ports, ended, carried
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
