package sandbox

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// bareAttempts are ways out that only a sandbox without namespaces must hold by itself.
var bareAttempts = map[string]func(args []string) error{
	"SCTP":                 func([]string) error { return open(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP) },
	"MPTCP":                func([]string) error { return open(unix.AF_INET6, unix.SOCK_STREAM, unix.IPPROTO_MPTCP) },
	"packets by netlink":   func([]string) error { return open(unix.AF_PACKET, unix.SOCK_DGRAM, 0) },
	"listen for everybody": func([]string) error { return listenTo([4]byte{}) },
	"mounts of its own":    func([]string) error { return unix.Unshare(unix.CLONE_NEWNS) },
	"join a group":         func([]string) error { return withSocket(unix.AF_INET, unix.SOCK_DGRAM, joinGroup) },
	"join a group of IPv6": func([]string) error { return withSocket(unix.AF_INET6, unix.SOCK_DGRAM, joinGroup6) },
}

// joinGroup would have the kernel tell the link of it.
func joinGroup(fd int) error {
	return unix.SetsockoptIPMreq(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, &unix.IPMreq{Multiaddr: [4]byte{239, 1, 2, 3}, Interface: [4]byte{127, 0, 0, 1}})
}

func joinGroup6(fd int) error {
	return unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP, &unix.IPv6Mreq{Multiaddr: [16]byte{0: 0xff, 1: 0x05, 15: 9}, Interface: 1})
}

func TestBareEscape(t *testing.T) {
	eachBare(t, func(t *testing.T, u user) {
		opened, out := u.escape(t, trial{Bare: true, Refuse: true}, attempts, sendings, bareAttempts)
		said := strings.Contains(strings.Join(out.Warned, " "), "the command can end this program") // before Linux 6.12
		for _, name := range opened {
			if signal := name == "kill the parent" || name == "continue the parent"; !signal || !said {
				t.Errorf("%s: OPEN", name)
			}
		}
	})
}
