package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

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
