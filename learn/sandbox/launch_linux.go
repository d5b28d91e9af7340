package sandbox

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// start makes the child and waits for its link.
func (r *running) start(pid bool) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	r.control = control{os.NewFile(uintptr(pair[0]), "control")}
	theirs := os.NewFile(uintptr(pair[1]), "control")
	defer theirs.Close() //nolint:errcheck // the child has it
	if err := r.launch(pid, theirs); err != nil {
		r.control.f.Close() //nolint:errcheck // nobody is there
		return err
	}
	if err := r.control.send(r.plan(pid)); err != nil {
		r.kill()
		return fmt.Errorf("tell the child: %w", err)
	}
	r.report = report{}
	fds, err := r.control.receive(&r.report)
	if errors.Is(err, io.EOF) {
		err = errors.New("the child ended before it said why")
	}
	if err == nil && r.report.Fail != "" {
		err = childError(&r.report)
	}
	if err == nil && len(fds) != len(r.report.FDs) {
		err = errors.New("the child kept its link")
	}
	if err != nil {
		closeAll(fds)
		r.kill()
		return err
	}
	r.private = pid && r.bare == nil // processes outside that are in sight lead to all files
	r.fds = map[string][]int{}
	for i, name := range r.report.FDs {
		r.fds[name] = append(r.fds[name], fds[i])
	}
	return nil
}

func childError(r *report) error {
	if r.Errno != 0 {
		errno := unix.Errno(r.Errno)
		if text := strings.TrimSuffix(r.Fail, ": "+errno.Error()); text != errno.Error() {
			return fmt.Errorf("%s: %w", text, errno)
		}
		return errno
	}
	return errors.New(r.Fail)
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd) //nolint:errcheck // nothing was written
	}
}

// inherited are the descriptors behind the standard streams that a program of ours gets
// by itself, up to the first number that is none: there is room for one of ours.
func inherited() (files []*os.File) {
	for fd := firstInherited; ; fd++ {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC != 0 {
			return files
		}
		files = append(files, os.NewFile(uintptr(fd), "inherited"))
	}
}

// launch starts the child from a thread that stays: it is to die with it.
func (r *running) launch(pid bool, theirs *os.File) error {
	r.child = &exec.Cmd{
		Path: "/proc/self/exe", Args: append([]string{os.Args[0], argSetup, strconv.Itoa(firstInherited + len(r.inherited)), r.path}, r.o.Command...),
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, ExtraFiles: append(slices.Clip(r.inherited), theirs),
		SysProcAttr: attributes(pid),
	}
	if r.bare != nil {
		r.child.SysProcAttr, r.child.Env = nil, bareEnvironment(os.Environ())
	}
	r.ended = make(chan struct{})
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(r.ended)
		err := r.child.Start()
		started <- err
		if err == nil {
			r.child.Wait() //nolint:errcheck // how the command ended it says itself
		}
	}()
	if err := <-started; err != nil {
		return forbidden(err)
	}
	return nil
}

func (r *running) plan(pid bool) plan {
	_, rest := hostResolvers()
	p := plan{
		UID: os.Getuid(), GID: os.Getgid(), PID: pid, Link: r.o.Link, Bare: r.bare != nil, Strict: !r.o.Weak, Listen: r.o.HostPorts,
		Hide:    hidden(r.o.Sockets),
		Private: targets(r.o.Private),
		Own:     sshFiles(),
		Resolve: strings.Join(append([]string{"nameserver " + gateway4.String()}, rest...), "\n") + "\n",
	}
	return p
}
