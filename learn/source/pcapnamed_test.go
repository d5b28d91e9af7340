package source_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tripline/learn/source"
)

const captures = "../../../shared/data/traffic/pcap/"

// readCapture returns all records of a capture, and its unreadable packets.
func readCapture(t testing.TB, path string, o source.StreamOptions) (list []source.Record, bad []*source.RecordError) {
	t.Helper()
	s, err := source.Find("pcap")
	if err != nil {
		t.Fatal(err)
	}
	st, err := source.Open(s, path, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close() //nolint:errcheck // it was only read
	for {
		var r source.Record
		err := st.Next(&r)
		var e *source.RecordError
		switch {
		case errors.Is(err, io.EOF):
			return list, bad
		case errors.As(err, &e):
			bad = append(bad, e)
		case err != nil:
			t.Logf("%s: %v", filepath.Base(path), err)
			return list, bad
		default:
			list = append(list, r)
		}
	}
}

// A namedFlow is a flow with the name that two other analysers give it.
type namedFlow struct {
	Pcap, Proto, Src, Dst, Kind, Name string
	SPort, DPort                      uint16
}

func (n *namedFlow) key() string { return tupleText(n.Proto, n.Src, n.SPort, n.Dst, n.DPort) }

// tupleText is the same for both directions.
func tupleText(proto, src string, sport uint16, dst string, dport uint16) string {
	a, b := fmt.Sprint(src, " ", sport), fmt.Sprint(dst, " ", dport)
	if netip.MustParseAddr(src).Compare(netip.MustParseAddr(dst)) > 0 || src == dst && sport > dport {
		a, b = b, a
	}
	return proto + " " + a + " " + b
}

// TestNamesAgreeWithOthers compares the names of flows with those that two other
// analysers agree on. Each disagreement has its reason in the table.
func TestNamesAgreeWithOthers(t *testing.T) {
	text, err := os.ReadFile(captures + "named.json")
	if err != nil {
		t.Skip("the named captures are not here")
	}
	var named struct{ Rows []namedFlow }
	if err := json.Unmarshal(text, &named); err != nil {
		t.Fatal(err)
	}
	names := map[string]map[string][]string{} // by capture and flow
	agree, total := 0, 0
	for _, n := range named.Rows {
		if names[n.Pcap] == nil {
			names[n.Pcap] = namesIn(t, captures+"named/"+n.Pcap)
		}
		total++
		got := names[n.Pcap][n.key()]
		if said(got, n.Name) {
			agree++
			continue
		}
		t.Logf("%s %s %s %s: got %q, want %q", n.Pcap, n.Kind, n.key(), "", got, n.Name)
	}
	t.Logf("%d of %d agree", agree, total)
}

// namesIn returns the names of the flows in a capture, and what was asked on
// them.
func namesIn(t *testing.T, path string) map[string][]string {
	names := map[string][]string{}
	list, _ := readCapture(t, path, source.StreamOptions{})
	for _, r := range list {
		k := tupleText(r.Proto.String(), r.Src.String(), r.SrcPort, r.Dst.String(), r.DstPort)
		switch {
		case r.Answer != nil:
			names[k] = append(names[k], r.Answer.Name)
		case r.Name != "":
			names[k] = append(names[k], r.Name)
		}
	}
	return names
}

// said says whether a name is among those of a flow. The others cut theirs.
func said(names []string, want string) bool {
	const cut = 79
	for _, n := range names {
		if n == want || len(want) >= cut-1 && strings.HasPrefix(n, want) {
			return true
		}
	}
	return false
}
