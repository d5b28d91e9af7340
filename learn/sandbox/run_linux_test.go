package sandbox

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"tripline/learn"
)

// web is a server of HTTP on the loopback.
func web(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "%s got %d", r.Host, n)
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestStatusOfTheCommandIsPassedOn(t *testing.T) {
	eachUser(t, func(t *testing.T, u user) {
		for script, want := range map[string]int{"exit 0": 0, "exit 7": 7, "kill -TERM $$": 128 + 15, "kill -9 $$": 128 + 9} {
			if _, out := u.run(t, trial{}, "sh", "-c", script); out.Status != want || out.Error != "" {
				t.Errorf("%s: got %d, %s; want %d", script, out.Status, out.Error, want)
			}
		}
		if _, out := u.run(t, trial{}, "no-such-command-anywhere"); out.Error == "" {
			t.Error("a command that is not there: no error")
		}
	})
}

func TestCommandSeesItselfAsItWas(t *testing.T) {
	eachUser(t, func(t *testing.T, u user) {
		t.Setenv("OF_THE_TEST", "a value")
		printed, out := u.run(t, trial{}, "sh", "-c", `id -u; id -g; echo "$OF_THE_TEST"; pwd; echo "$@"; cat`, "sh", "two words", "\xff")
		if !strings.Contains(printed, fmt.Sprintf("%d\n%d\na value\n", u.id, u.id)) || !strings.Contains(printed, "two words \xff\n") {
			t.Errorf("got %q", printed)
		}
		if out.Result.Ready > 5*time.Second {
			t.Errorf("it took %v", out.Result.Ready)
		}
	})
}

func TestNamesBytesAndProcessesAreTold(t *testing.T) {
	tool(t, "curl")
	eachUser(t, func(t *testing.T, u user) {
		resolver, _ := zone(t, map[string][]string{"web.example": {"203.0.113.5"}})
		t.Setenv("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		printed, out := u.run(t, trial{To: web(t), Resolver: resolver.String()},
			"sh", "-c", `curl -s -H "Authorization: Bearer eyJhbGciOiJub25lIn0.e30." --data-binary hello http://web.example/; true`)
		if printed != "web.example got 5" {
			t.Errorf("got %q, %+v", printed, out)
		}
		if len(out.Flows) != 1 {
			t.Fatalf("got %+v", out.Flows)
		}
		f := out.Flows[0]
		if f.Name != "web.example" || f.Evidence != learn.HTTP || f.Dst != netip.MustParseAddr("203.0.113.5") || f.DstPort != 80 || !f.Resolved || f.Up < 5 || f.Down < 5 {
			t.Errorf("got %+v", f)
		}
		p := f.Process
		if p == nil || !strings.HasSuffix(p.Exe, "/curl") || len(p.Parents) != 1 || p.UID != u.id || !strings.HasPrefix(p.Trace, "00-0af7") {
			t.Fatalf("got process %+v", p)
		}
		if args := strings.Join(p.Args, " "); strings.Contains(args, "eyJ") || !strings.Contains(args, "http://web.example/") {
			t.Errorf("got arguments %q", args)
		}
	})
}

func TestOfflineNothingLeaves(t *testing.T) {
	tool(t, "curl")
	eachUser(t, func(t *testing.T, u user) {
		_, out := u.run(t, trial{Offline: true, Refuse: true}, "sh", "-c", "curl -4 -s http://secret.example/; curl -s https://203.0.113.5/; exit 0")
		if len(out.Flows) != 2 || out.Result.Refused != 2 {
			t.Fatalf("got %+v", out)
		}
		for _, f := range out.Flows {
			if f.Action != learn.Refused || f.Up+f.Down > 0 {
				t.Errorf("got %+v", f)
			}
		}
	})
}

// children are short-lived processes that connect in one way and end at once.
const children = `
import os, socket, sys, time
how, n = sys.argv[1], int(sys.argv[2])
for i in range(n):
    pid = os.fork()
    if pid == 0:
        if how == "connect":
            s = socket.socket(); s.connect(("203.0.113.5", 80))
        elif how == "nonblocking":
            s = socket.socket(); s.setblocking(False)
            try: s.connect(("203.0.113.5", 80))
            except BlockingIOError: pass
        else:
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            while how == "sameport": # it is held until the one before is known
                try: s.bind(("", 45678)); break
                except OSError: time.sleep(0.001)
            s.sendto(b"x", ("203.0.113.5", 123))
        os._exit(0)
    os.waitpid(pid, 0)
`

