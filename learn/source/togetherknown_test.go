package source_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tripline/learn/source"
)

// connectionsIn reads all connections, and returns how many there are and all places
// that are to be kept.
func connectionsIn(t *testing.T, src source.Source, path string, known [][]byte) (n int, places [][]byte, s source.Stream) {
	t.Helper()
	s, err := source.Open(src, path, nil, source.StreamOptions{Options: home, Known: known, Keep: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var r source.Record
	for ; !errors.Is(err, io.EOF); err = s.Next(&r) {
		if err == nil && r.Counted {
			n++
		}
	}
	cursor, err := s.Cursor()
	if err != nil {
		t.Fatal(err)
	}
	left, err := s.Finished()
	if err != nil {
		t.Fatal(err)
	}
	return n, append(slices.Collect(maps.Values(left)), cursor), s
}

func found(t *testing.T, name string) source.Source {
	t.Helper()
	s, err := source.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCaptureReadAloneIsNotReadAgainTogether(t *testing.T) {
	path := okPcap(t).file(t, "first.pcap")
	log := filepath.Join(t.TempDir(), "filter.log")
	if err := os.WriteFile(log, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	pcap := found(t, "pcap")
	alone, places, _ := connectionsIn(t, pcap, path, nil)
	both, name := source.Together([]source.Input{{Source: found(t, "filterlog"), Path: log}, {Source: pcap, Path: path}})
	if n, _, _ := connectionsIn(t, both, name, nil); n != alone || n == 0 {
		t.Errorf("together: got %d connections, want %d", n, alone)
	}
	if n, _, _ := connectionsIn(t, both, name, places); n != 0 {
		t.Errorf("together, behind what was read alone: got %d connections, want none", n)
	}
}

func TestPlacesOfCapturesAreRelevantByAnyName(t *testing.T) {
	path, other := okPcap(t).file(t, "first.pcap"), newPcap()
	_, places, _ := connectionsIn(t, found(t, "pcap"), path, nil)
	other.udp("192.0.2.50:40000", "203.0.113.9:53", []byte("x"))
	for _, c := range []struct {
		path string
		want int
	}{{okPcap(t).file(t, "copy.pcap"), len(places)}, {other.file(t, "other.pcap"), 0}} {
		got, err := source.Relevant(c.path, places)
		if err != nil || len(got) != c.want {
			t.Errorf("%s: got %d places (%v), want %d", filepath.Base(c.path), len(got), err, c.want)
		}
	}
}

// Sources may see several connections with the same ends at the same time: those
// of ICMP, which have no ports.
func TestConnectionsWithTheSameEndsAreEachOne(t *testing.T) {
	dir := t.TempDir()
	var inputs []source.Input
	for i, late := range []time.Duration{0, 200 * time.Millisecond} {
		var lines []string
		at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC).Add(late)
		for _, step := range []time.Duration{1, 1, 1, 60, -30, 1} { // one is written late
			at = at.Add(step * time.Second)
			lines = append(lines, fmt.Sprintf(`{"timestamp":%q,"event_type":"flow","flow_id":%d,"src_ip":"192.0.2.50","dest_ip":"203.0.113.7","src_port":40000,"dest_port":443,"proto":"UDP","flow":{"pkts_toserver":1,"pkts_toclient":1,"bytes_toserver":9,"bytes_toclient":9,"start":%q}}`,
				at.Format("2006-01-02T15:04:05.000000-0700"), at.UnixNano(), at.Format("2006-01-02T15:04:05.000000-0700")))
		}
		path := filepath.Join(dir, fmt.Sprintf("%d.json", i))
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, source.Input{Source: found(t, "eve"), Path: path})
	}
	src, path := source.Together(inputs)
	n, _, s := connectionsIn(t, src, path, nil)
	if n != 6 {
		t.Errorf("got %d connections, want 6", n)
	}
	for _, c := range s.(interface{ Sighted() []source.Sighted }).Sighted() {
		if c.All != 6 || c.Alone != 0 {
			t.Errorf("%s: got %d connections, %d of them alone, want 6 and none", c.Source, c.All, c.Alone)
		}
	}
}
