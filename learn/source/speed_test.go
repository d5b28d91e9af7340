package source_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"tripline/learn/source"
	"tripline/learn/source/internal/capfile"
)

const speedRounds = 3

// A contest is a file, and programs that read it. All of them run in each round, so
// that a busy machine is unfair to each alike.
type contest struct {
	unit  string
	size  float64 // of the file, in units
	entry []entrant
}

// An entrant returns the time of the processor that it used.
type entrant struct {
	name string
	run  func() (time.Duration, error)
	took []time.Duration
}

// TestSpeed prints how fast captures and logs are read on one core, beside others
// that read the same file. "make bench-pcap" runs it.
func TestSpeed(t *testing.T) {
	if os.Getenv("TRIPLINE_SPEED") == "" {
		t.Skip("a measurement: make bench-pcap")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	dir := t.TempDir()
	contests := []contest{
		packetContest(t, dir),
		logContest(t, "eve", filepath.Join(dir, "eve.json"), bytes.Join(eveBenchLines(300_000), []byte("\n"))),
		logContest(t, "zeek", filepath.Join(dir, "conn.log"), zeekSpeedLines(t, 500_000)),
	}
	for _, c := range contests {
		for range speedRounds {
			c.round(t)
		}
		t.Log("\n" + c.table())
	}
}

func (c *contest) round(t *testing.T) {
	t.Helper()
	for i := range c.entry {
		e := &c.entry[i]
		took, err := e.run()
		if err != nil {
			t.Fatalf("%s: %v", e.name, err)
		}
		e.took = append(e.took, took)
	}
}

// table has the median of each, and how much faster the first is.
func (c *contest) table() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "reader\t%s per second of one core\ttripline is\n", c.unit)
	for _, e := range c.entry {
		slices.Sort(e.took)
		took := e.took[len(e.took)/2]
		fmt.Fprintf(w, "%s\t%.3f\t%.2f times as fast\n", e.name, c.size/took.Seconds(), took.Seconds()/c.entry[0].took[len(c.entry[0].took)/2].Seconds())
	}
	w.Flush()
	return b.String()
}

func packetContest(t *testing.T, dir string) contest {
	t.Helper()
	made, packets := benchPcap(t, 500_000)
	path := filepath.Join(dir, "bench.pcap")
	write(t, path, made.Bytes())
	c := contest{unit: "million packets", size: float64(packets) / 1e6}
	c.entry = []entrant{
		{name: "tripline: flows, DNS, SNI", run: own(func() error { return readToEnd("pcap", path) })},
		{name: "gopacket's DecodingLayerParser: flows alone", run: own(func() error { return readByGopacket(path) })},
	}
	sink, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	out := t.TempDir()
	for _, args := range [][]string{
		{"softflowd", "-d", "-r", path, "-n", sink.LocalAddr().String(), "-v", "9", "-m", "1000000", "-c", "none", "-p", filepath.Join(out, "pid")},
		{"nfpcapd", "-r", path, "-w", out},
	} {
		if _, err := exec.LookPath(args[0]); err != nil {
			t.Logf("%s is not installed: its row is left out", args[0])
			continue
		}
		c.entry = append(c.entry, entrant{name: args[0] + ": flows alone", run: program(t, args)})
	}
	return c
}

func logContest(t *testing.T, name, path string, text []byte) contest {
	t.Helper()
	write(t, path, append(text, '\n'))
	return contest{unit: "MB of JSON", size: float64(len(text)) / 1e6, entry: []entrant{
		{name: "tripline: " + name, run: own(func() error { return readToEnd(name, path) })},
	}}
}

// zeekSpeedLines are as many connections like those of a sample.
func zeekSpeedLines(t *testing.T, n int) []byte {
	t.Helper()
	text, err := os.ReadFile("../../testdata/source/zeek/json/conn.log")
	if err != nil {
		t.Fatal(err)
	}
	const uid = "CTlsB1bbbbbbbbbb01"
	for line := range bytes.Lines(text) {
		if !bytes.Contains(line, []byte(uid)) {
			continue
		}
		var b bytes.Buffer
		for i := range n {
			b.Write(bytes.Replace(line, []byte(uid), fmt.Appendf(nil, "CTlsB1bbbb%08d", i), 1))
		}
		return b.Bytes()
	}
	t.Fatal("the sample has no connection " + uid)
	return nil
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// own measures work of this process.
func own(work func() error) func() (time.Duration, error) {
	return func() (time.Duration, error) {
		runtime.GC()
		before := usedTime()
		err := work()
		return usedTime() - before, err
	}
}

// program measures another one.
func program(t *testing.T, args []string) func() (time.Duration, error) {
	t.Helper()
	return func() (time.Duration, error) {
		c := exec.CommandContext(t.Context(), args[0], args[1:]...)
		if out, err := c.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("%w: %s", err, out)
		}
		return c.ProcessState.UserTime() + c.ProcessState.SystemTime(), nil
	}
}

var errNothing = errors.New("there was nothing in it")

func readToEnd(name, path string) error {
	s, err := source.Find(name)
	if err != nil {
		return err
	}
	st, err := source.Open(s, path, nil, source.StreamOptions{Options: home, Whole: true})
	if err != nil {
		return err
	}
	defer st.Close()
	var r source.Record
	for n := 0; ; n++ {
		switch err := st.Next(&r); {
		case errors.Is(err, io.EOF) && n == 0:
			return errNothing
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// layerFlows makes flows by the usual library.
type layerFlows struct {
	eth    layers.Ethernet
	ip4    layers.IPv4
	tcp    layers.TCP
	udp    layers.UDP
	parser *gopacket.DecodingLayerParser
	found  []gopacket.LayerType
	flows  map[layerTuple]int
}

type layerTuple struct {
	src, dst [4]byte
	ports    [2]uint16
}

func newLayerFlows() *layerFlows {
	f := &layerFlows{flows: map[layerTuple]int{}}
	f.parser = gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &f.eth, &f.ip4, &f.tcp, &f.udp)
	f.parser.IgnoreUnsupported = true
	return f
}

func (f *layerFlows) add(packet []byte) error {
	f.tcp.SrcPort, f.tcp.DstPort, f.udp.SrcPort, f.udp.DstPort = 0, 0, 0, 0
	if err := f.parser.DecodeLayers(packet, &f.found); err != nil {
		return err
	}
	f.flows[layerTuple{
		[4]byte(f.ip4.SrcIP), [4]byte(f.ip4.DstIP),
		[2]uint16{uint16(f.tcp.SrcPort) + uint16(f.udp.SrcPort), uint16(f.tcp.DstPort) + uint16(f.udp.DstPort)},
	}] += len(packet)
	return nil
}

func readByGopacket(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	r, f := capfile.NewReader(file), newLayerFlows()
	var p capfile.Packet
	for r.Next(&p) == nil {
		if err := f.add(p.Data); err != nil {
			return err
		}
	}
	if len(f.flows) == 0 {
		return errNothing
	}
	return nil
}
