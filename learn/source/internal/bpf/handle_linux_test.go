package bpf

import (
	"net"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

func TestAProcessIsToldOfInOrder(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("loading eBPF programs needs root")
	}
	h, err := Open(mount(t))
	if err != nil {
		t.Skip("no eBPF here: ", err)
	}
	defer h.Close()
	c := exec.CommandContext(t.Context(), "/bin/true", "a", "b c")
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	var got []Kind
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end) && !slices.Contains(got, Exited); {
		var r Record
		if ok, err := h.Next(&r); err != nil {
			t.Fatal(err)
		} else if !ok {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		if r.PID != c.Process.Pid {
			continue
		}
		got = append(got, r.Kind)
		if r.Kind == Executed && (r.Path != "/bin/true" || !slices.Equal(r.Args, []string{"/bin/true", "a", "b c"}) || time.Since(time.Unix(0, r.Time)).Abs() > time.Minute) {
			t.Errorf("got %+v", r)
		}
	}
	if !slices.Equal(got, []Kind{Forked, Executed, Exited}) {
		t.Errorf("got %v", got)
	}
}

// mount is where this machine has its tree of cgroups.
func mount(t *testing.T) string {
	t.Helper()
	for _, dir := range []string{"/sys/fs/cgroup/unified", "/sys/fs/cgroup"} {
		if _, err := os.Stat(dir + "/cgroup.procs"); err == nil {
			return dir
		}
	}
	t.Skip("no cgroups of version 2")
	return ""
}

func FuzzRecord(f *testing.F) {
	f.Add(make([]byte, connectionSize))
	f.Add(append([]byte{0, 0, 0, 0, 0, 0, 0, 0, byte(Executed)}, make([]byte, executionSize-9)...))
	f.Add(append([]byte{0, 0, 0, 0, 0, 0, 0, 0, byte(Forked)}, make([]byte, lifecycleSize-9)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Record
		if err := decode(b, 0, &r); err == nil && (r.Kind < Opened || r.Kind > Sent) {
			t.Fatalf("got %+v", r)
		}
	})
}

// TestDatagramsOfConnectedSockets: where the kernel tells of what is sent, that counts;
// on an older one it counts that the socket is connected.
func TestDatagramsOfConnectedSockets(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("loading eBPF programs needs root")
	}
	for sends, want := range map[bool]Kind{true: Sent, false: Towards} {
		h, err := open(mount(t), sends)
		if err != nil {
			t.Logf("sends %v: no eBPF here, or an older kernel: %v", sends, err)
			continue
		}
		defer h.Close()
		c, err := net.Dial("udp4", "127.0.0.1:9")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for range 3 {
			_, _ = c.Write([]byte("x")) // refused or not
		}
		got := map[Kind]int{}
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end) && got[want] == 0; time.Sleep(10 * time.Millisecond) {
			for {
				var r Record
				if ok, err := h.Next(&r); err != nil {
					t.Fatal(err)
				} else if !ok {
					break
				}
				if r.PID == os.Getpid() && r.Proto == 17 && r.DstPort == 9 {
					got[r.Kind]++
				}
			}
		}
		if len(got) != 1 || got[want] != 1 {
			t.Errorf("sends %v: got %v, want one of kind %d", sends, got, want)
		}
	}
}
