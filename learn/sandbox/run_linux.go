package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tripline/learn"
)

// Run runs a command in a sandbox until it and all that it started have ended. That ctx
// ends matters only before the command begins: signals reach the command then.
func Run(ctx context.Context, o Options) (Result, error) {
	if auditArch == 0 {
		return Result{}, &Error{StatusFailed, fmt.Errorf("on %s: %w", runtime.GOARCH, errors.ErrUnsupported)}
	}
	path, err := look(o.Command)
	if err != nil {
		return Result{}, err
	}
	if err := checkStreams(); err != nil {
		return Result{}, &Error{StatusFailed, err}
	}
	if o.Warn == nil {
		o.Warn = func(string, ...any) {}
	}
	r := &running{o: &o, began: time.Now(), path: path, inherited: inherited()}
	return r.run(ctx)
}

// look finds the command as execvp(3) does.
func look(command []string) (string, error) {
	if len(command) == 0 {
		return "", &Error{StatusFailed, errors.New("no command to run")}
	}
	path, err := exec.LookPath(command[0])
	if err == nil || errors.Is(err, exec.ErrDot) {
		return path, nil
	}
	status := StatusNotFound
	if errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.EISDIR) {
		status = StatusNoRun
	}
	if e, ok := errors.AsType[*exec.Error](err); ok {
		err = e.Err
	}
	return "", &Error{status, fmt.Errorf("run %s: %w", learn.Printable(command[0]), err)}
}

// A running is one command in its sandbox.
type running struct {
	o     *Options
	path  string
	began time.Time

	child     *exec.Cmd
	inherited []*os.File    // those of which the command gets the number
	ended     chan struct{} // closed when the child is gone
	control   control
	report    report
	fds       map[string][]int
	box       *box
	bare      *supervisor // nil with namespaces
	eyes      *eyes       // nil without
	tally     tally
	private   bool // what is to be kept from the command is
	result    Result

	mu   sync.Mutex
	over bool // the command has ended
}

func (r *running) run(ctx context.Context) (Result, error) {
	if err := r.enter(); err != nil {
		return Result{}, &Error{StatusFailed, err}
	}
	defer r.close()
	given := ctx
	ctx, cancel := context.WithCancel(context.WithoutCancel(given))
	defer cancel()
	if err := r.serve(ctx); err != nil {
		r.kill()
		return Result{}, &Error{StatusFailed, err}
	}
	if r.o.Begun != nil {
		r.o.Begun(r.result.Link, r.private)
	}
	tty := foreground()
	if r.o.Confine != nil {
		r.result.Confined = r.confine()
	}
	begun := make(chan struct{})
	stop := r.forward(begun)
	err := errors.New("interrupted before it began")
	if given.Err() == nil {
		err = r.control.send(order{})
	}
	close(begun)
	if err != nil {
		stop()
		r.kill()
		return Result{}, &Error{StatusFailed, fmt.Errorf("start the command: %w", err)}
	}
	r.result.Ready = time.Since(r.began)
	err = r.follow()
	stop()
	tty.restore()
	r.drain(cancel)
	return r.total(), err
}

// enter makes the sandbox, of what is allowed here.
func (r *running) enter() error {
	if r.o.Namespaces == NamespacesNever {
		return r.without()
	}
	err := r.start(true)
	if err != nil && strings.Contains(err.Error(), failProc) { // a container hides parts of /proc: then it is that of the host
		r.o.Warn("%v: the command sees the processes of this host", err)
		err = r.start(false)
	}
	if _, none := errors.AsType[*noNamespaces](err); none && r.o.Namespaces == NamespacesIfAllowed {
		r.o.Warn("%v (%s)", err, learn.HintOf(err))
		return r.without()
	}
	return err
}

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

// serve begins to answer the link.
func (r *running) serve(ctx context.Context) error {
	servers, _ := hostResolvers()
	if len(r.o.Resolvers) > 0 {
		servers = r.o.Resolvers
	}
	r.box = &box{o: r.o, ctx: ctx, names: newNames(r.o, newResolver(servers)), hosts: map[uint16]bool{}, way: way{dial: r.o.Dial}, sockets: newSockets()}
	for _, note := range r.report.Notes {
		r.o.Warn("%s", note)
	}
	for _, port := range r.o.HostPorts {
		r.box.hosts[port] = true
	}
	r.box.live.Go(func() { r.box.watch(ctx) })
	if r.o.Flow != nil {
		r.box.live.Go(func() { r.box.lasting.watch(ctx, r.o.Flow) })
	}
	if r.bare != nil {
		return r.supervise()
	}
	if err := r.look(); err != nil {
		return fmt.Errorf("watch over the command: %w", err)
	}
	r.result.Link = r.report.Link
	if err := r.box.serve(r.fds[fdLink][0], r.report.Link == "veth"); err != nil {
		return err
	}
	return r.ports(ctx)
}

