package sandbox

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"tripline/learn"
)

// world is an address of this host that is none of the loopback's, made in a network
// namespace for the tests of the sandbox that has none: what is admitted really goes
// there. It takes a runner of its own, so that is what these tests start.
func (u user) world(t *testing.T, tr trial, command ...string) (string, outcome) {
	t.Helper()
	tr.Bare = true
	return u.run(t, tr, command...)
}

// eachBare runs a test as root and as somebody ordinary, where calls can be supervised.
func eachBare(t *testing.T, f func(t *testing.T, u user)) {
	t.Helper()
	for _, u := range users() {
		t.Run(u.name, func(t *testing.T) {
			if _, out := u.world(t, trial{}, "true"); out.Error != "" {
				t.Skipf("calls cannot be supervised here: %s", out.Error)
			}
			f(t, u)
		})
	}
}

func TestBareStatus(t *testing.T) {
	eachBare(t, func(t *testing.T, u user) {
		for script, want := range map[string]int{"exit 0": 0, "exit 7": 7, "kill -TERM $$": 128 + 15, "kill -9 $$": 128 + 9} {
			if _, out := u.world(t, trial{}, "sh", "-c", script); out.Status != want || out.Error != "" {
				t.Errorf("%s: got %d, %s; want %d", script, out.Status, out.Error, want)
			}
		}
	})
}

// bareChildren connect in one way each and end at once, to an address that no route
// leads to or that is refused: the decision is the same.
func TestBareProcessesThatEndAtOnceAreKnown(t *testing.T) {
	tool(t, "python3")
	n := 25
	if os.Getenv("TRIPLINE_LONG") != "" { // "make long"
		n = 100
	}
	eachBare(t, func(t *testing.T, u user) {
		for _, how := range []string{"connect", "nonblocking", "sendto", "sendmsg"} {
			printed, out := u.world(t, trial{Refuse: true}, "python3", "-c", bareChildren, how, fmt.Sprint(n))
			known := map[int]bool{}
			for _, f := range out.Flows {
				if f.Process != nil && strings.Contains(f.Process.Exe, "python") && f.Action == learn.Refused {
					known[f.Process.PID] = true
				}
			}
			if len(known) != n || strings.Count(printed, "ECONNREFUSED\n") != n {
				t.Errorf("%s: %d of %d processes are known, of %d flows; %d were refused: %s", how, len(known), n, len(out.Flows), strings.Count(printed, "ECONNREFUSED\n"), out.Error)
			}
		}
	})
}

const bareChildren = `
import errno, os, socket, sys
how, n = sys.argv[1], int(sys.argv[2])
to = ("203.0.113.5", 80)
for i in range(n):
    pid = os.fork()
    if pid == 0:
        try:
            s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if "con" in how or "non" in how else socket.SOCK_DGRAM)
            s.setblocking(how != "nonblocking")
            if how == "sendto": s.sendto(b"x", to)
            elif how == "sendmsg": s.sendmsg([b"x"], [], 0, to)
            else: s.connect(to)
        except OSError as e:
            os.write(1, (errno.errorcode[e.errno] + "\n").encode())
        os._exit(0)
    os.waitpid(pid, 0)
`

// What goes over the loopback to the command's own programs passes, with descriptors
// and what else comes along; what goes to those of this host does not.
func TestBareLoopbackIsTheCommandsOwn(t *testing.T) {
	tool(t, "python3")
	eachBare(t, func(t *testing.T, u user) {
		host := netip.MustParseAddrPort(web(t))
		script := `
import errno, os, socket, sys, threading
port = int(sys.argv[1])
own = socket.create_server(("127.0.0.1", 0))
c = socket.create_connection(own.getsockname()); s, _ = own.accept()
c.sendmsg([b"he", b"llo"]); print(s.recv(9).decode())
a, b = socket.socketpair()
r, w = os.pipe(); socket.send_fds(a, [b"x"], [w]); got = socket.recv_fds(b, 1, 1)[1][0]
os.write(got, b"through"); print(os.read(r, 9).decode())
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(("127.0.0.1", 0))
v = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); v.sendto(b"datagram", u.getsockname()); print(u.recv(99).decode())
p = socket.socket(socket.AF_UNIX); p.bind("own.sock"); p.listen(); q = socket.socket(socket.AF_UNIX); q.connect("own.sock"); q.sendall(b"unix"); print(p.accept()[0].recv(9).decode())
try: socket.create_connection(("127.0.0.1", port)); print("host")
except OSError as e: print(errno.errorcode[e.errno])
try: socket.create_server(("0.0.0.0", 0)); print("everybody")
except OSError as e: print(errno.errorcode[e.errno])
`
		printed, out := u.world(t, trial{}, "python3", "-c", script, fmt.Sprint(host.Port()))
		if printed != "hello\nthrough\ndatagram\nunix\nECONNREFUSED\nEACCES\n" {
			t.Errorf("got %q, %s", printed, out.Error)
		}
		printed, out = u.world(t, trial{Ports: []uint16{host.Port()}}, "python3", "-c", `
import sys, urllib.request
print(urllib.request.urlopen("http://127.0.0.1:" + sys.argv[1]).read().decode())`, fmt.Sprint(host.Port()))
		if !strings.Contains(printed, "got 0") {
			t.Errorf("a listed port: got %q, %s", printed, out.Error)
		}
	})
}

