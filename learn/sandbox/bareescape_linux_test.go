package sandbox

import (
	"encoding/binary"
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
)

// bareAttempts are ways out that only a sandbox without namespaces must hold by itself.
// Their fourth argument is a port that a program of this host listens on.
var bareAttempts = map[string]func(args []string) error{
	"descriptor of parent": func(a []string) error { fd, err := duplicate(pid(a), 0); return closed(fd, err) },
	"SCTP":                 func([]string) error { return open(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP) },
	"MPTCP":                func([]string) error { return open(unix.AF_INET6, unix.SOCK_STREAM, unix.IPPROTO_MPTCP) },
	"packets by netlink":   func([]string) error { return open(unix.AF_PACKET, unix.SOCK_DGRAM, 0) },
	"fast open":            func([]string) error { return sendBy(unix.SOCK_STREAM, unix.MSG_FASTOPEN) },
	"sendmsg":              func([]string) error { return sendBy(unix.SOCK_DGRAM, 0) },
	"large datagram":       func([]string) error { return sendLarge() },
	"source route":         sourceRoute,
	"listen for everybody": func([]string) error { return listenTo([4]byte{}) },
	"port of the host":     func(a []string) error { return dialTCP([4]byte{127, 0, 0, 1}, a[3]) },
	"port of the host 0":   func(a []string) error { return dialTCP([4]byte{}, a[3]) },
	"port of the host 6":   func(a []string) error { return dialMapped(a[3]) },
	"socket by a link":     socketByLink,
	"change the address":   changeAddress,
	"change routes":        changeRoutes,
	"mounts of its own":    func([]string) error { return unix.Unshare(unix.CLONE_NEWNS) },
}

func port(text string) int { return pid([]string{text}) }

// ipSocket makes one that is closed when the attempt ends.
func ipSocket(kind int) (int, error) { return unix.Socket(unix.AF_INET, kind|unix.SOCK_CLOEXEC, 0) }

var outside = &unix.SockaddrInet4{Port: 80, Addr: [4]byte{203, 0, 113, 5}}

func sendBy(kind, flags int) error {
	fd, err := ipSocket(kind)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Sendmsg(fd, []byte("x"), nil, outside, flags)
}

// sendLarge sends what leaves in fragments.
func sendLarge() error {
	fd, err := ipSocket(unix.SOCK_DGRAM)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Sendto(fd, make([]byte, 60000), 0, outside)
}

func sourceRoute([]string) error {
	fd, err := ipSocket(unix.SOCK_DGRAM)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.SetsockoptString(fd, unix.IPPROTO_IP, unix.IP_OPTIONS, "\x83\x07\x04\xcb\x00\x71\x05\x00")
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

// unsafeHere are attempts that would change this host if they succeeded.
var unsafeHere = []string{"routes by netlink", "mount", "unmount the masks", "nested users"}

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

func dialMapped(at string) error {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Connect(fd, &unix.SockaddrInet6{Port: port(at), Addr: netip.MustParseAddr("::ffff:127.0.0.1").As16()})
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

func TestBareEscape(t *testing.T) {
	eachBare(t, func(t *testing.T, u user) {
		abstract := fmt.Sprintf("tripline-bare-%d-%d", os.Getpid(), u.id)
		path := filepath.Join(filepath.Dir(testProgram(t)), "b"+strconv.Itoa(u.id))
		for _, name := range []string{"\x00" + abstract, path} {
			l, err := net.Listen("unix", name)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
		}
		if err := os.Chmod(path, 0o777); err != nil {
			t.Fatal(err)
		}
		names := slices.Sorted(maps.Keys(attempts))
		names = slices.DeleteFunc(names, func(n string) bool { return n == "pidfd of parent" }) // it leads nowhere: see "descriptor of parent"
		names = slices.DeleteFunc(names, func(n string) bool { return slices.Contains(unsafeHere, n) })
		names = append(names, slices.Sorted(maps.Keys(bareAttempts))...)
		host := netip.MustParseAddrPort(web(t)).Port()
		script := `parent=$PPID; parent=$(awk '/^PPid/ {print $2}' /proc/$parent/status)
for name; do "$PROGRAM" ` + roleAttempt + ` "$name" $parent "$ABSTRACT" "$SOCKET" "$HOST" || true; done`
		t.Setenv("PROGRAM", testProgram(t))
		t.Setenv("ABSTRACT", abstract)
		t.Setenv("SOCKET", path)
		t.Setenv("HOST", strconv.Itoa(int(host)))
		printed, out := u.world(t, trial{Refuse: true}, append([]string{"sh", "-c", script, "sh"}, names...)...)
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
