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
