package sandbox

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pty is a terminal: what a person has, and what programs see (pts(4)).
func pty(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	t.Cleanup(func() { person.Close() })
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return person, program
}

// A command that stops itself, as vim does on ^Z, stops us with it: a shell then has
// its terminal back, and lets both go on.
func TestStopsAndGoesOnWithTheCommand(t *testing.T) {
	for _, bare := range []bool{false, true} {
		eachUser(t, func(t *testing.T, u user) {
			person, program := pty(t)
			tr := trial{Bare: bare}
			cmd := u.command(t, &tr, "sh", "-c", "stty size; kill -STOP $$; echo went on; exit 6")
			cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
			cmd.SysProcAttr.Setsid, cmd.SysProcAttr.Setctty = true, true
			if err := unix.IoctlSetWinsize(int(program.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 33, Col: 99}); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			program.Close()
			stopped := false
			for deadline := time.Now().Add(20 * time.Second); !stopped && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
				fields := stat(cmd.Process.Pid)
				stopped = len(fields) > 0 && fields[0] == "T"
			}
			if !stopped {
				cmd.Process.Kill()
				t.Error("it did not stop")
			}
			syscall.Kill(-cmd.Process.Pid, syscall.SIGCONT)
			printed, _ := io.ReadAll(person) // until nobody has the terminal
			cmd.Wait()
			if got := string(printed); !strings.Contains(got, "33 99") || !strings.Contains(got, "went on") || cmd.ProcessState.ExitCode() != 6 {
				t.Errorf("got %q, %v", got, cmd.ProcessState)
			}
		})
	}
}
