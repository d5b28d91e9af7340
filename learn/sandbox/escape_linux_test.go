package sandbox

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// attempts are ways around the sandbox. Each is made inside, with the arguments of
// [TestEscape], and must be refused.
var attempts = map[string]func(args []string) error{
	"raw socket":         func([]string) error { return open(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_RAW) },
	"raw ICMP":           func([]string) error { return open(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP) },
	"raw IPv6":           func([]string) error { return open(unix.AF_INET6, unix.SOCK_RAW, unix.IPPROTO_RAW) },
	"packet socket":      func([]string) error { return open(unix.AF_PACKET, unix.SOCK_RAW, int(bigEndian(unix.ETH_P_ALL))) },
	"AF_VSOCK":           func([]string) error { return open(unix.AF_VSOCK, unix.SOCK_STREAM, 0) },
	"AF_TIPC":            func([]string) error { return open(unix.AF_TIPC, unix.SOCK_STREAM, 0) },
	"AF_BLUETOOTH":       func([]string) error { return open(unix.AF_BLUETOOTH, unix.SOCK_RAW, 0) },
	"io_uring":           func([]string) error { return call(unix.SYS_IO_URING_SETUP, 1, 0, 0) },
	"x32":                func([]string) error { return call(0x40000000+41, unix.AF_VSOCK, unix.SOCK_STREAM, 0) },
	"ptrace the parent":  func(a []string) error { return unix.PtraceAttach(pid(a)) },
	"memory of parent":   func(a []string) error { return openFile(fmt.Sprintf("/proc/%d/mem", pid(a))) },
	"kill the parent":    func(a []string) error { return unix.Kill(pid(a), 0) },
	"network of parent":  func(a []string) error { return enter(fmt.Sprintf("/proc/%d/ns/net", pid(a)), unix.CLONE_NEWNET) },
	"pidfd of parent":    func(a []string) error { fd, err := unix.PidfdOpen(pid(a), 0); return closed(fd, err) },
	"network of init":    func([]string) error { return enter("/proc/1/ns/net", unix.CLONE_NEWNET) },
	"users of init":      func([]string) error { return enter("/proc/1/ns/user", unix.CLONE_NEWUSER) },
	"mount":              func([]string) error { return unix.Mount("none", "/mnt", "tmpfs", 0, "") },
	"unmount the masks":  func([]string) error { return unix.Unmount("/etc/resolv.conf", unix.MNT_DETACH) },
	"nested users":       nestedUsers,
	"abstract socket":    func(a []string) error { return dialUnix("\x00" + a[1]) },
	"socket in /run":     func(a []string) error { return dialUnix(a[2]) },
	"type into terminal": func([]string) error { return typeInto() },
	"routes by netlink":  netlinkRoute,
	"bind to the link":   bindToDevice,
}

func open(family, kind, protocol int) error {
	fd, err := unix.Socket(family, kind, protocol)
	return closed(fd, err)
}

func closed(fd int, err error) error {
	if err == nil {
		unix.Close(fd)
	}
	return err
}

func call(number, a, b, c uintptr) error {
	if _, _, errno := unix.RawSyscall(number, a, b, c); errno != 0 {
		return errno
	}
	return nil
}

func openFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err == nil {
		f.Close()
	}
	return err
}

func pid(args []string) int {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		panic(err)
	}
	return n
}

func enter(path string, kind int) error {
	before, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return err
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Setns(fd, kind); err != nil {
		return err
	}
	if after, err := os.Readlink("/proc/thread-self/ns/net"); err == nil && after == before {
		return errors.New("it is the same one")
	}
	return nil
}

// nestedUsers looks whether new users inside get at the network: what they may is in
// namespaces of their own.
func nestedUsers([]string) error {
	if err := unix.Unshare(unix.CLONE_NEWUSER | unix.CLONE_NEWNS); err != nil {
		return err
	}
	if err := open(unix.AF_PACKET, unix.SOCK_RAW, int(bigEndian(unix.ETH_P_ALL))); err == nil {
		return nil
	}
	return unix.Unmount("/etc/resolv.conf", unix.MNT_DETACH)
}

func dialUnix(name string) error {
	c, err := net.DialTimeout("unix", name, time.Second)
	if err == nil {
		c.Close()
	}
	return err
}

func typeInto() error {
	c := byte('x')
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, 0, unix.TIOCSTI, uintptr(unsafe.Pointer(&c)))
	if errno == 0 {
		return nil
	}
	if errno != unix.EPERM {
		return fmt.Errorf("OPEN: it got through to the terminal: %w", errno) // ENOTTY: only because there is none here
	}
	return errno
}

// netlinkRoute asks to change the routes.
func netlinkRoute([]string) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	req := make([]byte, 28)
	req[0], req[4], req[6] = 28, unix.RTM_DELROUTE, unix.NLM_F_REQUEST|unix.NLM_F_ACK
	req[16] = unix.AF_INET
	if err := unix.Sendto(fd, req, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	buf := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, buf, 0)
	if err != nil || n < 20 {
		return err
	}
	if errno := -int32(uint32(buf[16]) | uint32(buf[17])<<8 | uint32(buf[18])<<16 | uint32(buf[19])<<24); errno != 0 {
		return unix.Errno(errno)
	}
	return nil
}

// bindToDevice sends by the other end of the link. What is sent there comes back
// to the command's own kernel.
func bindToDevice([]string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE, nameOutside); err != nil {
		return err
	}
	tv := unix.Timeval{Sec: 1}
	unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &tv)
	return unix.Connect(fd, &unix.SockaddrInet4{Port: 80, Addr: [4]byte{203, 0, 113, 5}})
}

// attemptRole makes one attempt, or says which there are.
func attemptRole(name string, args []string) int {
	attempt := attempts[name]
	if attempt == nil {
		attempt = bareAttempts[name]
	}
	if err := attempt(args); err != nil {
		fmt.Printf("%s: %v\n", name, err)
		if strings.Contains(err.Error(), "OPEN") {
			return 1
		}
		return 0
	}
	fmt.Printf("%s: OPEN\n", name)
	return 1
}

func TestEscape(t *testing.T) {
	eachUser(t, func(t *testing.T, u user) {
		abstract := fmt.Sprintf("tripline-test-%d-%d", os.Getpid(), u.id)
		l, err := net.Listen("unix", "\x00"+abstract)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		path := filepath.Join(filepath.Dir(testProgram(t)), "s"+strconv.Itoa(u.id))
		listener, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		if err := os.Chmod(path, 0o777); err != nil {
			t.Fatal(err)
		}
		names := make([]string, 0, len(attempts))
		for name := range attempts {
			names = append(names, name)
		}
		sort.Strings(names)
		script := `for name; do "$PROGRAM" ` + roleAttempt + ` "$name" "$PARENT" "$ABSTRACT" "$SOCKET" || true; done`
		t.Setenv("PROGRAM", testProgram(t))
		t.Setenv("PARENT", strconv.Itoa(os.Getpid()))
		t.Setenv("ABSTRACT", abstract)
		t.Setenv("SOCKET", path)
		to := echoServer(t)
		printed, out := u.run(t, trial{To: to.String(), Refuse: true}, append([]string{"sh", "-c", script, "sh"}, names...)...)
		for _, name := range names {
			if !strings.Contains(printed, name+": ") {
				t.Errorf("%s: it was not tried: %+v", name, out)
			}
		}
		for line := range strings.Lines(printed) {
			if strings.Contains(line, "OPEN") {
				t.Error(line)
			}
		}
		t.Log(printed)
	})
}
