package source_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tripline/learn/source"
	"tripline/learn/source/internal/netflow"
)

func TestNfdumpGolden(t *testing.T) { goldenNetflow(t, "dump", ".json") }

// An object that lost its beginning is one that could not be read, and the next is.
func TestNfdumpWithoutABeginningIsCounted(t *testing.T) {
	object := `{"type":"FLOW","first":"2026-03-28T12:00:00.000","last":"2026-03-28T12:00:01.000","received":"2026-03-28T12:00:02.000",` +
		`"in_packets":1,"in_bytes":60,"proto":6,"src_port":50000,"dst_port":443,"src4_addr":"192.0.2.10","dst4_addr":"203.0.113.7"}`
	path := filepath.Join(t.TempDir(), "dump.json")
	if err := os.WriteFile(path, []byte("["+object+",\n"+object[9:]+",\n"+strings.Replace(object, "50000", "50001", 1)+"]"), 0o600); err != nil {
		t.Fatal(err)
	}
	list := rest(t, netflowStream(t, path, nil, source.StreamOptions{Options: home, Whole: true}), all)
	bad := 0
	for _, g := range list {
		if g.err != nil {
			bad++
		}
	}
	if bad != 1 || len(list) != 3 {
		t.Errorf("%d of %d could not be read, want 1 of 3", bad, len(list))
	}
}

// What nfcapd keeps of datagrams and nfdump prints is what they hold.
func TestNfdumpOfNfcapd(t *testing.T) {
	for _, tool := range []string{"nfcapd", "nfdump"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("there is no " + tool)
		}
	}
	dir, sample := t.TempDir(), okSample()
	keep(t, dir, sample)
	kept, err := filepath.Glob(filepath.Join(dir, "nfcapd.2*"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("nfcapd wrote %v, %v", kept, err)
	}
	c := exec.CommandContext(t.Context(), "nfdump", "-q", "-r", kept[0], "-o", "json")
	c.Env = append(os.Environ(), "TZ=UTC")
	text, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := ends(rest(t, netflowStream(t, netflowFile(t, sample), nil, source.StreamOptions{Options: home}), all))
	path := netflowFile(t, text)
	got := ends(rest(t, netflowStream(t, path, nil, source.StreamOptions{Options: home}), all))
	if !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
	if _, err := source.Open(netflowSourceOf(t), kept[0], nil, source.StreamOptions{}); err == nil || !strings.Contains(err.Error(), "nfcapd") {
		t.Errorf("the file of nfcapd itself: got %v", err)
	}
	first := netflowStream(t, path, nil, source.StreamOptions{Options: home})
	rest(t, first, 3)
	cursor, err := first.Cursor()
	if err != nil {
		t.Fatal(err)
	}
	if again := rest(t, netflowStream(t, path, cursor, source.StreamOptions{Options: home}), all); len(again) == 0 || len(again)+3 != len(rest(t, netflowStream(t, path, nil, source.StreamOptions{Options: home}), all)) {
		t.Errorf("%d records behind the third", len(again))
	}
}

func netflowSourceOf(t *testing.T) source.Source {
	t.Helper()
	s, err := source.Find("netflow")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// keep lets nfcapd keep datagrams in dir.
func keep(t *testing.T, dir string, sample []byte) {
	t.Helper()
	port := freePort(t)
	c := exec.CommandContext(t.Context(), "nfcapd", "-w", dir, "-b", "127.0.0.1", "-p", port, "-I", "test")
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	to, err := net.Dial("udp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if _, err := to.Write([]byte{0, 0}); err != nil { // nobody listens yet
			continue
		}
		time.Sleep(20 * time.Millisecond)
		if _, err := to.Write([]byte{0, 0}); err == nil {
			break
		}
	}
	for len(sample) > 0 {
		n, _ := netflow.Split(sample)
		if _, err := to.Write(sample[:n]); err != nil {
			t.Fatal(err)
		}
		sample = sample[n:]
		time.Sleep(5 * time.Millisecond)
	}
	time.Sleep(200 * time.Millisecond)
	_ = c.Process.Signal(syscall.SIGTERM)
	if err := c.Wait(); err != nil {
		t.Fatalf("nfcapd: %v: %s", err, said.String())
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, port, _ := net.SplitHostPort(c.LocalAddr().String())
	return port
}

// ends are what was counted: where from, where to and how much.
func ends(list []got) (lines []string) {
	for _, f := range counted(list) {
		if f.DstPort == 8443 {
			continue // nfcapd takes no record whose template comes later
		}
		lines = append(lines, fmt.Sprintf("%s %s:%d %s:%d %d up %d down at %s", f.Proto, f.Src, f.SrcPort, f.Dst, f.DstPort, f.Up, f.Down, f.Time.Format(time.TimeOnly)))
	}
	slices.Sort(lines)
	return lines
}
