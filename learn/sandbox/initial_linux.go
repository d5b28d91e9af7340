package sandbox

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// A reaper is the first process inside: it starts the command, hands it
// signals, and stays until the last process is gone.
type reaper struct {
	c       control
	command atomic.Int64 // its process, 0 when it has ended
}

// initial runs the command and returns when everything it started has ended.
func initial(path string, args []string) int {
	unix.CloseOnExec(controlFD)
	unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) //nolint:errcheck // no command speaks in its name then (ptrace(2))
	i := &reaper{c: control{os.NewFile(controlFD, "control")}}
	// The first process of a namespace gets no signal that it does not want. Those
	// of the terminal reach the command without us.
	catch(make(chan os.Signal, 1), caught)
	if os.Getpid() != 1 {
		unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) //nolint:errcheck // daemons are then not waited for
	}
	pid, err := syscall.ForkExec(path, args, &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}}) //nolint:gosec // G204: to run it is the job
	if err != nil {
		i.fail(err)
		return StatusFailed
	}
	i.command.Store(int64(pid))
	go i.obey()
	return i.reap(pid)
}

var caught = []os.Signal{
	syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGUSR2,
	syscall.SIGALRM, syscall.SIGPIPE, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU, syscall.SIGWINCH,
}

func (i *reaper) fail(err error) {
	r := report{Fail: err.Error()}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		r.Errno = int(errno)
	}
	i.c.send(r) //nolint:errcheck // who would hear of it is gone
}

// reap waits for the command and for what it leaves behind.
func (i *reaper) reap(command int) int {
	status := StatusFailed
	for {
		var ws unix.WaitStatus
		pid, err := unix.Wait4(-1, &ws, unix.WUNTRACED, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil: // there is none left
			return status
		case pid != command:
			continue
		case ws.Stopped():
			i.c.send(report{Halted: true}) //nolint:errcheck // who would hear of it is gone
			continue
		}
		i.command.Store(0)
		status = ws.ExitStatus()
		if ws.Signaled() {
			status = 128 + int(ws.Signal())
		}
		i.c.send(report{Ended: true, Status: status}) //nolint:errcheck // who would hear of it is gone
	}
}

// obey does what the other side says, until it is gone: then so is everything
// here.
func (i *reaper) obey() {
	for {
		var o order
		_, err := i.c.receive(&o)
		if errors.Is(err, io.EOF) {
			killAll(unix.SIGKILL)
			os.Exit(StatusFailed) //nolint:forbidigo // nobody is left to return to
		}
		if err != nil || o.Signal == 0 {
			continue
		}
		if to := int(i.command.Load()); to != 0 {
			unix.Kill(to, unix.Signal(o.Signal)) //nolint:errcheck // it may just have ended
			continue
		}
		killAll(unix.Signal(o.Signal))
	}
}

// killAll signals every process inside.
func killAll(s unix.Signal) {
	if os.Getpid() == 1 {
		unix.Kill(-1, s) //nolint:errcheck // there may be nobody left
		return
	}
	for _, pid := range descendants(os.Getpid()) {
		unix.Kill(pid, s) //nolint:errcheck // it may just have ended
	}
}

// catch has signals sent to ch, but for those that are ignored: that is
// inherited, and what "nohup" is for.
func catch(ch chan<- os.Signal, signals []os.Signal) {
	for _, s := range signals {
		if !signal.Ignored(s) {
			signal.Notify(ch, s)
		}
	}
}
