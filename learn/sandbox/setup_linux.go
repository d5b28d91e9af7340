package sandbox

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Enter runs what this program does inside of a sandbox or beside it, if it was started
// for that. It is to be called before anything else.
func Enter(args []string) (status int, entered bool) {
	const least = 4 // both have a number first
	if len(args) < least {
		return 0, false
	}
	switch args[1] {
	case argSetup, argInit:
		c, err := controlAt(args[2])
		if err != nil || len(args) == least {
			return StatusFailed, true
		}
		if args[1] == argInit {
			return initial(c, args[3], args[4:]), true
		}
		setup(c, args)
		return StatusFailed, true
	case argEyes:
		return watchOver(args), true
	}
	return 0, false
}

// setup makes the sandbox around this process and becomes its first one. It
// returns only if that is not possible.
func setup(c control, args []string) {
	// What is dropped is dropped for one thread; the others end with exec.
	runtime.LockOSThread()
	var p plan
	if _, err := c.receive(&p); err != nil {
		return
	}
	err := p.build(c)
	if err == nil {
		args = append([]string{args[0], argInit}, args[2:]...)
		err = fmt.Errorf("become the first process: %w", unix.Exec("/proc/self/exe", args, os.Environ()))
	}
	r := report{Fail: err.Error()}
	if errno, ok := errors.AsType[unix.Errno](err); ok {
		r.Errno = int(errno)
	}
	c.send(r) //nolint:errcheck // who would hear of it is gone
}

// build makes the sandbox, hands over its link, and waits for the word to go on.
func (p *plan) build(c control) error {
	if err := closeInherited(); err != nil {
		return fmt.Errorf("close what was inherited: %w", err)
	}
	r := report{}
	var fds []int
	var err error
	if !p.Bare {
		if fds, err = p.network(&r); err != nil {
			return err
		}
		if err := p.mounts(&r); err != nil {
			return err
		}
	}
	if err := p.drop(); err != nil {
		return err
	}
	switch {
	case p.Bare:
		r.Notes = fence()
	case !p.PID && len(fence()) > 0:
		r.Notes = append(r.Notes, "the command can end processes of its user: Landlock of Linux 6.12 would hold it")
	}
	listener, err := p.filter()
	if err != nil {
		return fmt.Errorf("filter system calls: %w", err)
	}
	if p.Bare { // who would hand it over is stopped by it
		r.Notify, listener = listener, -1
	}
	if listener >= 0 {
		fds, r.FDs = append(fds, listener), append(r.FDs, fdNotify)
	}
	if err := c.send(r, fds...); err != nil {
		return fmt.Errorf("hand over the link: %w", err)
	}
	closeAll(fds) // the other end has them
	var o order
	if _, err := c.receive(&o); err != nil {
		return fmt.Errorf("wait for the word: %w", err)
	}
	if p.Bare {
		unix.Close(r.Notify) //nolint:errcheck // the other end has it
	}
	_, err = unix.FcntlInt(c.f.Fd(), unix.F_SETFD, 0)
	return err
}

// Names of descriptors in a report.
const (
	fdLink   = "link"
	fdDiag   = "diag"
	fdNotify = "notify"
	fdListen = "listen"
)

// firstInherited is the first descriptor that is no standard stream.
const firstInherited = 3

// closeInherited lets nothing through that could speak: sockets, devices and
// directories. Pipes and files stay: shells and make hand them on.
func closeInherited() error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, e := range entries {
		var fd int
		if _, err := fmt.Sscan(e.Name(), &fd); err != nil || fd < firstInherited {
			continue
		}
		var st unix.Stat_t
		if unix.Fstat(fd, &st) == nil && (st.Mode&unix.S_IFMT == unix.S_IFIFO || st.Mode&unix.S_IFMT == unix.S_IFREG) {
			continue
		}
		unix.CloseOnExec(fd)
	}
	return nil
}
