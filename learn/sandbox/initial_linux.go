package sandbox

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A reaper is the first process inside: it starts the command, hands it
// signals, and stays until the last process is gone.
type reaper struct {
	c       control
	command atomic.Int64 // its process, 0 when it has ended

	mu    sync.Mutex
	heard map[os.Signal]time.Time // when this process got one itself
}

// initial runs the command and returns when everything it started has ended.
func initial(c control, path string, args []string) int {
	unix.CloseOnExec(int(c.f.Fd()))
	unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) //nolint:errcheck // no command speaks in its name then (ptrace(2))
	i := &reaper{c: c, heard: map[os.Signal]time.Time{}}
	// The first process of a namespace gets no signal that it does not want.
	ch := make(chan os.Signal, 16)
	catch(ch, caught)
	go i.hear(ch)
	if os.Getpid() != 1 {
		unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) //nolint:errcheck // daemons are then not waited for
	}
	pid, err := forkExec(path, args)
	if errors.Is(err, syscall.ENOEXEC) { // as execvp(3)
		const shell = "/bin/sh"
		pid, err = forkExec(shell, append([]string{shell, path}, args[1:]...))
	}
	if err != nil {
		i.fail(err)
		return StatusFailed
	}
	i.command.Store(int64(pid))
	go i.obey()
	return i.reap(pid)
}

func forkExec(path string, args []string) (int, error) {
	return syscall.ForkExec(path, args, &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}}) //nolint:gosec // G204: to run it is the job
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
			endAll()
			os.Exit(StatusFailed) //nolint:forbidigo // nobody is left to return to
		}
		if err != nil || o.Signal == 0 {
			continue
		}
		signal := unix.Signal(o.Signal)
		switch to := int(i.command.Load()); {
		case to == 0:
			killAll(signal)
		case !i.heardToo(signal):
			unix.Kill(to, signal) //nolint:errcheck // it may just have ended
		}
	}
}

// What is sent to a whole group of processes, as by a terminal and by timeout(1), reaches
// each at about the same time.
const (
	soon   = 20 * time.Millisecond
	lately = 500 * time.Millisecond
)

func (i *reaper) hear(ch <-chan os.Signal) {
	for s := range ch {
		i.mu.Lock()
		i.heard[s] = time.Now()
		i.mu.Unlock()
	}
}

// heardToo says whether a signal was sent to the whole group, and so to the command.
func (i *reaper) heardToo(s os.Signal) bool {
	time.Sleep(soon)
	i.mu.Lock()
	defer i.mu.Unlock()
	at, ok := i.heard[s]
	delete(i.heard, s)
	return ok && time.Since(at) < lately
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

// endAll ends every process inside, and those that they start meanwhile.
func endAll() {
	const patience = 5 * time.Second
	for began := time.Now(); time.Since(began) < patience; {
		if os.Getpid() == 1 {
			unix.Kill(-1, unix.SIGKILL) //nolint:errcheck // of all at once: none is left
			return
		}
		left := descendants(os.Getpid())
		if len(left) == 0 {
			return
		}
		for _, pid := range left {
			unix.Kill(pid, unix.SIGKILL)            //nolint:errcheck // it may just have ended
			unix.Wait4(pid, nil, unix.WNOHANG, nil) //nolint:errcheck // as above
		}
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
