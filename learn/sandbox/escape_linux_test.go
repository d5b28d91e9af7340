package sandbox

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tripline/learn"
)

// attempts are ways around a sandbox, with namespaces or without. Each is made inside,
// with arguments: the process outside, an abstract socket, a socket in the file system,
// and a port, which programs of this host listen on. It must be refused.
//
// None may harm this host where it succeeds: they ask for what does not exist, send
// signals that do nothing, and go to addresses that are documentation's.
var attempts = map[string]func(args []string) error{
	"raw socket":           func([]string) error { return open(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_RAW) },
	"raw ICMP":             func([]string) error { return open(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP) },
	"raw IPv6":             func([]string) error { return open(unix.AF_INET6, unix.SOCK_RAW, unix.IPPROTO_RAW) },
	"packet socket":        func([]string) error { return open(unix.AF_PACKET, unix.SOCK_RAW, int(bigEndian(unix.ETH_P_ALL))) },
	"other families":       otherFamilies,
	"program from memory":  fromMemory,
	"io_uring":             func([]string) error { return call(unix.SYS_IO_URING_SETUP, 1, 0, 0) },
	"x32":                  func([]string) error { return call(0x40000000+41, unix.AF_VSOCK, unix.SOCK_STREAM, 0) },
	"keys":                 func([]string) error { return call(unix.SYS_KEYCTL, unix.KEYCTL_GET_KEYRING_ID, sessionKeys, 0) },
	"ask outside by a key": askByKey,
	"BPF":                  func([]string) error { return call(unix.SYS_BPF, unix.BPF_MAP_CREATE, 0, 0) },
	"files by handle":      byHandle,

	"ptrace the parent":    func(a []string) error { return unix.PtraceAttach(pid(a)) },
	"memory of parent":     func(a []string) error { return openFile(fmt.Sprintf("/proc/%d/mem", pid(a))) },
	"copy of its memory":   func(a []string) error { return copyMemory(pid(a)) },
	"kill the parent":      func(a []string) error { return unix.Kill(pid(a), 0) },
	"continue the parent":  func(a []string) error { return unix.Kill(pid(a), unix.SIGCONT) }, // which others of a session may
	"network of parent":    func(a []string) error { return enter(fmt.Sprintf("/proc/%d/ns/net", pid(a)), unix.CLONE_NEWNET) },
	"descriptor of parent": func(a []string) error { fd, err := duplicate(pid(a), 0); return closed(fd, err) },
	"count its events":     func(a []string) error { return perf(pid(a)) },
	"limits of parent":     func(a []string) error { return limit(pid(a)) },
	"speak for the first":  speakForTheFirst,
	"network of init":      func([]string) error { return enter("/proc/1/ns/net", unix.CLONE_NEWNET) },
	"users of init":        func([]string) error { return enter("/proc/1/ns/user", unix.CLONE_NEWUSER) },

	"abstract socket":    func(a []string) error { return dialUnix("\x00" + a[1]) },
	"socket in /run":     func(a []string) error { return dialUnix(a[2]) },
	"socket by a link":   socketByLink,
	"type into terminal": func([]string) error { return typeInto() },
	"change routes":      changeRoutes,
	"bind to the link":   bindToDevice,
	"mark packets":       func([]string) error { return withSocket(unix.AF_INET, unix.SOCK_DGRAM, markPackets) },

	"IPv4 in IPv6":      func([]string) error { return dial6("::ffff:203.0.113.5", 80) },
	"translated":        func([]string) error { return dial6("64:ff9b::203.0.113.5", 80) },
	"neighbour":         func([]string) error { return dial6("fe80::1", 80) },
	"port of the host":  func(a []string) error { return dialTCP([4]byte{127, 0, 0, 1}, a[3]) },
	"port at zero":      func(a []string) error { return dialTCP([4]byte{}, a[3]) },
	"port in IPv6":      func(a []string) error { return dial6("::ffff:127.0.0.1", port(a[3])) },
	"port at zero in 6": func(a []string) error { return dial6("::", port(a[3])) },
	"change address":    changeAddress,
}

