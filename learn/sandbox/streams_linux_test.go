package sandbox

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A standard stream that could be connected to anywhere is refused, one of a program of
// this host is not: ssh has such.
func TestStreamsThatLeadAnywhere(t *testing.T) {
	pair := func(kind int) int {
		fds, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { closeAll(fds[1:]) })
		return fds[0]
	}
	made := func(family, kind int) int {
		fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		return fd
	}
	directory, err := unix.Open("/", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		fd   int
		want bool
	}{
		"of ssh":      {pair(unix.SOCK_STREAM), false},
		"datagrams":   {pair(unix.SOCK_DGRAM), true},
		"unconnected": {made(unix.AF_UNIX, unix.SOCK_STREAM), true},
		"UDP":         {made(unix.AF_INET, unix.SOCK_DGRAM), true},
		"directory":   {directory, true},
		"TCP in IPv6": {made(unix.AF_INET6, unix.SOCK_STREAM), true},
	} {
		f := os.NewFile(uintptr(c.fd), name)
		defer f.Close()
		tr := trial{Refuse: true}
		cmd := users()[0].command(t, &tr, "true")
		cmd.Stdin = f
		printed, _ := cmd.CombinedOutput()
		out := read(t, &tr, string(printed))
		if got := strings.Contains(out.Error, "standard input is a "); got != c.want {
			t.Errorf("%s: got %q, want %v", name, out.Error, c.want)
		}
	}
}
