package sandbox

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
)

// stopped is a call that waits in a test: of nobody, so that none is valid.
func stopped(t *testing.T, call int32) (*called, *unix.SockaddrInet4) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	s := &supervisor{b: &box{o: &Options{Warn: t.Logf}}, fd: -1, warned: map[string]bool{}}
	n := &notice{pid: uint32(os.Getpid()), call: call}
	n.args[0], n.args[1] = uint64(fd), 1
	return &called{s: s, n: n, fd: fd, domain: unix.AF_INET, kind: unix.SOCK_STREAM}, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: l.Addr().(*net.TCPAddr).Port}
}

// A thread may end a connection while another one asks what became of it. What is asked
// then is not where the second one wanted to go.
func TestAskingWhatBecameBeginsNothing(t *testing.T) {
	c, to := stopped(t, unix.SYS_CONNECT)
	addr := make([]byte, unix.SizeofSockaddrInet4)
	addr[0], addr[2], addr[3] = unix.AF_INET, byte(to.Port>>8), byte(to.Port)
	copy(addr[4:], to.Addr[:])
	if errno := c.again(addr); errno != unix.ECONNREFUSED {
		t.Errorf("a socket that was reset meanwhile: got %v", errno)
	}
	if peer, err := unix.Getpeername(c.fd); err == nil {
		t.Errorf("it is connected to %+v", peer)
	}
}

