package source_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tripline/learn/source"
)

const netflowSamples = "../../../shared/data/traffic/netflow/logstash-codec/"

// sampleFamilies are the samples by exporter: what begins alike is read in one
// stream, its templates first. What they hold is in testdata/source/netflow/samples.txt.
func sampleFamilies(t *testing.T) (names []string, files map[string][]string) {
	t.Helper()
	list, err := filepath.Glob(netflowSamples + "*.dat")
	if err != nil || len(list) == 0 {
		t.Skip("the samples of exporters are not here")
	}
	files = map[string][]string{}
	for _, path := range list {
		name := familyOf(filepath.Base(path))
		if files[name] == nil {
			names = append(names, name)
		}
		files[name] = append(files[name], path)
	}
	for _, of := range files {
		slices.SortStableFunc(of, func(a, b string) int { return templatesLast(a) - templatesLast(b) })
	}
	return names, files
}

func familyOf(base string) string {
	for _, end := range []string{"_tpl", "_data", "_opttpl"} {
		if i := strings.Index(base, end); i > 0 {
			base = base[:i]
		}
	}
	return strings.TrimSuffix(base, ".dat")
}

// templatesLast orders data before templates: it has to wait.
func templatesLast(path string) int {
	if strings.Contains(filepath.Base(path), "tpl") {
		return 1
	}
	return 0
}

// Each of the samples of about forty exporters is read, or refused with a cause,
// and so is each record of it: this is the table.
func TestNetflowSamplesOfExporters(t *testing.T) {
	names, files := sampleFamilies(t)
	var table strings.Builder
	for _, name := range names {
		var data []byte
		for _, path := range files[name] {
			part, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			data = append(data, part...)
		}
		tally := map[string]int{}
		flows := 0
		for _, g := range rest(t, netflowStream(t, netflowFile(t, data), nil, source.StreamOptions{Whole: true}), all) {
			if g.err != nil {
				tally[strings.TrimPrefix(g.err.Field+": "+string(g.err.Cause), ": ")]++
				continue
			}
			flows++
			promisesOfARecord(t, &g.record)
			tally[string(g.record.Why)]++
		}
		if len(tally) == 0 && slices.ContainsFunc(files[name], func(path string) bool { return templatesLast(path) == 0 }) {
			t.Errorf("%s: %d files and nothing said of them", name, len(files[name]))
		}
		fmt.Fprintf(&table, "%s: %d files, %d flows\n", name, len(files[name]), flows)
		for _, why := range slices.Sorted(maps.Keys(tally)) {
			fmt.Fprintf(&table, "    %3d %s\n", tally[why], why)
		}
	}
	golden(t, netflowFixtures+"samples.txt", []byte(table.String()))
}

// collecting opens a stream at a free port.
func collecting(t *testing.T) (source.Stream, *net.UDPAddr) {
	t.Helper()
	free, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	at := free.LocalAddr().(*net.UDPAddr) //nolint:forcetypeassert // it is what was asked for
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	return netflowStream(t, "udp://"+at.String(), nil, source.StreamOptions{Options: home, Follow: true}), at
}

// until reads until there are n counted flows, or time is up.
func until(t *testing.T, s source.Stream, n int, patience time.Duration) (list []got) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for len(counted(list)) < n && ctx.Err() == nil {
		list = append(list, rest(t, s, 1)...)
		if len(counted(list)) < n {
			_ = s.Wait(ctx, 100*time.Millisecond) // the loop ends with ctx
		}
	}
	return list
}

