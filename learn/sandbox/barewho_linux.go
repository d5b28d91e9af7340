package sandbox

import (
	"encoding/binary"
	"os"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// Who sends with sendmsg over a socket of this machine is this process, where the
// other end asks (SO_PASSCRED of unix(7)): it made the call. Who has the rights for
// it says that it is the command.

// mayVouch says whether this process may send in the name of others.
var mayVouch = sync.OnceValue(func() bool { return holds(unix.CAP_SYS_ADMIN, unix.CAP_SETUID, unix.CAP_SETGID) })

// holds says whether this process has rights.
func holds(rights ...int) bool {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&head, &data[0]) != nil {
		return false
	}
	return !slices.ContainsFunc(rights, func(c int) bool { return data[c/32].Effective&(1<<(c%32)) == 0 })
}

// credentials is the control message that says who the command is.
func (c *called) credentials() []byte {
	if !mayVouch() {
		return nil
	}
	pid := groupOf(int(c.n.pid))
	text, err := os.ReadFile(procPath(pid, "status"))
	if err != nil {
		return nil
	}
	uid, err1 := strconv.ParseUint(field(text, "Uid:"), 10, 32)
	gid, err2 := strconv.ParseUint(field(text, "Gid:"), 10, 32)
	if err1 != nil || err2 != nil {
		return nil
	}
	return unix.UnixCredentials(&unix.Ucred{Pid: int32(pid), Uid: uint32(uid), Gid: uint32(gid)})
}

// passCredentials lets the command ask who speaks to it, and says where it will
// not learn that.
func (c *called) passCredentials() unix.Errno {
	if c.number(4) < 4 {
		return unix.EINVAL
	}
	value, errno := c.copy(c.n.args[3], 4)
	if errno != 0 {
		return errno
	}
	on := int(int32(binary.NativeEndian.Uint32(value)))
	if on != 0 && c.domain == unix.AF_UNIX && !mayVouch() {
		c.s.warn("the command asks who speaks to it over a socket of this machine (SO_PASSCRED): without namespaces the answer is tripline, which some programs do not take (Chromium: add --no-sandbox --no-zygote)")
	}
	return errnoOrNone(unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_PASSCRED, on))
}
