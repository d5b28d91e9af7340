package source

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestWhatAProcessOpensIsAConnection: also if no packet leaves, if its address is of
// another network, and if what that network sends is not captured. A socket that is
// connected and sends nothing is none, and neither is an answer.
func TestWhatAProcessOpensIsAConnection(t *testing.T) {
	if !inNamespace(t, "nft", "nsenter") {
		return
	}
	near, far := spaces(t)
	run(t, "nft", "add table ip t; add chain ip t c { type filter hook output priority 0; }; add rule ip t c ip daddr 192.0.2.30 drop")
	streams := map[string]Stream{}
	for _, src := range []Source{ebpfSource, hostSource} {
		s, err := src.Live(StreamOptions{Follow: true})
		if err != nil {
			t.Skip(err)
		}
		defer s.Close()
		streams[src.Name] = s
	}
	streams["host"].(*hostStream).lone.patience = 2500 * time.Millisecond
	answered, err := answers(t)
	if err != nil {
		t.Fatal(err)
	}
	want, of := opens(t, [][4]string{
		{"", "sendto", "192.0.2.30:9999", "udp 192.0.2.1 192.0.2.30:9999"}, // a rule drops it
		{"", "nonblocking", "192.0.2.30:443", "tcp 192.0.2.1 192.0.2.30:443"},
		{"", "towards", "192.0.2.31:443", ""},
		{near, "sends", "203.0.113.7:9999", "udp 192.0.2.2 203.0.113.7:9999"},
		{near, "sendto", "203.0.113.8:9999", "udp 192.0.2.2 203.0.113.8:9999"},
		{far, "sends", "203.0.113.7:53", "udp 198.51.100.77 203.0.113.7:53"}, // a network of its own
		{far, "sendto", "203.0.113.9:9999", "udp 198.51.100.77 203.0.113.9:9999"},
		{"", "sendto", answered, "udp 198.51.100.20 " + answered},
	})
	for name, s := range streams {
		got, alone := connections(t, s, of, len(want))
		if !slices.Equal(got, want) {
			t.Errorf("%s: got\n\t%s\nwant\n\t%s", name, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
		}
		if name == hostSource.Name && alone != 4 {
			t.Errorf("only eBPF saw %d, want the two that are dropped and the two of another network", alone)
		}
	}
	for _, c := range streams["host"].(*hostStream).Sighted() {
		t.Logf("%+v", c)
	}
}

// spaces makes two networks: one whose packets pass here, and one of its own.
func spaces(t *testing.T) (near, far string) {
	t.Helper()
	near, far = fmt.Sprintf("tlnear%d", os.Getpid()), fmt.Sprintf("tlfar%d", os.Getpid())
	for _, name := range []string{near, far} {
		run(t, "ip", "netns", "add", name)
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", name).Run() })
	}
	(&world{T: t}).link("lone0", near, "lone1", "192.0.2.1", "2001:db8:1::1", "192.0.2.2", "2001:db8:1::2")
	for _, line := range []string{"link add d0 type veth peer name d1", "addr add 198.51.100.77/24 dev d0", "link set d0 up", "link set d1 up", "route add default dev d0"} {
		run(t, "ip", strings.Fields("-n "+far+" "+line)...)
	}
	return near, far
}

// answers listens for datagrams and answers each.
func answers(t *testing.T) (at string, err error) {
	c, err := net.ListenPacket("udp4", "198.51.100.20:0")
	if err != nil {
		return "", err
	}
	t.Cleanup(func() { _ = c.Close() })
	go func() {
		var b [16]byte
		for {
			n, from, err := c.ReadFrom(b[:])
			if err != nil {
				return
			}
			_, _ = c.WriteTo(b[:n], from)
		}
	}()
	return c.LocalAddr().String(), nil
}

// opens lets processes open connections: in a network, how, and to where. It returns
// what is to be seen, and the processes, with this one.
func opens(t *testing.T, list [][4]string) (want []string, of map[int]bool) {
	t.Helper()
	self, err := filepath.EvalSymlinks("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	of = map[int]bool{os.Getpid(): true}
	for _, o := range list {
		host, port, _ := net.SplitHostPort(o[2])
		args := []string{self, host, port}
		if o[0] != "" {
			args = append([]string{"nsenter", "--net=/run/netns/" + o[0]}, args...)
		}
		c := exec.CommandContext(t.Context(), args[0], args[1:]...)
		c.Env = append(os.Environ(), opener+"="+o[1])
		if err := c.Run(); err != nil {
			t.Fatalf("%v: %v", o, err)
		}
		of[c.Process.Pid] = true
		if o[3] != "" {
			want = append(want, o[3])
		}
	}
	slices.Sort(want)
	return want, of
}

// connections reads until n connections of some processes are known, and a moment on.
// It counts those that were seen by eBPF alone.
func connections(t *testing.T, s Stream, of map[int]bool, n int) (got []string, alone int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		var r Record
		if err := s.Next(&r); errors.Is(err, io.EOF) {
			_ = s.Wait(t.Context(), 100*time.Millisecond)
		} else if err != nil && !errors.As(err, new(*RecordError)) {
			t.Fatal(err)
		}
		if !r.Counted || r.Process == nil || !of[r.Process.PID] {
			continue
		}
		if r.Act == "open" {
			alone++
		}
		if got = append(got, r.Proto.String()+" "+r.Src.String()+" "+net.JoinHostPort(r.Dst.String(), strconv.Itoa(int(r.DstPort)))); len(got) == n {
			end = time.Now().Add(500 * time.Millisecond)
		}
	}
	slices.Sort(got)
	return got, alone
}
