package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tripline/learn"
)

// First arguments of the test program in other roles.
const (
	roleRun     = "__test-run"     // runs a command in a sandbox, and tells what it saw
	roleAttempt = "__test-attempt" // tries to get out
)

func TestMain(m *testing.M) {
	if status, entered := Enter(os.Args); entered {
		os.Exit(status)
	}
	if len(os.Args) > 2 {
		switch os.Args[1] {
		case roleRun:
			os.Exit(runRole(os.Args[2], os.Args[3:]))
		case roleAttempt:
			os.Exit(attemptRole(os.Args[2], os.Args[3:]))
		}
	}
	status := m.Run()
	if copyPath != "" {
		os.RemoveAll(filepath.Dir(copyPath))
	}
	os.Exit(status)
}

// A trial is what the runner is told, and an outcome what it tells.
type trial struct {
	To       string // where every connection is led
	Resolver string
	Offline  bool
	Refuse   bool
	Asked    bool // what is only asked for is told
	Weak     bool
	Bare     bool // without namespaces
	Always   bool // never without
	Forbid   int  // what the kernel is to say of namespaces
	Foreign  bool // what is admitted is really dialled
	Ports    []uint16
	Publish  []Port
	Kill     bool // it is ended before it begins

	Interrupt bool // when all is there
	Probe     bool // what decides tries what it must not do any more
	Hash      int64
	Out       string // file of the outcome
}

type outcome struct {
	Result Result
	Error  string
	Status int
	Fails  int // the status of the error
	Flows  []learn.Flow
	Warned []string
	Probed map[string]string // what became of tries of the parent

	Dialled int // connections that left
}

// runRole is the program that runs a command in a sandbox.
func runRole(text string, command []string) int {
	var tr trial
	if err := json.Unmarshal([]byte(text), &tr); err != nil {
		panic(err)
	}
	var out outcome
	var mu sync.Mutex
	o := Options{
		Command: command, Label: "sandbox:bot", Offline: tr.Offline, Weak: tr.Weak, HostPorts: tr.Ports, Publish: tr.Publish, HashPayload: tr.Hash,
		Confine: &Confinement{Write: []string{filepath.Dir(tr.Out)}},
		Decide: func(*learn.Flow) Decision {
			if tr.Probe {
				mu.Lock()
				out.Probed = probed(filepath.Dir(tr.Out))
				mu.Unlock()
			}
			if tr.Refuse {
				return Refuse
			}
			return Admit
		},
		Flow: func(f *Told) {
			mu.Lock()
			defer mu.Unlock()
			if !f.Open {
				out.Flows = append(out.Flows, f.Flow)
			}
		},
		Warn: func(format string, args ...any) { out.Warned = append(out.Warned, fmt.Sprintf(format, args...)) },
		Dial: func(ctx context.Context, network string, _ netip.AddrPort) (net.Conn, error) {
			mu.Lock()
			out.Dialled++
			mu.Unlock()
			return (&net.Dialer{}).DialContext(ctx, network, tr.To)
		},
	}
	if tr.Asked {
		o.Asked = func(string) bool { return true }
	}
	switch {
	case tr.Bare:
		o.Namespaces = NamespacesNever
	case tr.Always:
		o.Namespaces = NamespacesAlways
	}
	if tr.Bare && tr.To == "" || tr.Foreign { // the loopback is this host's then
		o.Dial = nil
	}
	if tr.Forbid != 0 {
		if err := forbid(unix.Errno(tr.Forbid)); err != nil {
			panic(err)
		}
	}
	if tr.Resolver != "" {
		o.Resolvers = []netip.AddrPort{netip.MustParseAddrPort(tr.Resolver)}
	}
	var r Result
	var err error
	if tr.Kill {
		err = killRole(&o)
	} else {
		ctx, cancel := context.WithCancel(context.Background())
		if tr.Interrupt {
			o.Begun = func(string, bool) { cancel() }
		}
		r, err = Run(ctx, o)
		cancel()
	}
	out.Result, out.Status = r, r.Status
	if err != nil {
		out.Error = err.Error()
	}
	if e, ok := errors.AsType[*Error](err); ok {
		out.Fails = e.Status
	}
	data, err := json.Marshal(out)
	if err == nil {
		err = os.WriteFile(tr.Out, data, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 99
	}
	return r.Status
}

// forbid makes the kernel refuse namespaces to this process, as containers and
// settings do.
func forbid(errno unix.Errno) error {
	runtime.LockOSThread()
	var p program
	p.load(dataNumber)
	p.ifEqual(unix.SYS_CLONE, func(p *program) {
		p.load(argument(0))
		p.add(unix.BPF_JMP|unix.BPF_JSET|unix.BPF_K, unix.CLONE_NEWUSER, 0, 1)
		p.give(refuse(errno))
		p.give(unix.SECCOMP_RET_ALLOW)
	})
	p.ifEqual(unix.SYS_CLONE3, func(p *program) { p.give(refuse(unix.ENOSYS)) })
	p.give(unix.SECCOMP_RET_ALLOW)
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	return installAll(p)
}

// A user is who runs the sandbox in a test.
type user struct {
	name string
	id   int
}

// users are those that tests can be: root, and somebody ordinary.
func users() []user {
	if os.Geteuid() == 0 {
		return []user{{"ordinary", 65534}, {"root", 0}}
	}
	return []user{{"ordinary", os.Getuid()}}
}

// eachUser runs a test as root and as somebody ordinary, where namespaces are allowed.
func eachUser(t *testing.T, f func(t *testing.T, u user)) {
	t.Helper()
	for _, u := range users() {
		t.Run(u.name, func(t *testing.T) {
			cmd := exec.Command("unshare", "-U", "-n", "true")
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: u.credential()}
			if said, err := cmd.CombinedOutput(); err != nil {
				t.Skipf("no namespaces here: %v: %s (%s)", err, said, Diagnose(err).Cause)
			}
			f(t, u)
		})
	}
}

