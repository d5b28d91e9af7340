package sandbox

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// A cover is what the command does not reach of this host's sockets: those of
// programs that would act for it.
type cover struct {
	dirs     []string
	sockets  map[[2]uint64]bool // by device and inode: they may have other names
	abstract map[string]bool
}

func newCover(paths, stay []string) *cover {
	c := &cover{sockets: map[[2]uint64]bool{}, abstract: map[string]bool{}}
	for _, path := range paths {
		var st unix.Stat_t
		switch err := unix.Stat(path, &st); {
		case err != nil:
		case st.Mode&unix.S_IFMT == unix.S_IFDIR:
			c.dirs = append(c.dirs, path)
		default:
			c.sockets[[2]uint64{st.Dev, st.Ino}] = true
		}
	}
	for _, name := range abstract() {
		c.abstract[name] = true
	}
	for _, name := range stay {
		delete(c.abstract, name)
	}
	return c
}

// abstract returns the sockets without a file, with "@" for their first byte.
func abstract() (names []string) {
	text, err := os.ReadFile("/proc/self/net/unix")
	if err != nil {
		return nil
	}
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		if fields := strings.Fields(s.Text()); len(fields) >= 8 && strings.HasPrefix(fields[7], "@") {
			names = append(names, fields[7])
		}
	}
	return names
}

// unixAddress returns an address that leads to the very socket that was looked at,
// whatever becomes of its path meanwhile.
func (s *supervisor) unixAddress(n *notice, addr []byte) (led []byte, release func(), errno unix.Errno) {
	release = func() {}
	if family(addr) != unix.AF_UNIX || len(addr) <= 2 {
		return addr, release, 0 // the kernel says what is wrong with it
	}
	if addr[2] == 0 {
		if s.covered.abstract["@"+string(bytes.ReplaceAll(addr[3:], []byte{0}, []byte{'@'}))] {
			return nil, release, unix.ECONNREFUSED
		}
		return addr, release, 0
	}
	path, _, _ := bytes.Cut(addr[2:], []byte{0})
	at := procPath(int(n.pid), "root") + string(path)
	if path[0] != '/' {
		at = procPath(int(n.pid), "cwd") + "/" + string(path)
	}
	fd, err := unix.Open(at, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, release, errnoOf(err)
	}
	if !n.valid(s.fd) || s.covered.has(fd) {
		unix.Close(fd) //nolint:errcheck // it was only looked at
		return nil, release, unix.ECONNREFUSED
	}
	led = append(append([]byte(nil), addr[:2]...), fmt.Sprintf("/proc/self/fd/%d\x00", fd)...)
	return led, func() { unix.Close(fd) }, 0 //nolint:errcheck // as above
}

func (c *cover) has(fd int) bool {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || c.sockets[[2]uint64{st.Dev, st.Ino}] {
		return true
	}
	path, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	return err != nil || under(c.dirs, path)
}