// look has another process look at those inside.
func (r *running) look() (err error) {
	notify := -1
	if fds := r.fds[fdNotify]; len(fds) > 0 {
		notify = fds[0]
	}
	r.eyes, err = openEyes(r.child.Process.Pid, r.fds[fdDiag][0], notify)
	delete(r.fds, fdNotify)
	if err != nil {
		return err
	}
	r.box.owner, r.tally = r.eyes, tallyOf(r.child.Process.Pid)
	go r.eyes.wait(func() {
		if notify >= 0 {
			r.o.Warn("what looks at the command's processes was ended from outside: the command begins no connection any more")
			return
		}
		r.o.Warn("what looks at the command's processes was ended from outside: whose a connection is, is not known any more")
	})
	return nil
}

// forward hands signals on. Those that reach the command by themselves, as it is in the
// same group of processes, are not given to it again by the first process inside.
func (r *running) forward(begun <-chan struct{}) (stop func()) {
	ch := make(chan os.Signal, 16)
	catch(ch, []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2})
	go func() {
		<-begun // what comes before is the word to begin
		asked := false
		for s := range ch {
			n, ok := s.(syscall.Signal)
			if ok && r.isOver() && (n == syscall.SIGINT || n == syscall.SIGQUIT) {
				n = syscall.SIGTERM // what was left behind may ignore the others
				if asked {
					n = syscall.SIGKILL // or that one
				}
				asked = true
			}
			r.control.send(order{Signal: int(n)}) //nolint:errcheck // it may just have ended
		}
	}()
	return func() { signal.Stop(ch); close(ch) }
}

// isOver says whether the command itself has ended.
func (r *running) isOver() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.over
}

// follow waits until the command and all that it started have ended.
func (r *running) follow() error {
	ended := false
	for {
		var rep report
		fds, err := r.control.receive(&rep)
		if closeAll(fds); err != nil { // who sends some now is the command
			break
		}
		if rep.Fail != "" {
			<-r.ended
			return r.runError(&rep)
		}
		if rep.Halted {
			r.halt()
		}
		if rep.Ended {
			ended, r.result.Status = true, rep.Status
			r.mu.Lock()
			r.over = true
			r.mu.Unlock()
			go r.tell()
		}
	}
	<-r.ended
	r.endRest()
	if !ended {
		return &Error{StatusFailed, errors.New("the sandbox was ended from outside; the command with it")}
	}
	return nil
}

// endRest ends what is left where the first process inside was ended. In namespaces of
// its own nothing is; without, it is this process's then. Who starts programs of its own
// does not know which are which.
func (r *running) endRest() {
	if r.bare != nil && r.o.Confine != nil {
		endAll()
	}
}

// tell says why this does not end, where the command left something behind.
func (r *running) tell() {
	select {
	case <-r.ended:
	case <-time.After(time.Second):
		if n := len(descendants(r.child.Process.Pid)); n > 0 {
			r.o.Warn("the command has ended; %d that it started still run and are followed to their end (an interrupt ends them)", n)
		}
	}
}

func (r *running) runError(rep *report) error {
	status, err := StatusNoRun, childError(rep)
	if unix.Errno(rep.Errno) == unix.ENOENT {
		status = StatusNotFound
		if _, there := os.Stat(r.path); there == nil {
			err = learn.WithHint(errors.New("it is there, but what is to interpret or load it is not"), "head -n 1 %s, or file %[1]s, says what that is", learn.Printable(r.path))
		}
	}
	return &Error{status, fmt.Errorf("run %s: %w", learn.Printable(r.o.Command[0]), err)}
}

// drain lets what was sent reach the outside, then ends everything.
func (r *running) drain(cancel context.CancelFunc) {
	if r.bare != nil {
		cancel()
		r.box.live.Wait()
		r.bare.end()
		return
	}
	r.box.drain()
	cancel()
	r.box.stack.RemoveNIC(nic)
	r.box.end()
	r.box.stack.Destroy()
}

func (r *running) total() Result {
	b, t := r.box, r.result
	t.Flows, t.Refused, t.Failed, t.Host = b.flows.Load(), b.refused.Load(), b.failed.Load(), b.host.Load()
	t.Unknown, t.Spoofed, t.Strange, t.Dropped = b.unknown.Load(), b.spoofed.Load(), b.strange.Load(), r.dropped()
	t.Queries, t.Silent = b.names.queries.Load(), b.names.silent.Load()
	b.tellAsked(time.Now())
	t.Only, t.More = b.names.asked.names()
	return t
}

// kill ends the child. Where this process may not signal it any more, it ends because
// nobody is left to tell it to go on.
func (r *running) kill() {
	r.child.Process.Kill() //nolint:errcheck // it may be gone
	r.control.f.Close()    //nolint:errcheck // as above
	<-r.ended
}

func (r *running) close() {
	for _, fds := range r.fds {
		closeAll(fds)
	}
	r.control.f.Close() //nolint:errcheck // it is over
	r.tally.close()
	r.eyes.close()
}