// Names are those that the command asked for, each with an address of its own.
func TestBareNames(t *testing.T) {
	tool(t, "python3")
	eachBare(t, func(t *testing.T, u user) {
		resolver, _ := zone(t, map[string][]string{"web.example": {"203.0.113.5"}, "other.example": {"203.0.113.5"}})
		_, out := u.world(t, trial{Refuse: true, Resolver: resolver.String()}, "python3", "-c", `
import socket
for name in "web.example", "other.example":
    try: socket.create_connection((name, 443))
    except OSError as e: print(e)
`)
		var got []string
		for _, f := range out.Flows {
			got = append(got, fmt.Sprint(f.Name, " ", f.Dst, " ", f.DstPort, " ", f.Proto))
		}
		if want := "web.example 203.0.113.5 443 tcp, other.example 203.0.113.5 443 tcp"; strings.Join(got, ", ") != want {
			t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
		}
	})
}

// A name that nobody looks up is at no address, whatever is decided.
func TestBareNamesThatNobodyLooksUp(t *testing.T) {
	tool(t, "python3")
	eachBare(t, func(t *testing.T, u user) {
		printed, out := u.world(t, trial{Offline: true, Foreign: true}, "python3", "-c", `
import errno, socket
to = socket.getaddrinfo("some.example", 80, socket.AF_INET)[0][4]
for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
    s = socket.socket(socket.AF_INET, kind)
    try: s.connect(to) if kind == socket.SOCK_STREAM else s.sendto(b"x", to); print("reached")
    except OSError as e: print(errno.errorcode[e.errno])
`)
		if printed != "EHOSTUNREACH\nEHOSTUNREACH\n" {
			t.Errorf("got %q, %s", printed, out.Error)
		}
	})
}

// Where the kernel makes no namespaces, the command is run without, and it is said.
func TestWithoutNamespacesItIsSaid(t *testing.T) {
	for errno, cause := range map[syscall.Errno]string{syscall.EPERM: "not permitted", syscall.EACCES: "denied", syscall.ENOSPC: "no space"} {
		eachBare(t, func(t *testing.T, u user) {
			tr := trial{Refuse: true, Forbid: int(errno)}
			_, out := u.run(t, tr, "sh", "-c", "exit 4")
			warned := strings.Join(out.Warned, "\n")
			if out.Status != 4 || out.Error != "" || !strings.Contains(warned, cause) || !strings.Contains(warned, "does not see: bytes") {
				t.Errorf("%v: got %+v", errno, out)
			}
			tr.Always = true
			if _, out := u.run(t, tr, "true"); out.Error == "" || !strings.Contains(out.Error, cause) {
				t.Errorf("%v, namespaces insisted on: got %+v", errno, out)
			}
		})
	}
}

// The command really reaches what is admitted: an address of a network namespace that
// this test is root of.
func TestBareReachesWhatIsAdmitted(t *testing.T) {
	tool(t, "python3")
	tool(t, "ip")
	if os.Getuid() != 0 {
		t.Skip("only root makes the addresses of this test")
	}
	tr := trial{Bare: true, Foreign: true}
	u := user{"root", 0}
	cmd := u.command(t, &tr, "python3", "-c", `
import socket
with socket.create_connection(("203.0.113.5", 8099), 5) as s:
    print(s.recv(99).decode(), s.getpeername())
`)
	script := `ip link set lo up; ip netns add tripline-bare-$$; ip link add va type veth peer name vb netns tripline-bare-$$
ip addr add 203.0.113.4/24 dev va; ip link set va up
ip -n tripline-bare-$$ addr add 203.0.113.5/24 dev vb; ip -n tripline-bare-$$ link set vb up
ip netns exec tripline-bare-$$ python3 -c 'import socket; s = socket.create_server(("203.0.113.5", 8099)); print("up", flush=True); s.accept()[0].sendall(b"from outside")' > server & server=$!
for i in $(seq 100); do grep -qs up server && break; sleep 0.1; done
"$@"; status=$?; kill $server 2>/dev/null; ip netns del tripline-bare-$$; exit $status`
	outer := exec.Command("unshare", append([]string{"-n", "-m", "sh", "-c", script, "sh"}, cmd.Args...)...)
	outer.Dir = cmd.Dir
	printed, err := outer.CombinedOutput()
	if err != nil || string(printed) != "from outside ('203.0.113.5', 8099)\n" {
		t.Fatalf("got %q, %v", printed, err)
	}
	out := read(t, &tr, string(printed))
	if len(out.Flows) != 1 || out.Flows[0].Dst != netip.MustParseAddr("203.0.113.5") || out.Flows[0].Action != learn.Pass || out.Flows[0].SrcPort == 0 {
		t.Errorf("got %+v", out.Flows)
	}
}

// Who asks over a pair of sockets with whom it speaks is told who made the call: us,
// unless we may say that it was the command.
func TestBareWhoSpeaks(t *testing.T) {
	tool(t, "python3")
	eachBare(t, func(t *testing.T, u user) {
		printed, out := u.world(t, trial{}, "python3", "-c", `
import os, socket, struct
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
a.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
b.sendmsg([b"hello"])
data, control, *_ = a.recvmsg(99, 99)
pid, uid, gid = struct.unpack("3i", control[0][2])
print(data.decode(), pid == os.getpid(), uid == os.getuid())
`)
		if want := fmt.Sprintf("hello %s True\n", map[bool]string{true: "True", false: "False"}[u.id == 0]); printed != want {
			t.Errorf("got %q, want %q", printed, want)
		}
		if said := strings.Contains(strings.Join(out.Warned, "\n"), "SO_PASSCRED"); said != (u.id != 0) {
			t.Errorf("warned %q", out.Warned)
		}
	})
}