func (u user) credential() *syscall.Credential {
	if os.Geteuid() != 0 || u.id == 0 {
		return nil
	}
	return &syscall.Credential{Uid: uint32(u.id), Gid: uint32(u.id)}
}

var (
	copyOnce sync.Once
	copyPath string
)

// testProgram is this test program where everybody may run it.
func testProgram(t *testing.T) string {
	t.Helper()
	copyOnce.Do(func() {
		dir, err := os.MkdirTemp("", "sandbox-test") //nolint:usetesting // it is for all tests
		if err != nil {
			t.Fatal(err)
		}
		copyPath = filepath.Join(dir, "sandbox.test")
		data, err := os.ReadFile("/proc/self/exe")
		if err == nil {
			err = os.WriteFile(copyPath, data, 0o755)
		}
		if err == nil {
			err = os.Chmod(dir, 0o777)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	return copyPath
}

// mostTime is far beyond what a command takes here, also where the machine does much
// else: what takes longer hangs.
const mostTime = 4 * time.Minute

// command makes the runner without starting it.
func (u user) command(t *testing.T, tr *trial, command ...string) *exec.Cmd {
	t.Helper()
	path := testProgram(t)
	dir, err := os.MkdirTemp(filepath.Dir(path), "run") //nolint:usetesting // others than who runs the test have to reach it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chown(dir, u.id, u.id); err != nil {
		t.Fatal(err)
	}
	tr.Out = filepath.Join(dir, "out.json")
	text, err := json.Marshal(tr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), mostTime)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, path, append([]string{roleRun, string(text)}, command...)...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: u.credential()}
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// run runs a command in a sandbox and returns what it printed.
func (u user) run(t *testing.T, tr trial, command ...string) (string, outcome) {
	t.Helper()
	cmd := u.command(t, &tr, command...)
	printed, err := cmd.CombinedOutput()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return string(printed), read(t, &tr, string(printed))
}

func read(t *testing.T, tr *trial, printed string) (out outcome) {
	t.Helper()
	data, err := os.ReadFile(tr.Out)
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		t.Fatalf("no outcome: %v; it printed %s", err, printed)
	}
	return out
}

// tool skips a test without a program.
func tool(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed", name)
	}
}
