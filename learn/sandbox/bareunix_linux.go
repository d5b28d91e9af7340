package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A cover is what the command does not reach of this host's sockets: those of
// programs that would act for it.
type cover struct {
	dirs    []string
	paths   []string           // of sockets: a program that is started again has another one there
	sockets map[[2]uint64]bool // by device and inode: they may have other names
}

func newCover(paths []string) *cover {
	c := &cover{sockets: map[[2]uint64]bool{}}
	for _, path := range paths {
		var st unix.Stat_t
		switch err := unix.Stat(path, &st); {
		case err != nil:
		case st.Mode&unix.S_IFMT == unix.S_IFDIR:
			c.dirs = append(c.dirs, path)
		default:
			c.paths = append(c.paths, path)
			c.sockets[[2]uint64{st.Dev, st.Ino}] = true
		}
	}
	return c
}

// abstract returns the inodes of the sockets without a file that have a name.
func abstract(name string) (inodes []uint32) {
	for inode, n := range unixSockets() {
		if n == name && inode != 0 { // 0 is that of a connection nobody took yet
			inodes = append(inodes, inode)
		}
	}
	return inodes
}

// unixAddress returns an address that leads to the very socket that was looked at,
// whatever becomes of its path meanwhile.
func (c *called) unixAddress(addr []byte, directory int, path string) (led []byte, release func(), errno unix.Errno) {
	release = func() {}
	if addr[2] == 0 {
		name := string(bytes.ReplaceAll(addr[2:], []byte{0}, []byte{'@'}))
		if !slices.Contains(c.s.b.o.Sockets, name) && !c.s.inside(abstract(name)) {
			return nil, release, unix.ECONNREFUSED
		}
		return addr, release, 0
	}
	fd, err := openBelow(directory, path)
	if err != nil {
		return nil, release, errnoOf(err)
	}
	if c.s.covered.has(fd) {
		unix.Close(fd) //nolint:errcheck // it was only looked at
		return nil, release, unix.ECONNREFUSED
	}
	led = append(append([]byte(nil), addr[:2]...), fmt.Sprintf("/proc/self/fd/%d\x00", fd)...)
	return led, func() { unix.Close(fd) }, 0 //nolint:errcheck // as above
}

// ofItsOwn are paths below what a process has open. Looked up by this process they would
// lead to what this one has.
var ofItsOwn = regexp.MustCompile(`^/(?:proc/(?:thread-)?self/|dev/)(fd/[0-9]+|root|cwd)(?:/+(.*))?$`)

// start returns from where, in /proc/PID, a path leads, and by which path.
func start(path string) (from, rest string) {
	switch own := ofItsOwn.FindStringSubmatch(path); {
	case own != nil:
		return own[1], own[2]
	case strings.HasPrefix(path, "/"):
		return "root", path
	}
	return "cwd", path
}

// openBelow opens a path as a process does whose root, or whose directory, is a directory.
func openBelow(directory int, path string) (int, error) {
	how := &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC}
	switch {
	case path == "":
		return unix.FcntlInt(uintptr(directory), unix.F_DUPFD_CLOEXEC, 0)
	case path[0] == '/':
		how.Resolve = unix.RESOLVE_IN_ROOT // links as well
	}
	fd, err := unix.Openat2(directory, path, how)
	if (errors.Is(err, unix.ELOOP) || errors.Is(err, unix.EXDEV)) && how.Resolve != 0 { // it goes by what a process has open, which is in no root
		how.Resolve = 0
		fd, err = unix.Openat2(directory, strings.TrimLeft(path, "/"), how)
	}
	return fd, err
}

// reach calls f with an address of the command's that leads to a socket of this machine
// which it may reach.
func (c *called) reach(addr []byte, whole bool, f func(addr []byte) unix.Errno) unix.Errno {
	if family(addr) != unix.AF_UNIX || len(addr) <= 2 {
		return f(addr) // the kernel says what is wrong with it
	}
	text, _, _ := bytes.Cut(addr[2:], []byte{0})
	from, path := start(string(text))
	directory, err := unix.Open(procPath(int(c.n.pid), from), unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return errnoOf(err)
	}
	defer unix.Close(directory) //nolint:errcheck // it was only looked at
	if !c.n.valid(c.s.fd) {
		return unix.ESRCH
	}
	return c.as(whole, func() unix.Errno {
		addr, release, errno := c.unixAddress(addr, directory, path)
		if errno != 0 {
			return errno
		}
		defer release()
		return f(addr)
	})
}

func (c *cover) has(fd int) bool {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || c.sockets[[2]uint64{st.Dev, st.Ino}] {
		return true
	}
	path, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	return err != nil || under(c.dirs, path) || slices.Contains(c.paths, path)
}
