package source_test

import (
	"encoding/json"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"

	"tripline/learn/source"
)

// A zeekConn is a line of an expected conn.log.
type zeekConn struct {
	tuple  string
	server string
	bytes  [2]string // of IP; "" where the log has none
}

// zeekConns reads a conn.log in TSV.
func zeekConns(t *testing.T, path string) (list []zeekConn) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if cells[0] == "#fields" {
			at = map[string]int{}
			for i, name := range cells[1:] {
				at[name] = i
			}
		}
		cell := func(name string) string {
			if i, ok := at[name]; ok && i < len(cells) && cells[i] != "-" {
				return cells[i]
			}
			return ""
		}
		proto, sport, dport := cell("proto"), port(cell("id.orig_p")), port(cell("id.resp_p"))
		if line[0] == '#' || proto != "tcp" && proto != "udp" || sport < 0 || dport < 0 {
			continue
		}
		list = append(list, zeekConn{
			tuple:  tupleText(proto, cell("id.orig_h"), uint16(sport), cell("id.resp_h"), uint16(dport)),
			server: netip.MustParseAddr(cell("id.resp_h")).String() + " " + cell("id.resp_p"),
			bytes:  [2]string{cell("orig_ip_bytes"), cell("resp_ip_bytes")},
		})
	}
	return list
}

func port(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return n
}

// otherwise are the logs in which Zeek says something else, and why.
var otherwise = map[string]string{
	"core.pcap.dynamic-filter":         "Zeek was told to leave packets out",
	"core.pcap.read-trace-with-filter": "Zeek was told to leave packets out",
	"netcontrol.packetfilter":          "Zeek was told to leave packets out",
	"core.radiotap":                    "frames of a wireless network are not decoded",
	"core.skip_analyzer":               "inside a tunnel",
	"core.erspan":                      "inside a tunnel",
	"core.tunnels":                     "inside a tunnel",
	"logging.field-extension":          "one packet, SYN+ACK: Zeek takes its sender for the client",
	"ntp.misordered-ntp":               "both ports are 123: Zeek reads the mode in the message",
	"ssh.half-duplex-client":           "Zeek splits a connection of which it sees one side",
	"ldap.sasl-signed-clear-2":         "the card was to cut a packet, its header has no length: Zeek counts it as empty",
}

// TestFlowsAgreeWithZeek compares connections, who their server is, and their
// bytes, with what Zeek is expected to make of the same captures. What Zeek finds
// inside of tunnels is not compared: the network sees the tunnel.
func TestFlowsAgreeWithZeek(t *testing.T) {
	text, err := os.ReadFile(captures + "zeek/index.json")
	if err != nil {
		t.Skip("the captures with Zeek's logs are not here")
	}
	var index []struct{ Pcap, Log, Expected string }
	if err := json.Unmarshal(text, &index); err != nil {
		t.Fatal(err)
	}
	found, total, server, same, sized := 0, 0, 0, 0, 0
	for _, x := range index {
		if x.Log != "conn.log" || saysOtherwise(x.Expected) {
			continue
		}
		flows := map[string][]source.Record{}
		list, _ := readCapture(t, captures+"zeek/"+x.Pcap, source.StreamOptions{})
		for _, r := range list {
			if r.Answer == nil && r.Proto.HasPorts() {
				k := tupleText(r.Proto.String(), r.Src.String(), r.SrcPort, r.Dst.String(), r.DstPort)
				flows[k] = append(flows[k], r)
			}
		}
		for _, c := range zeekConns(t, captures+"zeek/"+x.Expected) {
			total++
			all := flows[c.tuple]
			if len(all) == 0 {
				t.Errorf("%s: no flow %s", x.Expected, c.tuple)
				continue
			}
			r := all[0]
			flows[c.tuple] = all[1:]
			found++
			if r.Dst.String()+" "+strconv.Itoa(int(r.DstPort)) == c.server {
				server++
			} else {
				t.Errorf("%s: %s: server %v, want %s", x.Expected, c.tuple, r.Dst, c.server)
			}
			if c.bytes[0] == "" {
				continue
			}
			sized++
			if strconv.FormatUint(r.Up, 10) == c.bytes[0] && strconv.FormatUint(r.Down, 10) == c.bytes[1] {
				same++
			} else {
				t.Errorf("%s: %s: %d up, %d down, want %s and %s", x.Expected, c.tuple, r.Up, r.Down, c.bytes[0], c.bytes[1])
			}
		}
	}
	t.Logf("%d of %d connections found, %d with the same server, %d of %d with the same bytes", found, total, server, same, sized)
}

func saysOtherwise(path string) bool {
	for part := range otherwise {
		if strings.Contains(path, part) {
			return true
		}
	}
	return false
}