func TestProcessesThatEndAtOnceAreKnown(t *testing.T) {
	tool(t, "python3")
	eachUser(t, func(t *testing.T, u user) {
		n := 300
		if u.id == 0 || os.Getenv("TRIPLINE_LONG") == "" {
			n = 30 // "make long" runs all
		}
		to := echoServer(t).String()
		for how, n := range map[string]int{"connect": n, "nonblocking": n, "sendto": n, "sameport": n / 10} {
			_, out := u.run(t, trial{To: to}, "python3", "-c", children, how, fmt.Sprint(n))
			known := map[int]bool{}
			for _, f := range out.Flows {
				if f.Process != nil && strings.Contains(f.Process.Exe, "python") {
					known[f.Process.PID] = true
				}
			}
			if len(known) != n {
				t.Errorf("%s: %d of %d processes are known, of %d flows", how, len(known), n, len(out.Flows))
			}
		}
	})
}

func TestEveryConnectionIsTold(t *testing.T) {
	tool(t, "python3")
	const n = 1000
	eachUser(t, func(t *testing.T, u user) {
		seen := make(chan struct{}, n)
		to := server(t, func(c net.Conn) { io.Copy(io.Discard, c); seen <- struct{}{} })
		_, out := u.run(t, trial{To: to.String()}, "python3", "-c", `
import socket
for i in range(1000):
    with socket.create_connection(("203.0.113.5", 80)) as s: s.send(b"x")
`)
		for range n {
			select {
			case <-seen:
			case <-time.After(20 * time.Second):
				t.Fatalf("the server did not see all")
			}
		}
		var up uint64
		for _, f := range out.Flows {
			up += f.Up
		}
		if len(out.Flows) != n || up != n {
			t.Errorf("%d flows with %d bytes were told of %d", len(out.Flows), up, n)
		}
	})
}

func TestWhatTheCommandLeavesBehindIsFollowed(t *testing.T) {
	tool(t, "curl")
	daemons := map[string]string{
		"background": "(sleep 0.3; curl -s http://203.0.113.5/) >/dev/null 2>&1 &",
		"session":    "setsid sh -c 'sleep 0.3; curl -s http://203.0.113.5/' >/dev/null 2>&1 &",
		"twice":      "(setsid sh -c '(sleep 0.3; curl -s http://203.0.113.5/) & exit 0' &) >/dev/null 2>&1 </dev/null",
		"nohup":      "nohup sh -c 'sleep 0.3; curl -s http://203.0.113.5/' >/dev/null 2>&1 &",
	}
	eachUser(t, func(t *testing.T, u user) {
		for how, script := range daemons {
			_, out := u.run(t, trial{To: web(t)}, "sh", "-c", script+"\nexit 3")
			if out.Status != 3 || len(out.Flows) != 1 || out.Flows[0].Process == nil || !strings.HasSuffix(out.Flows[0].Process.Exe, "/curl") {
				t.Errorf("%s: got %+v", how, out)
			}
		}
	})
}

func TestSignalsAreHandedOn(t *testing.T) {
	eachUser(t, func(t *testing.T, u user) {
		tr := trial{}
		cmd := u.command(t, &tr, "sh", "-c", `trap 'echo got it; exit 5' TERM; echo ready; while :; do sleep 0.05; done`)
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 64)
		n, _ := stdout.Read(buf)
		cmd.Process.Signal(syscall.SIGTERM)
		rest, _ := io.ReadAll(stdout)
		cmd.Wait()
		if got := string(buf[:n]) + string(rest); got != "ready\ngot it\n" || cmd.ProcessState.ExitCode() != 5 {
			t.Errorf("got %q and %v", got, cmd.ProcessState)
		}
	})
}

// Without the program outside nothing lives inside, and nothing leaves.
func TestDeathOfTheParentEndsEverything(t *testing.T) {
	eachUser(t, func(t *testing.T, u user) {
		tr := trial{}
		cmd := u.command(t, &tr, "sh", "-c", `echo $$; (setsid sleep 300 &); sleep 300`)
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stdout.Read(make([]byte, 64)) // it runs
		var inside []int
		for deadline := time.Now().Add(10 * time.Second); len(inside) < 3 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			inside = descendants(cmd.Process.Pid)
		}
		if len(inside) < 3 {
			t.Fatalf("only %v are inside", inside)
		}
		cmd.Process.Kill()
		cmd.Wait()
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			left := 0
			for _, pid := range inside {
				if fields := stat(pid); len(fields) > 0 && fields[0] != "Z" {
					left++
				}
			}
			if left == 0 {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d of %v live on", left, inside)
			}
		}
	})
}