func TestNetflowListens(t *testing.T) {
	s, at := collecting(t)
	conn, err := net.DialUDP("udp", nil, at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	web := leg{src: "192.0.2.50", dst: "203.0.113.7", sport: 50001, dport: 443, proto: 6, flags: 0x1b, octets: 1200, packets: 9, from: 9 * time.Second}
	other := web
	other.dst = "203.0.113.8"
	for _, b := range [][]byte{v5(0, 0, web, web.turned(10)), v5(12, 100, other), []byte("junk")} {
		if _, err := conn.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	list := until(t, s, 2, 10*time.Second) // the other waits two seconds for its answer
	if got := len(counted(list)); got != 2 {
		t.Errorf("got %d flows, want 2: %v", got, list)
	}
	st := s.Stats()
	if st.Missing != 10 || st.Sampled != 100 {
		t.Errorf("got %d missing, one packet in %d, want 10 and 100", st.Missing, st.Sampled)
	}
	if cursor, err := s.Cursor(); cursor != nil || err != nil {
		t.Errorf("got cursor %q, %v, want none: what happens now happens once", cursor, err)
	}
	if err := s.Next(new(source.Record)); err != nil && !errors.Is(err, io.EOF) && !errors.As(err, new(*source.RecordError)) {
		t.Error(err)
	}
}

// A real exporter reads a capture and sends to us.
func TestNetflowOfSoftflowd(t *testing.T) {
	program, err := exec.LookPath("softflowd")
	if err != nil {
		t.Skip("softflowd is not installed")
	}
	capture := filepath.Join(t.TempDir(), "made.pcap")
	if err := os.WriteFile(capture, madeCapture(), 0o600); err != nil {
		t.Fatal(err)
	}
	want := []string{"udp 192.0.2.50 203.0.113.53:53 28+28", "tcp 192.0.2.50 203.0.113.7:443 160+540", "tcp 192.0.2.50 203.0.113.8:8443 120+0"}
	slices.Sort(want)
	for _, arguments := range []string{"-v 5", "-v 9", "-v 10", "-v 10 -A milli", "-v 10 -A micro", "-v 10 -A nano", "-v 10 -b", "-v 10 -b -A milli"} {
		t.Run(arguments, func(t *testing.T) {
			s, at := collecting(t)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			args := append([]string{"-d", "-r", capture, "-n", at.String(), "-c", "none", "-p", filepath.Join(t.TempDir(), "pid")}, strings.Fields(arguments)...)
			if out, err := exec.CommandContext(ctx, program, args...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			var got []string
			list := until(t, s, len(want), 8*time.Second)
			for _, f := range counted(list) {
				got = append(got, fmt.Sprintf("%v %v %v:%d %d+%d", f.Proto, f.Src, f.Dst, f.DstPort, f.Up, f.Down))
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q; all: %v", got, want, list)
			}
		})
	}
}

// madeCapture is a capture of three connections that a host began, and one that
// a stranger tried.
func madeCapture() []byte {
	b := glue([]byte{0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4}, make([]byte, 8), be32(1<<16), be32(101))
	at := exported.Add(-time.Minute)
	add := func(src, dst string, proto byte, body []byte) {
		at = at.Add(30 * time.Millisecond)
		ip := glue([]byte{0x45, 0}, be16(20+len(body)), []byte{0, 1, 0, 0, 64, proto, 0, 0}, raw(src), raw(dst), body)
		b = glue(b, be32(uint32(at.Unix())), be32(uint32(at.Nanosecond()/1000)), be32(uint32(len(ip))), be32(uint32(len(ip))), ip)
	}
	segment := func(from, to int, flags byte, size int) []byte {
		return glue(be16(from), be16(to), make([]byte, 8), []byte{0x50, flags}, make([]byte, 6+size))
	}
	const us, web, api = "192.0.2.50", "203.0.113.7", "203.0.113.8"
	add(us, "203.0.113.53", 17, glue(be16(40001), be16(53), be16(8), be16(0)))
	add("203.0.113.53", us, 17, glue(be16(53), be16(40001), be16(8), be16(0)))
	add(us, web, 6, segment(50001, 443, 2, 0))
	add(web, us, 6, segment(443, 50001, 0x12, 0))
	add(us, web, 6, segment(50001, 443, 0x10, 0))
	add(us, web, 6, segment(50001, 443, 0x18, 40))
	add(web, us, 6, segment(443, 50001, 0x18, 460))
	add("203.0.113.66", us, 6, segment(44444, 22, 2, 0))
	add(us, "203.0.113.66", 6, segment(22, 44444, 0x14, 0))
	for range 3 {
		add(us, api, 6, segment(50002, 8443, 2, 0)) // nobody answers
	}
	return b
}
