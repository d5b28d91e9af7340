package sandbox

import (
	"os"
	"os/signal"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"
)

// A terminal is which group of processes it belonged to.
type terminal struct {
	tty   *os.File
	group int
}

// foreground remembers whose the terminal is: shells give it to their jobs, and
// one inside cannot name who had it before.
func foreground() terminal {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return terminal{}
	}
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	if err != nil || group != unix.Getpgrp() { // it was not ours
		tty.Close() //nolint:errcheck // nothing was written
		return terminal{}
	}
	return terminal{tty, group}
}

func (t terminal) restore() {
	if t.tty == nil {
		return
	}
	signal.Ignore(unix.SIGTTOU)                                       // who is in the background is asked to stop
	unix.IoctlSetPointerInt(int(t.tty.Fd()), unix.TIOCSPGRP, t.group) //nolint:errcheck // it may be gone
	signal.Reset(unix.SIGTTOU)
	t.tty.Close() //nolint:errcheck // nothing was written
}

// atTerminal says whether this process is in the foreground of a terminal.
func atTerminal() bool {
	tty, err := os.OpenFile("/dev/tty", os.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer tty.Close() //nolint:errcheck // it was only asked
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// halt stops this process when the command has stopped itself, so that a shell
// with jobs has its terminal back, and goes on when that lets both go on.
func (r *running) halt() {
	if !atTerminal() || !r.halted() {
		return
	}
	runtime.LockOSThread()                                // so that it has stopped when the call returns
	unix.Tgkill(os.Getpid(), unix.Gettid(), unix.SIGSTOP) //nolint:errcheck // it is this process
	runtime.UnlockOSThread()
	if r.halted() {
		r.control.send(order{Signal: int(unix.SIGCONT)}) //nolint:errcheck // it may just have ended
	}
}

// halted says whether what the first process inside has started is stopped.
func (r *running) halted() bool {
	return slices.ContainsFunc(descendants(r.child.Process.Pid), func(pid int) bool {
		fields := stat(pid)
		return len(fields) > 0 && fields[0] == "T"
	})
}