func TestListedPortsOfTheHostAndPublishedOnes(t *testing.T) {
	tool(t, "curl")
	tool(t, "python3")
	eachUser(t, func(t *testing.T, u user) {
		at := netip.MustParseAddrPort(web(t))
		script := fmt.Sprintf("curl -s http://127.0.0.1:%d/", at.Port())
		if printed, out := u.run(t, trial{Ports: []uint16{at.Port()}}, "sh", "-c", script); !strings.Contains(printed, "got 0") || out.Result.Host != 1 {
			t.Errorf("listed: got %q, %+v", printed, out)
		}
		if printed, out := u.run(t, trial{}, "sh", "-c", script); out.Status != 7 || strings.Contains(printed, "got") {
			t.Errorf("not listed: got %q, %+v", printed, out)
		}
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		here := netip.MustParseAddrPort(free.Addr().String())
		free.Close()
		tr := trial{Publish: []Port{{Listen: here, Port: 8123}}}
		cmd := u.command(t, &tr, "python3", "-c", `
import socket
s = socket.create_server(("0.0.0.0", 8123)); c, _ = s.accept(); c.sendall(b"from inside"); c.close()
`)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer cmd.Wait()
		defer cmd.Process.Kill()
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			c, err := net.Dial("tcp", here.String())
			if err != nil {
				continue
			}
			got, _ := io.ReadAll(c)
			c.Close()
			if string(got) == "from inside" {
				return
			}
		}
		t.Error("the published port leads nowhere")
	})
}

// An inherited file stays, what could speak does not.
func TestInheritedDescriptors(t *testing.T) {
	eachUser(t, func(t *testing.T, u user) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		socket, err := l.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		dir, err := os.Open("/")
		if err != nil {
			t.Fatal(err)
		}
		tr := trial{}
		cmd := u.command(t, &tr, "sh", "-c", "ls -l /proc/self/fd; echo hello >&5; echo three >&3")
		cmd.ExtraFiles = []*os.File{w, socket, w, dir}
		printed, err := cmd.CombinedOutput()
		w.Close()
		if err != nil {
			t.Fatalf("%v: %s", err, printed)
		}
		if strings.Contains(string(printed), "socket:") || strings.Contains(string(printed), " 6 ->") {
			t.Errorf("got\n%s", printed)
		}
		if got, _ := io.ReadAll(r); string(got) != "hello\nthree\n" {
			t.Errorf("got %q through the pipe", got)
		}
	})
}

// Datagrams that are sent as one (UDP_SEGMENT of udp(7)) leave as many.
func TestDatagramsSentAsOneAreMany(t *testing.T) {
	tool(t, "python3")
	eachUser(t, func(t *testing.T, u user) {
		pc, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer pc.Close()
		printed, out := u.run(t, trial{To: pc.LocalAddr().String()}, "python3", "-c", `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("203.0.113.5", 9)); s.setsockopt(socket.IPPROTO_UDP, 103, 1000); s.send(b"x" * 9500)
`)
		if out.Status != 0 {
			t.Skipf("this kernel sends no datagrams as one: %s", printed)
		}
		var sizes []int
		buf := make([]byte, 1<<16)
		for range 10 {
			pc.SetReadDeadline(time.Now().Add(5 * time.Second))
			n, _, err := pc.ReadFrom(buf)
			if err != nil {
				break
			}
			sizes = append(sizes, n)
		}
		if fmt.Sprint(sizes) != "[1000 1000 1000 1000 1000 1000 1000 1000 1000 500]" {
			t.Errorf("got %v", sizes)
		}
	})
}

// TestRootOfANamespaceHasNamespaces is of a user who is root because unshare(1) says
// so, and may set no groups.
func TestRootOfANamespaceHasNamespaces(t *testing.T) {
	tool(t, "unshare")
	eachUser(t, func(t *testing.T, u user) {
		tr := trial{Always: true, Offline: true}
		cmd := u.command(t, &tr, "sh", "-c", "id -u; exit 7")
		cmd.Path, cmd.Args = "/usr/bin/unshare", append([]string{"unshare", "-r", cmd.Path}, cmd.Args[1:]...)
		printed, _ := cmd.CombinedOutput()
		if out := read(t, &tr, string(printed)); out.Status != 7 || string(printed) != "0\n" {
			t.Errorf("got %q, %+v", printed, out)
		}
	})
}

// Each datagram of a flood was sent, or is counted as one that came too fast.
func TestWhatComesTooFastIsCounted(t *testing.T) {
	tool(t, "python3")
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	eachUser(t, func(t *testing.T, u user) {
		const n = 10000
		printed, out := u.run(t, trial{To: c.LocalAddr().String()}, "python3", "-c", fmt.Sprintf(`
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("203.0.113.5", 9))
for i in range(%d): s.send(b"0123456789")`, n))
		if len(out.Flows) != 1 {
			t.Fatalf("%d flows: %s %s", len(out.Flows), printed, out.Error)
		}
		if got := out.Flows[0].Up/10 + out.Result.Dropped; got != n {
			t.Errorf("%d left and %d are counted as too fast, of %d", out.Flows[0].Up/10, out.Result.Dropped, n)
		}
	})
}

func TestDroppedIsReadFromItsColumn(t *testing.T) {
	const text = "Inter-|   Receive |  Transmit\n face |bytes\n    lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n  eth0: 1 2 3 4 5 6 7 8 9 10 11 5977 13 14 15 16\n"
	if got := droppedIn(text); got != 5977 {
		t.Errorf("got %d, want 5977", got)
	}
}
