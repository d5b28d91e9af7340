package sandbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

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

// nestedUsers makes attempts as root of new users inside: what that may is in namespaces
// of its own.
func nestedUsers(args []string) error {
	for _, name := range []string{"unmount the masks", "packet socket", "change routes", "mark packets", "what runs at a crash", "other families"} {
		cmd := exec.Command("/proc/self/exe", append([]string{roleAttempt, name}, args...)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		}
		printed, err := cmd.CombinedOutput()
		if _, opened := errors.AsType[*exec.ExitError](err); opened {
			return nil
		}
		if err != nil {
			return err
		}
		fmt.Printf("as root of new users: %s", printed)
	}
	return errors.New("all are refused")
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
		return nil // ENOTTY: only because there is none here
	}
	return errno
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

// changeRoutes asks to delete a route that there is not: this host's are real.
func changeRoutes([]string) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	const length, prefix = 36, 32
	req := make([]byte, length)
	req[0], req[4], req[6] = length, unix.RTM_DELROUTE, unix.NLM_F_REQUEST|unix.NLM_F_ACK
	req[16], req[17] = unix.AF_INET, prefix
	req[28], req[30] = 8, unix.RTA_DST
	copy(req[32:], []byte{198, 51, 100, 77})
	if err := unix.Sendto(fd, req, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	buf := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, buf, 0)
	if err != nil || n < 20 {
		return err
	}
	switch errno := unix.Errno(-int32(binary.NativeEndian.Uint32(buf[16:]))); errno {
	case unix.EPERM:
		return errno
	default: // it was looked for
		return nil
	}
}

func listenTo(addr [4]byte) error {
	fd, err := ipSocket(unix.SOCK_STREAM)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: addr}); err != nil {
		return err
	}
	return unix.Listen(fd, 1)
}

func dialTCP(addr [4]byte, at string) error {
	fd, err := ipSocket(unix.SOCK_STREAM)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Connect(fd, &unix.SockaddrInet4{Port: port(at), Addr: addr})
}

// socketByLink connects to a covered socket by another name of it.
func socketByLink(args []string) error {
	link := filepath.Join(os.TempDir(), fmt.Sprintf("tripline-link-%d", os.Getpid()))
	if err := os.Symlink(args[2], link); err != nil {
		return err
	}
	defer os.Remove(link)
	return dialUnix(link)
}

// changeAddress changes the port from one of its own to the host's while connect is
// looked at. It must never arrive at the host's.
func changeAddress(args []string) error {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	own, host := uint16(l.Addr().(*net.TCPAddr).Port), uint16(port(args[3]))
	addr := make([]byte, 16)
	addr[0], addr[4], addr[7] = unix.AF_INET, 127, 1
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			for _, p := range []uint16{own, host} {
				addr[2], addr[3] = byte(p>>8), byte(p)
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	arrived := 0
	for range 100 {
		fd, err := ipSocket(unix.SOCK_STREAM)
		if err != nil {
			return err
		}
		if connect(fd, addr) == 0 {
			arrived++
			if peer, err := unix.Getpeername(fd); err == nil && peer.(*unix.SockaddrInet4).Port == int(host) {
				return nil
			}
		}
		unix.Close(fd)
	}
	return fmt.Errorf("%d of 100 arrived, all at its own", arrived)
}

// sendLarge sends what leaves in fragments.
func sendLarge() error {
	return withSocket(unix.AF_INET, unix.SOCK_DGRAM, func(fd int) error { return unix.Sendto(fd, make([]byte, 60000), 0, outside) })
}

func port(text string) int { return pid([]string{text}) }

// ipSocket makes one that is closed when the attempt ends.
func ipSocket(kind int) (int, error) { return unix.Socket(unix.AF_INET, kind|unix.SOCK_CLOEXEC, 0) }

// withSocket calls try with a socket.
func withSocket(family, kind int, try func(fd int) error) error {
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return try(fd)
}

var outside = &unix.SockaddrInet4{Port: 80, Addr: [4]byte{203, 0, 113, 5}}

func sendBy(kind, flags int, control []byte) error {
	return withSocket(unix.AF_INET, kind, func(fd int) error { return unix.Sendmsg(fd, []byte("x"), control, outside, flags) })
}

// packetInfo leads a datagram over the first interface there is besides the loopback.
func packetInfo() []byte {
	return unix.PktInfo4(&unix.Inet4Pktinfo{Ifindex: 2})
}

func sendMany(fd int) error {
	data := []byte("x")
	v := unix.Iovec{Base: &data[0], Len: 1}
	name := unix.RawSockaddrInet4{Family: unix.AF_INET, Port: bigEndian(80), Addr: outside.Addr}
	type message struct {
		head unix.Msghdr
		sent uint32
		_    uint32
	}
	list := make([]message, 2)
	for i := range list {
		h := &list[i].head
		h.Name, h.Namelen, h.Iov = (*byte)(unsafe.Pointer(&name)), unix.SizeofSockaddrInet4, &v
		h.SetIovlen(1)
	}
	_, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&list[0])), uintptr(len(list)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// sourceRoute asks for a way by other hosts.
func sourceRoute([]string) error {
	return withSocket(unix.AF_INET, unix.SOCK_DGRAM, func(fd int) error {
		if err := unix.SetsockoptString(fd, unix.IPPROTO_IP, unix.IP_OPTIONS, "\x83\x07\x04\xcb\x00\x71\x05\x00"); err != nil {
			return err
		}
		return unix.Sendto(fd, []byte("x"), 0, outside)
	})
}

// foreignSource sends from an address that is nobody's here.
func foreignSource(fd int) error {
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_FREEBIND, 1); err != nil {
		return err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{198, 51, 100, 9}}); err != nil {
		return err
	}
	return unix.Sendto(fd, []byte("x"), 0, outside)
}

