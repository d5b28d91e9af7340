package sandbox

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"tripline/learn"
)

// checkStreams refuses standard streams that are ways out themselves: a socket of the
// network of this host goes wherever its holder connects it, with namespaces as without.
// One that is connected to a program of this host, as that of ssh, goes nowhere else.
func checkStreams() error {
	for fd, name := range []string{"input", "output", "error"} {
		if leadsAnywhere(fd) {
			return learn.WithHint(fmt.Errorf("standard %s is a socket that the command could connect to anywhere", name),
				"put a pipe between: cat | tripline ... | cat")
		}
		if st := (unix.Stat_t{}); unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR {
			return learn.WithHint(fmt.Errorf("standard %s is a directory, by which the command would reach what is covered", name), "tripline ... < /dev/null")
		}
	}
	return nil
}

func leadsAnywhere(fd int) bool {
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil { // it is no socket
		return false
	}
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	_, lone := unix.Getpeername(fd)
	return err != nil || domain != unix.AF_UNIX || kind == unix.SOCK_DGRAM || errors.Is(lone, unix.ENOTCONN)
}