// sendings may succeed as far as the command's kernel is concerned where it has a
// network of its own: what counts is that nothing of them is dialled.
var sendings = map[string]func(args []string) error{
	"fast open":      func([]string) error { return sendBy(unix.SOCK_STREAM, unix.MSG_FASTOPEN, nil) },
	"sendmsg":        func([]string) error { return sendBy(unix.SOCK_DGRAM, 0, nil) },
	"packet info":    func([]string) error { return sendBy(unix.SOCK_DGRAM, 0, packetInfo()) },
	"sendmmsg":       func([]string) error { return withSocket(unix.AF_INET, unix.SOCK_DGRAM, sendMany) },
	"large datagram": func([]string) error { return sendLarge() },
	"source route":   sourceRoute,
	"foreign source": func([]string) error { return withSocket(unix.AF_INET, unix.SOCK_DGRAM, foreignSource) },
	"all nodes":      func([]string) error { return sendTo6(unix.IPPROTO_UDP, "ff02::1") },
	"all by mDNS":    func([]string) error { return sendTo6(unix.IPPROTO_UDP, "ff02::fb") },
	"ping all nodes": func([]string) error { return sendTo6(unix.IPPROTO_ICMPV6, "ff02::1") },
}

// ofNamespaces are attempts that only a sandbox with namespaces holds, or that would
// change this host where there are none.
var ofNamespaces = map[string]func(args []string) error{
	"pidfd of parent":      func(a []string) error { fd, err := unix.PidfdOpen(pid(a), 0); return closed(fd, err) },
	"mount":                func([]string) error { return unix.Mount("none", "/mnt", "tmpfs", 0, "") },
	"unmount the masks":    func([]string) error { return unix.Unmount("/etc/resolv.conf", unix.MNT_DETACH) },
	"nested users":         nestedUsers,
	"what runs at a crash": func([]string) error { return openFile("/proc/sys/kernel/core_pattern") },
	"settings of devices":  func([]string) error { return openFile("/sys/power/state") },
	"forwarding":           func([]string) error { return openFile("/proc/sys/net/ipv4/ip_forward") },
}

// attemptRole makes one attempt.
func attemptRole(name string, args []string) int {
	for _, list := range []map[string]func([]string) error{attempts, sendings, ofNamespaces, bareAttempts} {
		if try := list[name]; try != nil {
			if err := try(args); err != nil {
				fmt.Printf("%s: %v\n", name, err)
				return 0
			}
		}
	}
	fmt.Printf("%s: OPEN\n", name)
	return 1
}

// targets are what programs of this host listen on, in the environment of attempts.
func (u user) targets(t *testing.T) {
	t.Helper()
	abstract := fmt.Sprintf("tripline test-%d-%d", os.Getpid(), u.id)
	path := filepath.Join(filepath.Dir(testProgram(t)), "s "+strconv.Itoa(u.id))
	for _, name := range []string{"\x00" + abstract, path} {
		l, err := net.Listen("unix", name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
	}
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PROGRAM", testProgram(t))
	t.Setenv("ABSTRACT", abstract)
	t.Setenv("SOCKET", path)
	t.Setenv("HOST", strconv.Itoa(int(netip.MustParseAddrPort(web(t)).Port())))
}

// outer is a line of shell that finds the program outside where that is in sight.
const outer = `parent=$PPID; test "$parent" -le 1 || parent=$(awk '/^PPid/ {print $2}' /proc/$parent/status); test "$parent" -gt 1 || parent=$PARENT
`

// escape makes attempts inside, and returns those that were not refused.
func (u user) escape(t *testing.T, tr trial, lists ...map[string]func([]string) error) (opened []string, out outcome) {
	t.Helper()
	u.targets(t)
	t.Setenv("PARENT", strconv.Itoa(os.Getpid()))
	var names []string
	for _, list := range lists {
		names = append(names, slices.Sorted(maps.Keys(list))...)
	}
	script := outer + `for name; do "$PROGRAM" ` + roleAttempt + ` "$name" $parent "$ABSTRACT" "$SOCKET" "$HOST" || true; done`
	printed, out := u.run(t, tr, append([]string{"sh", "-c", script, "sh"}, names...)...)
	for _, name := range names {
		if !strings.Contains(printed, name+": ") {
			t.Errorf("%s: it was not tried: %+v", name, out)
		}
	}
	for line := range strings.Lines(printed) {
		if name, open := strings.CutSuffix(line, ": OPEN\n"); open {
			opened = append(opened, name)
		}
	}
	t.Log(printed)
	return opened, out
}

func TestEscape(t *testing.T) {
	eachUser(t, func(t *testing.T, u user) {
		opened, out := u.escape(t, trial{To: echoServer(t).String(), Refuse: true}, attempts, sendings, ofNamespaces)
		for _, name := range opened {
			if sendings[name] == nil {
				t.Errorf("%s: OPEN", name)
			}
		}
		if out.Dialled != 0 {
			t.Errorf("%d connections were dialled: %+v", out.Dialled, out.Flows)
		}
		for _, f := range out.Flows {
			if f.Action != learn.Refused {
				t.Errorf("it was not refused: %+v", f)
			}
		}
	})
}
