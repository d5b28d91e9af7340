package source

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"tripline/learn"
)

// opener is what the test executable does instead when it is told so: it opens one
// connection as a child of a millisecond would, and is gone.
const opener = "TRIPLINE_OPENER"

func TestMain(m *testing.M) {
	if how := os.Getenv(opener); how != "" {
		openAndGo(how, os.Args[1], os.Args[2])
	}
	os.Exit(m.Run())
}

func openAndGo(how, host, port string) {
	n, _ := strconv.Atoi(port)
	to := &syscall.SockaddrInet4{Port: n, Addr: [4]byte(net.ParseIP(host).To4())}
	kind := syscall.SOCK_STREAM
	switch how {
	case "sendto", "sends", "towards":
		kind = syscall.SOCK_DGRAM
	case "nonblocking":
		kind |= syscall.SOCK_NONBLOCK
	}
	fd, err := syscall.Socket(syscall.AF_INET, kind, 0)
	if err != nil {
		os.Exit(3)
	}
	if how == "sendto" {
		err = syscall.Sendto(fd, []byte("x"), 0, to)
	} else if err = syscall.Connect(fd, to); errors.Is(err, syscall.EINPROGRESS) {
		err = nil
	} else if err == nil && how == "sends" {
		_, err = syscall.Write(fd, []byte("x"))
	}
	if err != nil && !errors.Is(err, syscall.EPERM) {
		os.Exit(4)
	}
	os.Exit(0)
}

// TestChildrenThatAreGoneAtOnceAreCaught: 300 of 300, however they open it.
func TestChildrenThatAreGoneAtOnceAreCaught(t *testing.T) {
	if !inNamespace(t) {
		return
	}
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
			c.Close()
		}
	}()
	s, err := Open(ebpfSource, Kernel, nil, StreamOptions{Follow: true})
	if err != nil {
		t.Skip(err) // this kernel lends us no programs
	}
	defer s.Close()
	self, err := filepath.EvalSymlinks("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	n := 30
	switch {
	case os.Getenv("TRIPLINE_LONG") != "":
		n = 300
	case testing.Short(): // with the race detector, which takes a second to begin
		n = 5
	}
	for _, how := range []string{"connect", "nonblocking", "sendto"} {
		ran := make(chan map[int]bool, 1)
		go func() { ran <- children(t, n, how, self, strconv.Itoa(port)) }()
		got := opened(t, s, ran)
		if len(got) != n {
			t.Errorf("%s: %d of %d are caught; %d had no room", how, len(got), n, s.Stats().Dropped)
		}
		for pid, r := range got {
			p := r.Process
			if p.Exe != self || len(p.Args) != 3 || len(p.Parents) == 0 || p.Parents[0] != self || p.UID != os.Getuid() || r.SrcPort == 0 || !r.Src.IsValid() {
				t.Errorf("%s: %d is known as %+v from %s:%d", how, pid, p, r.Src, r.SrcPort)
				break
			}
		}
		t.Logf("%s: %d of %d", how, len(got), n)
	}
}

// children lets n processes open a connection each, one after the other.
func children(t *testing.T, n int, how, self, port string) (pids map[int]bool) {
	pids = map[int]bool{}
	for range n {
		c := exec.CommandContext(t.Context(), self, "198.51.100.20", port)
		c.Env = append(os.Environ(), opener+"="+how)
		if err := c.Run(); err != nil {
			t.Errorf("%s: %v", how, err)
			break
		}
		pids[c.Process.Pid] = true
	}
	return pids
}

// opened reads until all processes that ran have opened a connection, meanwhile too:
// the kernel has room for some thousands of records of the whole machine.
func opened(t *testing.T, s Stream, ran <-chan map[int]bool) map[int]Record {
	t.Helper()
	all, got, times := map[int]Record{}, map[int]Record{}, map[int]int{}
	var want map[int]bool
	end := time.Now().Add(3 * time.Minute)
	for time.Now().Before(end) && (want == nil || len(got) < len(want)) {
		select {
		case want = <-ran:
			end = time.Now().Add(20 * time.Second)
		default:
		}
		var r Record
		switch err := s.Next(&r); {
		case errors.Is(err, io.EOF):
			if err := s.Wait(t.Context(), 100*time.Millisecond); err != nil {
				t.Fatal(err)
			}
		case err != nil:
			t.Fatal(err)
		case r.Counted:
			all[r.Process.PID] = r
			times[r.Process.PID]++
		}
		for pid := range want {
			if r, ok := all[pid]; ok {
				got[pid] = r
			}
		}
	}
	for pid, r := range got {
		if times[pid] > 1 {
			t.Errorf("%v was counted %d times", r.Flow, times[pid])
		}
	}
	return got
}

