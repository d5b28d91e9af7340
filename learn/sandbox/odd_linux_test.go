package sandbox

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// eachWay runs a test with namespaces and without, as each user.
func eachWay(t *testing.T, f func(t *testing.T, u user, tr trial)) {
	t.Helper()
	t.Run("namespaces", func(t *testing.T) { eachUser(t, func(t *testing.T, u user) { f(t, u, trial{}) }) })
	t.Run("bare", func(t *testing.T) { eachBare(t, func(t *testing.T, u user) { f(t, u, trial{Bare: true}) }) })
}

// Files that are no programs are run, or not, as by env(1).
func TestOddCommands(t *testing.T) {
	eachWay(t, func(t *testing.T, u user, tr trial) {
		dir := filepath.Dir(testProgram(t))
		for name, want := range map[string]struct {
			text   string
			mode   os.FileMode
			status int
			says   string
		}{
			"plain script":   {"echo got $1; exit 3", 0o755, 3, "got one"},
			"no interpreter": {"#!/nonexistent/interpreter\n", 0o755, StatusNotFound, "it is there, but what is to interpret or load it is not"},
			"no program":     {"x", 0o644, StatusNoRun, "permission denied"},
		} {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(want.text), want.mode); err != nil {
				t.Fatal(err)
			}
			printed, out := u.run(t, tr, path, "one")
			if status := max(out.Status, out.Fails); status != want.status || !strings.Contains(printed+out.Error, want.says) {
				t.Errorf("%s: got %q, %+v", name, printed, out)
			}
		}
		if _, out := u.run(t, tr, dir); out.Fails != StatusNoRun || strings.Count(out.Error, "is a directory") != 1 {
			t.Errorf("a directory: got %+v", out)
		}
	})
}

// What is sent to all of a group of processes reaches the command once, and what is sent
// to tripline alone as well.
func TestSignalsOfAGroupReachTheCommandOnce(t *testing.T) {
	tool(t, "python3")
	eachWay(t, func(t *testing.T, u user, tr trial) {
		cmd := u.command(t, &tr, "python3", "-c", `
import signal
signal.signal(signal.SIGUSR1, lambda *a: print("one", flush=True)); signal.signal(signal.SIGTERM, lambda *a: exit(4))
print("ready", flush=True)
while True: signal.pause()
`)
		cmd.SysProcAttr.Setpgid = true
		printed, err := cmd.StdoutPipe()
		if err := errors.Join(err, cmd.Start()); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(printed)
		lines.ReadString('\n')
		for _, to := range []int{-cmd.Process.Pid, cmd.Process.Pid} {
			syscall.Kill(to, syscall.SIGUSR1)
			lines.ReadString('\n')
			time.Sleep(10 * soon) // in which a second one would come
		}
		cmd.Process.Signal(syscall.SIGTERM)
		rest, _ := io.ReadAll(lines)
		cmd.Wait()
		if len(rest) > 0 || cmd.ProcessState.ExitCode() != 4 {
			t.Errorf("got %q more, %v", rest, cmd.ProcessState)
		}
	})
}

// What was left behind and hears nothing is ended by a second interrupt.
func TestSecondInterruptEndsWhatIsLeft(t *testing.T) {
	eachWay(t, func(t *testing.T, u user, tr trial) {
		cmd := u.command(t, &tr, "sh", "-c", `trap "" TERM; (trap "" INT; echo ready; sleep 60) & sleep 0.2; exit 3`)
		printed, err := cmd.StdoutPipe()
		if err := errors.Join(err, cmd.Start()); err != nil {
			t.Fatal(err)
		}
		bufio.NewReader(printed).ReadString('\n')
		time.Sleep(600 * time.Millisecond) // the command itself is over then
		done := make(chan struct{})
		go func() { cmd.Wait(); close(done) }()
		for range 2 {
			cmd.Process.Signal(syscall.SIGINT)
			time.Sleep(10 * soon)
		}
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			cmd.Process.Kill()
			t.Fatal("it did not end")
		}
		if cmd.ProcessState.ExitCode() != 3 {
			t.Errorf("got %v", cmd.ProcessState)
		}
	})
}

// Who is interrupted before the command begins does not begin it.
func TestInterruptedBeforeTheCommandBegins(t *testing.T) {
	eachWay(t, func(t *testing.T, u user, tr trial) {
		tr.Interrupt = true
		if printed, out := u.run(t, tr, "echo", "it began"); printed != "" || out.Fails != StatusFailed || !strings.Contains(out.Error, "interrupted before") {
			t.Errorf("got %q, %+v", printed, out)
		}
	})
}

