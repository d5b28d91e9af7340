package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tripline/learn"
)

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