func BenchmarkConnect(b *testing.B) {
	if os.Getuid() != 0 {
		b.Skip("loading eBPF programs needs root")
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	to := &syscall.SockaddrInet4{Port: l.Addr().(*net.TCPAddr).Port, Addr: [4]byte{127, 0, 0, 1}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	connect := func(b *testing.B) {
		for b.Loop() {
			fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
			if err != nil {
				b.Fatal(err)
			}
			if err := syscall.Connect(fd, to); err != nil {
				b.Fatal(err)
			}
			_ = syscall.SetsockoptLinger(fd, syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1})
			_ = syscall.Close(fd)
		}
	}
	besides(b, connect)
}

// BenchmarkSend sends datagrams by a socket that is connected.
func BenchmarkSend(b *testing.B) {
	if os.Getuid() != 0 {
		b.Skip("loading eBPF programs needs root")
	}
	l, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("udp4", l.LocalAddr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	besides(b, func(b *testing.B) {
		for b.Loop() {
			if _, err := c.Write([]byte("x")); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// besides runs it alone, and while the programs look on. Who looks wakes up as often in
// both: that has a price of its own.
func besides(b *testing.B, run func(*testing.B)) {
	b.Helper()
	while(func() {}, func() { b.Run("alone", run) })
	k, err := openOnlooker()
	if err != nil {
		b.Skip(err)
	}
	defer k.Close()
	while(func() { _ = k.look() }, func() { b.Run("watched", run) })
	if n := k.lost(); n > 0 {
		b.Errorf("%d records had no room", n)
	}
}

// while runs it, and looks again and again until it ends.
func while(look, run func()) {
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			case <-time.After(lookPause):
				look()
			}
		}
	}()
	run()
	close(stop)
	<-ended
}

// TestOpeningsAreFound holds the rules by which a packet finds its process.
func TestOpeningsAreFound(t *testing.T) {
	at := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	flow := func(src string, sport uint16, after time.Duration) learn.Flow {
		f := learn.Flow{Time: at.Add(after), Proto: learn.UDP, Dst: netip.MustParseAddr("203.0.113.7"), SrcPort: sport, DstPort: 53}
		if src != "" {
			f.Src = netip.MustParseAddr(src)
		}
		return f
	}
	for _, tt := range []struct {
		name  string
		begun []learn.Flow
		f     learn.Flow
		want  int // of begun, -1 for none
	}{
		{"by its port", []learn.Flow{flow("", 1, 0), flow("", 2, 0)}, flow("192.0.2.1", 2, time.Second), 1},
		{"of another host", []learn.Flow{flow("192.0.2.2", 2, 0)}, flow("192.0.2.1", 2, 0), -1},
		{"the last with that port", []learn.Flow{flow("", 2, 0), flow("", 2, time.Minute)}, flow("192.0.2.1", 2, 2*time.Minute), 1},
		{"by destination alone", []learn.Flow{flow("", 0, 0)}, flow("192.0.2.1", 7, time.Millisecond), 0},
		{"too long ago", []learn.Flow{flow("", 0, 0)}, flow("192.0.2.1", 7, time.Minute), -1},
		{"before it was begun", []learn.Flow{flow("", 7, time.Second)}, flow("192.0.2.1", 7, 0), -1},
	} {
		s := newOpenings()
		var all []*opening
		for _, f := range tt.begun {
			all = append(all, &opening{Flow: f})
			s.add(all[len(all)-1])
		}
		got := -1
		for i, o := range all {
			if s.find(&tt.f) == o {
				got = i
			}
		}
		if got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
	s := newOpenings()
	o := &opening{Flow: flow("", 0, 0), claimed: true}
	s.add(o)
	f := flow("192.0.2.1", 7, 0)
	if s.find(&f) != nil {
		t.Error("it was another's")
	}
	for i := range 3 * mostOpenings {
		s.add(&opening{Flow: flow("", uint16(i), 0)})
	}
	if n := len(s.young) + len(s.old); n > 2*mostOpenings {
		t.Errorf("%d are remembered", n)
	}
}
