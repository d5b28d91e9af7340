package sandbox

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// probed tries, in the program that runs a command, what it must go on to do and what
// it must not, and returns what became of it: "" where it worked.
func probed(own string) map[string]string {
	tries := map[string]func() error{
		"write its own":     func() error { return writeOwn(own) },
		"make a directory":  func() error { return os.MkdirAll(filepath.Join(own, "a", "b"), 0o700) },
		"read the resolver": func() error { _, err := os.ReadFile(resolvConf); return err },
		"read the zone":     func() error { _, err := time.LoadLocation("Europe/Berlin"); return err },
		"addresses":         func() error { _, err := net.InterfaceAddrs(); return err },
		"listen":            func() error { l, err := net.Listen("tcp", "127.0.0.1:0"); return closing(l, err) },

		"write elsewhere":  func() error { return os.WriteFile(filepath.Join(filepath.Dir(own), "elsewhere"), nil, 0o600) },
		"remove elsewhere": func() error { return os.Remove(filepath.Join(filepath.Dir(own), "there")) },
		"start a program":  func() error { return exec.Command("/bin/true").Run() },
		"fork":             func() error { return call(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0) },
		"trace":            func() error { return unix.PtraceAttach(os.Getppid()) },
		"look into others": func() error { _, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", os.Getppid())); return err },
		"signal others":    func() error { return unix.Kill(os.Getppid(), 0) },
		"mount":            func() error { return unix.Mount("none", "/nonexistent", "tmpfs", 0, "") },
		"new namespaces":   func() error { return unix.Unshare(unix.CLONE_NEWUTS) },
		"its descriptors":  func() error { fd, err := duplicate(os.Getppid(), 0); return closed(fd, err) },
		"packets":          func() error { return open(unix.AF_PACKET, unix.SOCK_RAW, 0) },
		"bpf":              func() error { return call(unix.SYS_BPF, 99, 0, 0) },
		"a module":         func() error { return call(unix.SYS_DELETE_MODULE, 0, 0, 0) },
	}
	became := map[string]string{}
	for name, try := range tries {
		became[name] = ""
		if err := try(); err != nil {
			became[name] = err.Error()
		}
	}
	text, _ := os.ReadFile("/proc/thread-self/status")
	for _, name := range []string{"NoNewPrivs", "Seccomp", "CapEff"} {
		became[name] = field(text, name+":")
	}
	return became
}

// writeOwn writes a file beside and renames it, as the product does.
func writeOwn(dir string) error {
	beside := filepath.Join(dir, "beside")
	if err := os.WriteFile(beside, []byte("x"), 0o600); err != nil {
		return err
	}
	return os.Rename(beside, filepath.Join(dir, "kept"))
}

func closing(c interface{ Close() error }, err error) error {
	if err == nil {
		c.Close()
	}
	return err
}

// What answers the packets of a command goes on with its own work and can do little else.
func TestParentIsConfined(t *testing.T) {
	tool(t, "curl")
	may := []string{"write its own", "make a directory", "read the resolver", "read the zone", "addresses", "listen"}
	traces := []string{"look into others", "signal others", "its descriptors", "write elsewhere", "remove elsewhere"} // which the one without namespaces may have to do
	eachUser(t, func(t *testing.T, u user) {
		for _, bare := range []bool{false, true} {
			there := filepath.Join(filepath.Dir(testProgram(t)), "there")
			if err := os.WriteFile(there, nil, 0o666); err != nil {
				t.Fatal(err)
			}
			printed, out := u.run(t, trial{Bare: bare, Refuse: true, Probe: true}, "sh", "-c", "curl -s --max-time 5 http://203.0.113.5/; true")
			if out.Error != "" || len(out.Probed) == 0 {
				t.Fatalf("without namespaces %v: %+v, %s", bare, out, printed)
			}
			for name, became := range out.Probed {
				set, may := name[0] < 'a', slices.Contains(may, name)
				if !set && (became == "") != may && !(bare && slices.Contains(traces, name)) {
					t.Errorf("without namespaces %v: %s: got %q", bare, name, became)
				}
			}
			if out.Probed["NoNewPrivs"] != "1" || out.Probed["Seccomp"] != "2" || len(out.Result.Confined) < 3 {
				t.Errorf("without namespaces %v: got %v, %v", bare, out.Probed, out.Result.Confined)
			}
			t.Log(strings.Join(out.Result.Confined, "; "), out.Probed)
		}
	})
}

// A filter that one thread cannot take is none, and is not said to be there.
func TestFilterOfSomeThreadsIsAnError(t *testing.T) {
	var all program
	all.give(unix.SECCOMP_RET_ALLOW)
	alone := func(f func() error) error {
		done := make(chan error)
		go func() { // its thread ends with it
			runtime.LockOSThread()
			err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
			if err == nil {
				err = f()
			}
			done <- err
		}()
		return <-done
	}
	err := alone(func() error {
		if _, err := install(all, 0); err != nil {
			t.Skip(err)
		}
		return alone(func() error { return installAll(all) })
	})
	if err == nil {
		t.Error("it is said to be there")
	}
}