func markPackets(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, 1) }

// sendTo6 sends a datagram or an echo to everybody on the link.
func sendTo6(protocol int, to string) error {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	echo := []byte{128, 0, 0, 0, 0, 1, 0, 1}
	return unix.Sendto(fd, echo, 0, &unix.SockaddrInet6{Port: 7, ZoneId: 2, Addr: netip.MustParseAddr(to).As16()})
}

func dial6(to string, port int) error {
	return withSocket(unix.AF_INET6, unix.SOCK_STREAM, func(fd int) error {
		tv := unix.Timeval{Usec: 300_000}
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &tv)
		at := &unix.SockaddrInet6{Port: port, Addr: netip.MustParseAddr(to).As16()}
		if netip.MustParseAddr(to).IsLinkLocalUnicast() {
			at.ZoneId = 2
		}
		return unix.Connect(fd, at)
	})
}

// otherFamilies opens sockets of every family that is not known to be held.
func otherFamilies([]string) error {
	known := map[int]bool{unix.AF_UNIX: true, unix.AF_INET: true, unix.AF_INET6: true, unix.AF_NETLINK: true, unix.AF_PACKET: true, unix.AF_ALG: true}
	for family := range unix.AF_MAX + 8 {
		for _, kind := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_RAW, unix.SOCK_SEQPACKET} {
			if !known[family] && !errors.Is(open(family, kind, 0), unix.EAFNOSUPPORT) {
				return nil
			}
		}
	}
	return unix.EAFNOSUPPORT
}

const sessionKeys = ^uintptr(2) // KEY_SPEC_SESSION_KEYRING, -3

// askByKey would have the kernel start a program outside that asks for a name.
func askByKey([]string) error {
	kind, name := []byte("dns_resolver\x00"), []byte("key.example\x00")
	return call(unix.SYS_REQUEST_KEY, uintptr(unsafe.Pointer(&kind[0])), uintptr(unsafe.Pointer(&name[0])), 0)
}

// byHandle opens a file by its number in its file system, past all mounts. There is
// none of that number.
func byHandle([]string) error {
	root, err := unix.Open("/", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(root)
	handle := unix.NewFileHandle(1, make([]byte, 8))
	fd, err := unix.OpenByHandleAt(root, handle, unix.O_RDONLY)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) {
		return err
	}
	return closed(fd, nil) // it was looked for
}

// copyMemory reads where there is nothing: who may gets another error.
func copyMemory(pid int) error {
	_, err := memory(pid, 8, 8)
	if errors.Is(err, unix.EFAULT) {
		return nil
	}
	return err
}

// limit sets a limit of another process to what it is.
func limit(pid int) error {
	var is unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_CORE, nil, &is); err != nil {
		return err
	}
	return unix.Prlimit(pid, unix.RLIMIT_CORE, &is, nil)
}

// speakForTheFirst takes the descriptor by which the first process inside says how the
// command ended.
func speakForTheFirst([]string) error {
	first := os.Getppid()
	for ; first > 1; first = parentOf(first) {
		if line, err := os.ReadFile(procPath(first, "cmdline")); err == nil && strings.Contains(string(line), argInit) {
			break
		}
	}
	for fd := firstInherited; fd < 16; fd++ {
		if own, err := duplicate(first, fd); err == nil || !errors.Is(err, unix.EPERM) {
			return closed(own, nil)
		}
	}
	return unix.EPERM
}

// perf counts the page faults of another process.
func perf(pid int) error {
	attr := unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_PAGE_FAULTS, Bits: unix.PerfBitExcludeKernel}
	attr.Size = uint32(unsafe.Sizeof(attr))
	fd, err := unix.PerfEventOpen(&attr, pid, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	return closed(fd, err)
}

// fromMemory runs this program from memory: what holds it holds it there as well.
func fromMemory(args []string) error {
	fd, err := unix.MemfdCreate("program", 0)
	if err != nil {
		return err
	}
	data, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		_, err = os.NewFile(uintptr(fd), "program").Write(data)
	}
	if err != nil {
		return err
	}
	cmd := exec.Command(fmt.Sprintf("/proc/self/fd/%d", fd), append([]string{roleAttempt, "other families"}, args...)...)
	if printed, err := cmd.CombinedOutput(); err == nil {
		return errors.New(string(printed[:len(printed)-1]))
	}
	return nil
}
