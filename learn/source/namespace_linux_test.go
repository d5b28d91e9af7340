package source

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// inNamespace runs the test again in a network of its own, where loopback has the
// addresses 198.51.100.10 and .20; it returns true there. It needs root and ip.
func inNamespace(t *testing.T, tools ...string) bool {
	t.Helper()
	const mark = "TRIPLINE_NAMESPACE"
	if os.Getenv(mark) == t.Name() {
		for _, line := range []string{"link set lo up", "addr add 198.51.100.10/32 dev lo", "addr add 198.51.100.20/32 dev lo"} {
			run(t, "ip", strings.Fields(line)...)
		}
		return true
	}
	if os.Getuid() != 0 {
		t.Skip("a network namespace needs root")
	}
	for _, tool := range append(tools, "ip") {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("there is no " + tool)
		}
	}
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v", "-test.count=1", "-test.short="+strconv.FormatBool(testing.Short()))
	c.Env = append(os.Environ(), mark+"="+t.Name())
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	out, err := c.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Errorf("in a network of its own: %v", err)
	}
	return false
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
}