// Processes that start others faster than they are looked for end as well.
func TestDeathOfTheParentEndsThoseThatMultiply(t *testing.T) {
	tool(t, "python3")
	eachBare(t, func(t *testing.T, u user) {
		tr := trial{Bare: true}
		cmd := u.command(t, &tr, "python3", "-c", `
import os, sys, time
end = time.time() + 4; open("alive", "w"); print("ready", flush=True); os.close(1); os.close(2)
for i in range(4):
    if not os.fork(): break
else: time.sleep(4)
while time.time() < end:
    if os.fork(): os._exit(0)
    os.utime("alive")
`)
		printed, err := cmd.StdoutPipe()
		if err := errors.Join(err, cmd.Start()); err != nil {
			t.Fatal(err)
		}
		bufio.NewReader(printed).ReadString('\n')
		time.Sleep(100 * time.Millisecond)
		cmd.Process.Kill()
		cmd.Wait()
		time.Sleep(300 * time.Millisecond)
		killed := time.Now()
		time.Sleep(100 * time.Millisecond)
		if info, err := os.Stat(filepath.Join(cmd.Dir, "alive")); err != nil || info.ModTime().After(killed) {
			t.Errorf("they live on: %v", err)
		}
	})
}

// A command that ends the first process of its own ends with it.
func TestWhatEndsItsFirstProcessEnds(t *testing.T) {
	eachBare(t, func(t *testing.T, u user) {
		printed, out := u.run(t, trial{Bare: true}, "sh", "-c", `setsid sleep 60 & echo $!; first=$PPID; (setsid sh -c "kill -9 $first; sleep 60") & wait; wait`)
		pid, err := strconv.Atoi(strings.TrimSpace(printed))
		if err != nil || out.Fails != StatusFailed {
			t.Fatalf("got %q, %+v", printed, out)
		}
		if fields := stat(pid); len(fields) > 0 && fields[0] != "Z" {
			syscall.Kill(pid, syscall.SIGKILL)
			t.Error("it lives on")
		}
	})
}

// A directory that is covered is not to be had by being in it.
func TestCoveredDirectoryIsLeft(t *testing.T) {
	tool(t, "python3")
	if os.Getuid() != 0 {
		t.Skip("only root makes the directory of this test")
	}
	eachUser(t, func(t *testing.T, u user) {
		tr := trial{}
		cmd := u.command(t, &tr, "sh", "-c", `test -e later || echo "not there"`)
		script := fmt.Sprintf(`mount -t tmpfs none /run && mkdir -p /run/user/%[1]d && cd /run/user/%[1]d && touch later && chown %[1]d . && exec setpriv --reuid %[1]d --regid %[1]d --clear-groups "$@"`, u.id)
		outer := exec.Command("unshare", append([]string{"-m", "sh", "-c", script, "sh"}, cmd.Args...)...)
		if printed, err := outer.CombinedOutput(); err != nil || string(printed) != "not there\n" {
			t.Errorf("got %q, %v", printed, err)
		}
	})
}

// Where the command sees the processes of this host, as in a container that hides parts
// of /proc, it does nothing to them.
func TestProcessesInSightAreHeld(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root hides parts of /proc")
	}
	eachUser(t, func(t *testing.T, u user) {
		tr := trial{Always: true}
		names := []string{"ptrace the parent", "memory of parent", "copy of its memory", "kill the parent", "continue the parent", "descriptor of parent", "limits of parent", "speak for the first"}
		cmd := u.command(t, &tr, append([]string{"sh", "-c", outer + `for name; do "$PROGRAM" ` + roleAttempt + ` "$name" $parent; done`, "sh"}, names...)...)
		script := fmt.Sprintf(`mount -t tmpfs none /proc/tty && exec setpriv --reuid %[1]d --regid %[1]d --clear-groups "$@"`, u.id)
		hidden := exec.Command("unshare", append([]string{"-m", "sh", "-c", script, "sh"}, cmd.Args...)...)
		hidden.Env = append(os.Environ(), "PROGRAM="+testProgram(t), "PARENT=1")
		printed, _ := hidden.CombinedOutput()
		out := read(t, &tr, string(printed))
		warned := strings.Join(out.Warned, " ")
		if strings.Count(string(printed), ": ") < len(names) || !strings.Contains(warned, "sees the processes") {
			t.Fatalf("got %s, %+v", printed, out)
		}
		for line := range strings.Lines(string(printed)) {
			signal := strings.HasPrefix(line, "kill") || strings.HasPrefix(line, "continue")
			if strings.HasSuffix(line, "OPEN\n") && !(signal && strings.Contains(warned, "can end processes")) {
				t.Error(line)
			}
		}
	})
}

// A child is ended also by who may signal it no more.
func TestChildOfWhoIsConfinedIsEnded(t *testing.T) {
	eachUser(t, func(t *testing.T, u user) {
		began := time.Now()
		if _, out := u.run(t, trial{Kill: true}, "sleep", "60"); out.Error != "" || time.Since(began) > 30*time.Second {
			t.Errorf("got %+v after %v", out, time.Since(began))
		}
	})
}

// killRole makes a sandbox, gives up rights, and ends it before the command begins.
func killRole(o *Options) error {
	r := &running{o: o, path: "/bin/true", inherited: inherited()}
	if err := r.enter(); err != nil {
		return err
	}
	r.confine()
	if err := r.child.Process.Signal(syscall.Signal(0)); !errors.Is(err, unix.EPERM) {
		return nil // this kernel lets it
	}
	r.kill()
	return nil
}
