package sandbox

import (
	"os/exec"
	"testing"
)

// oddCalls makes calls that wait, and some that are odd, and prints what became of them.
const oddCalls = `
import array, ctypes, errno, os, platform, signal, socket, struct, threading, time
U, S, D = socket.AF_UNIX, socket.SOCK_STREAM, socket.SOCK_DGRAM
def say(what, f):
    try: print(what, f(), flush=True)
    except OSError as e: print(what, errno.errorcode.get(e.errno, repr(e)), flush=True)
def hears(s, pause):
    time.sleep(pause); n = 0
    while True:
        got = len(s.recv(1 << 16))
        n += got
        if not got: return n
def within(seconds, f):
    def stop(*a): raise InterruptedError(0, "a signal")
    signal.signal(signal.SIGALRM, stop); signal.setitimer(signal.ITIMER_REAL, seconds)
    try: return f()
    finally: signal.setitimer(signal.ITIMER_REAL, 0)

a, b = socket.socketpair(); heard = []
t = threading.Thread(target=lambda: heard.append(hears(b, 0.1))); t.start()
say("a long message", lambda: a.sendmsg([b"x" * 3_000_000, b"y" * 500_001])); a.close(); t.join(); print(heard)
r = socket.socket(U, D); r.bind("q"); s = socket.socket(U, D)
t = threading.Thread(target=lambda: (time.sleep(0.2), [r.recv(9) for i in range(100)])); t.start()
say("a full queue", lambda: [s.sendto(b"x", "q") for i in range(100)].count(1)); t.join()
s.setblocking(False)
say("that does not wait", lambda: [s.sendto(b"x", "q") for i in range(100000)])
s.setblocking(True); s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 0, 200000))
say("that waits a little", lambda: s.sendto(b"x", "q"))

l = socket.socket(U, S); l.bind("l"); l.listen(0)
first = socket.socket(U, S); first.connect("l")
say("a connection that waits", lambda: within(0.2, lambda: socket.socket(U, S).connect("l")))
c = socket.socket(U, S); c.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 0, 200000))
say("one that waits a little", lambda: c.connect("l")); print(struct.unpack("ll", c.getsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, 16)))
a, b = socket.socketpair(); a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
say("a message that waits", lambda: within(0.2, lambda: a.sendmsg([b"x" * 3_000_000])) < 3_000_000)
a, b = socket.socketpair(); pid = os.fork()
if pid == 0: b.close(); a.sendmsg([b"x" * 3_000_000]); os._exit(0)
a.close(); time.sleep(0.3); os.kill(pid, 9); os.waitpid(pid, 0); time.sleep(0.3)
print("of one that was killed", hears(b, 0) < 3_000_000)

signal.signal(signal.SIGPIPE, lambda *a: print("SIGPIPE", flush=True))
a, b = socket.socketpair(U, D); b.shutdown(socket.SHUT_RDWR); say("nobody hears a datagram", lambda: a.sendmsg([b"x"]))
a, b = socket.socketpair(); b.close(); say("nobody hears a stream", lambda: a.sendmsg([b"x"]))
for n in 253, 254:
    a, b = socket.socketpair()
    say("descriptors", lambda: a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0] * n))]))
own = socket.create_server(("127.0.0.1", 0)); s = socket.socket(); number = {"x86_64": 42}.get(platform.machine(), 203)
to = struct.pack("=H", socket.AF_INET) + struct.pack("!H", own.getsockname()[1]) + socket.inet_aton("127.0.0.1") + bytes(8)
print("with more than 32 bits", ctypes.CDLL(None).syscall(number, ctypes.c_long(s.fileno() | 1 << 40), to, ctypes.c_long(16 | 1 << 33)))
say("once more", lambda: s.connect(("203.0.113.5", 80)))
`

// What is made for the command becomes what it becomes without.
func TestBareCallsAreThoseOfTheKernel(t *testing.T) {
	tool(t, "python3")
	native := exec.Command("python3", "-c", oddCalls)
	native.Dir = t.TempDir()
	want, err := native.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, want)
	}
	eachBare(t, func(t *testing.T, u user) {
		if printed, out := u.world(t, trial{}, "python3", "-c", oddCalls); printed != string(want) {
			t.Errorf("got\n%s\nwant\n%s%s", printed, want, out.Error)
		}
	})
}
