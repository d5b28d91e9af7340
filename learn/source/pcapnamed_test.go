package source_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"tripline/learn"
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
	defer st.Close()
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
	Pkts                              [2]int // each way
}

func (n *namedFlow) key() string { return tupleText(n.Proto, n.Src, n.SPort, n.Dst, n.DPort) }

// unnamed are the flows that have a name for others and none, or another, here.
var unnamed = map[string]string{
	"4in6tunnel.pcap tcp 10.10.10.1 443 192.168.0.1 64455":       "inside a tunnel: the network sees the tunnel",
	"quic-mvfst-22.pcap udp 10.0.2.15 35601 31.13.86.8 443":      "a draft of QUIC of 2019 that nobody speaks any more",
	"quic_t50.pcap udp 40.154.127.200 49836 166.240.188.209 443": "Google's QUIC before the standard",
	"quic_t51.pcap udp 187.227.136.152 55356 211.247.147.90 443": "Google's QUIC before the standard",
}

// outOfScope says why a flow of the list has no name that we would keep.
func (n *namedFlow) outOfScope() string {
	if _, err := netip.ParseAddr(n.Name); err == nil {
		return "its name is an address"
	}
	if n.Kind == "dns" && (n.Pkts[1] == 0 || n.Pkts[0] == 0) {
		return "a question without an answer"
	}
	return ""
}

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
	agree, scope := 0, 0
	var table disagreements
	for _, n := range named.Rows {
		if names[n.Pcap] == nil {
			names[n.Pcap] = namesIn(t, captures+"named/"+n.Pcap)
		}
		got := names[n.Pcap][n.key()]
		is := said(got, n.Name)
		if reason := n.outOfScope(); !is && reason != "" {
			table.add(&n, got, "out of scope: "+reason)
			continue
		}
		scope++
		reason := unnamed[n.Pcap+" "+n.key()]
		switch {
		case is:
			agree++
		case reason == "":
			reason = "unexplained"
			t.Errorf("%s %s %s: got %q, want %q", n.Pcap, n.Kind, n.key(), got, n.Name)
			fallthrough
		default:
			table.add(&n, got, reason)
		}
	}
	t.Logf("%d of %d flows in scope have the same name, %d are out of scope%s", agree, scope, len(named.Rows)-scope, table.text())
	if agree*100 < scope*98 {
		t.Errorf("%d of %d names agree, want 98 %%", agree, scope)
	}
}

// Disagreements are the flows whose name here is not that of the others.
type disagreements []string // lines of cells

func (d *disagreements) add(n *namedFlow, got []string, reason string) {
	ours := strings.Join(slices.Compact(slices.Sorted(slices.Values(got))), " ")
	if ours == "" {
		ours = "-"
	}
	*d = append(*d, strings.Join([]string{reason, n.Pcap, n.Kind, n.key(), learn.Printable(n.Name), learn.Printable(ours)}, "\t"))
}

// text is the table, by reason, below how many flows each reason has; it is for
// those who ask by -v.
func (d disagreements) text() string {
	if !testing.Verbose() || len(d) == 0 {
		return ""
	}
	slices.Sort(d)
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for i := 0; i < len(d); {
		reason, _, _ := strings.Cut(d[i], "\t")
		j := i
		for ; j < len(d) && strings.HasPrefix(d[j], reason+"\t"); j++ {
		}
		fmt.Fprintf(w, "%d\t%s\n", j-i, reason)
		i = j
	}
	w.Flush()
	fmt.Fprintln(w, "reason\tcapture\tkind\tflow\ttheir name\tour names")
	for _, line := range d {
		fmt.Fprintln(w, line)
	}
	w.Flush()
	return ":\n" + b.String()
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