// A socket that loses its address with its connection is nothing to listen on, and one
// that has another address afterwards listens no more.
func TestListeningStaysInside(t *testing.T) {
	c, to := stopped(t, unix.SYS_LISTEN)
	if err := unix.Connect(c.fd, to); err != nil {
		t.Fatal(err)
	}
	if errno := c.listen(); errno != unix.EINVAL {
		t.Errorf("connected: got %v", errno)
	}
	c, _ = stopped(t, unix.SYS_LISTEN)
	if errno := c.listen(); errno != unix.EACCES {
		t.Errorf("on every address: got %v", errno)
	}
	unix.Bind(c.fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	for range 2 { // the second time with another length of its queue
		if errno := c.listen(); errno != 0 {
			t.Errorf("inside: got %v", errno)
		}
	}
}

// A number of a process may be another's once who waits is gone.
func TestCallOfNobodyWhoWaitsIsNotMade(t *testing.T) {
	c, _ := stopped(t, unix.SYS_LISTEN)
	if err := unix.Bind(c.fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if _, errno := c.s.make(c.n); errno != unix.ESRCH {
		t.Errorf("got %v", errno)
	}
	if on, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || on != 0 {
		t.Errorf("it listens: %d, %v", on, err)
	}
}

// What is handed over by who is gone may be another's, as its number is.
func TestDescriptorsOfWhoIsGoneAreNotSent(t *testing.T) {
	c, _ := stopped(t, unix.SYS_SENDMSG)
	c.domain = unix.AF_UNIX
	if n, errno := c.deliver(&message{data: []byte("x"), control: unix.UnixRights(0)}); errno != unix.ESRCH || n != 0 {
		t.Errorf("got %d, %v", n, errno)
	}
}

// A question that is passed on asks for one name, and carries nothing else.
func TestPassedOnIsOneQuestion(t *testing.T) {
	one := dnsmessage.Question{Name: dnsmessage.MustNewName("Web.Example."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}
	txt := dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: one.Name, Class: dnsmessage.ClassINET}, Body: &dnsmessage.TXTResource{TXT: []string{"secret"}}}
	for what, m := range map[string]dnsmessage.Message{
		"good":       {Questions: []dnsmessage.Question{one}},
		"two":        {Questions: []dnsmessage.Question{one, one}},
		"an answer":  {Questions: []dnsmessage.Question{one}, Answers: []dnsmessage.Resource{txt}},
		"authority":  {Questions: []dnsmessage.Question{one}, Authorities: []dnsmessage.Resource{txt}},
		"two beside": {Questions: []dnsmessage.Question{one}, Additionals: []dnsmessage.Resource{txt, txt}},
		"no query":   {Header: dnsmessage.Header{OpCode: 5}, Questions: []dnsmessage.Question{one}},
		"a reply":    {Header: dnsmessage.Header{Response: true}, Questions: []dnsmessage.Question{one}},
	} {
		q, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		if name, ok := onlyQuestion(q); ok != (what == "good") || ok && name != "web.example" {
			t.Errorf("%s: got %q, %v", what, name, ok)
		}
	}
}

// A program of this host that is started again has another socket at the same path.
func TestCoverOutlastsASocket(t *testing.T) {
	dir := t.TempDir()
	directory, err := unix.Open(dir, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(directory)
	path := filepath.Join(dir, "s")
	var c *cover
	for range 2 {
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		if c == nil {
			c = newCover([]string{path})
		}
		fd, err := openBelow(directory, "s")
		if err != nil || !c.has(fd) {
			t.Errorf("it is not covered: %v", err)
		}
		unix.Close(fd)
		os.Rename(path, path+".before") // its number is not taken again
		l.Close()
	}
}

// Sockets without a file that begin after the command are not its own either.
func TestBareLaterSocketsOfThisHost(t *testing.T) {
	tool(t, "python3")
	eachBare(t, func(t *testing.T, u user) {
		name := fmt.Sprintf("tripline later-%d-%d", os.Getpid(), u.id)
		tr := trial{Bare: true}
		cmd := u.command(t, &tr, "python3", "-c", `
import errno, socket, sys
own = socket.socket(socket.AF_UNIX); own.bind("\0own of " + sys.argv[1]); own.listen()
print("ready", flush=True); sys.stdin.readline()
for name in "own of " + sys.argv[1], sys.argv[1]:
    for again in range(2):
        try: socket.socket(socket.AF_UNIX).connect("\0" + name); print("reached")
        except OSError as e: print(errno.errorcode[e.errno])
`, name)
		in, err1 := cmd.StdinPipe()
		printed, err2 := cmd.StdoutPipe()
		if err := errors.Join(err1, err2, cmd.Start()); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(printed)
		r.ReadString('\n')
		l, err := net.Listen("unix", "\x00"+name)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		io.WriteString(in, "go\n")
		rest, _ := io.ReadAll(r)
		cmd.Wait()
		if string(rest) != "reached\nreached\nECONNREFUSED\nECONNREFUSED\n" {
			t.Errorf("got %q", rest)
		}
	})
}

// Who was root and is not any more reaches what it would reach by itself, and is asked
// who it is as itself.
func TestBareRightsOfWhoIsNotRootAnyMore(t *testing.T) {
	tool(t, "python3")
	if os.Getuid() != 0 {
		t.Skip("only root becomes somebody else")
	}
	printed, out := user{"root", 0}.world(t, trial{}, "python3", "-c", `
import errno, os, socket, struct, time
os.chmod(".", 0o777)
def made(name, mask, kind):
    os.umask(mask); s = socket.socket(socket.AF_UNIX, kind); s.bind(name); os.umask(0); return s
stream, datagram = socket.SOCK_STREAM, socket.SOCK_DGRAM
free = made("free", 0, stream); free.listen(); strict = made("strict", 0o077, stream); strict.listen()
box = made("box", 0, datagram); box.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1); shut = made("shut", 0o077, datagram)
pid = os.fork()
if pid == 0:
    os.setgroups([7]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
    here = os.open(".", os.O_PATH)
    for name in "strict", "free", "/proc/self/fd/%d/free" % here, "/proc/self/cwd/free":
        try: socket.socket(socket.AF_UNIX, stream).connect(name); print("reached", flush=True)
        except OSError as e: print(errno.errorcode[e.errno], flush=True)
    own = made("own", 0, stream); own.listen()
    for name in "shut", "box":
        try: socket.socket(socket.AF_UNIX, datagram).sendmsg([b"x"], [], 0, name); print("sent", flush=True)
        except OSError as e: print(errno.errorcode[e.errno], flush=True)
    time.sleep(9)
while True:
    try: c = socket.socket(socket.AF_UNIX, stream); c.connect("own"); break
    except OSError: time.sleep(0.01)
os.kill(pid, 9); os.waitpid(pid, 0); print(struct.unpack("3i", c.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1:])
print(struct.unpack("3i", free.accept()[0].getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1:])
who = struct.unpack("3i", box.recvmsg(9, 99)[1][0][2]); print(who[0] == pid, who[1:])
socket.socket(socket.AF_UNIX, stream).connect("strict"); print("root")
`)
	if want := "EACCES\nreached\nreached\nreached\nEACCES\nsent\n(65534, 65534)\n(65534, 65534)\nTrue (65534, 65534)\nroot\n"; printed != want {
		t.Errorf("got %q, want %q; %s", printed, want, out.Error)
	}
}
