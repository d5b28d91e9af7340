package sandbox

import (
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sockets in the file system are reached by the rights of who makes the call, and who
// is at the other end may ask whose they are (SO_PEERCRED of unix(7)). Root that makes
// the call of a command that has become somebody else becomes that one for it.

// A person is who a thread is to files: its user, its group and its other groups.
type person struct {
	user, group uint32
	groups      []uint32
}

// personOf returns who a thread is.
func personOf(tid int) (who person, ok bool) {
	text, err := os.ReadFile(procPath(tid, "status"))
	if err != nil {
		return person{}, false
	}
	// real, effective, saved, and that of the file system (proc_pid_status(5))
	const ofFiles = 3
	users, groups := numbers(text, "Uid:"), numbers(text, "Gid:")
	if len(users) <= ofFiles || len(groups) <= ofFiles {
		return person{}, false
	}
	return person{users[ofFiles], groups[ofFiles], numbers(text, "Groups:")}, true
}

// numbers are those in a line of /proc/PID/status.
func numbers(status []byte, name string) (list []uint32) {
	for text := range strings.FieldsSeq(line(status, name)) {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return nil
		}
		list = append(list, uint32(n))
	}
	return list
}

// as makes a call as who the command is: to files, and where that is asked for, to who
// is at the other end. That takes rights which a message in the command's name needs.
func (c *called) as(whole bool, f func() unix.Errno) unix.Errno {
	if os.Geteuid() != 0 || c.domain != unix.AF_UNIX {
		return f()
	}
	who, ok := personOf(int(c.n.pid))
	switch {
	case !ok || !c.n.valid(c.s.fd):
		return unix.ESRCH
	case who.user == 0:
		return f()
	}
	runtime.LockOSThread() // of this thread alone, which ends if it cannot become root again
	if errno := who.become(whole); errno != 0 {
		return errno
	}
	errno := f()
	if root().become(whole) == 0 {
		runtime.UnlockOSThread()
	}
	return errno
}

// root is who this process is.
var root = sync.OnceValue(func() person {
	who, _ := personOf(os.Getpid())
	return who
})

// become makes this thread somebody else. What it was is kept, so that it is root again
// first of all.
func (w person) become(whole bool) unix.Errno {
	const same = ^uintptr(0) // what does not change
	user, group := uintptr(w.user), uintptr(w.group)
	setUser := func() unix.Errno { return raw(unix.SYS_SETRESUID, same, user, same) }
	setGroup := func() unix.Errno { return raw(unix.SYS_SETRESGID, same, group, same) }
	if !whole { // these say what was, and no error
		setUser = func() unix.Errno { raw(unix.SYS_SETFSUID, user, 0, 0); return 0 }
		setGroup = func() unix.Errno { raw(unix.SYS_SETFSGID, group, 0, 0); return 0 }
	}
	setGroups := func() unix.Errno {
		return raw(unix.SYS_SETGROUPS, uintptr(len(w.groups)), uintptr(unsafe.Pointer(unsafe.SliceData(w.groups))), 0) //nolint:gosec // G103: how the call takes its argument
	}
	steps := []func() unix.Errno{setGroups, setGroup, setUser}
	if user == 0 {
		slices.Reverse(steps)
	}
	for _, step := range steps {
		if errno := step(); errno != 0 {
			return errno
		}
	}
	return 0
}

func raw(number, a, b, c uintptr) unix.Errno {
	_, _, errno := unix.RawSyscall(number, a, b, c)
	return errno
}
