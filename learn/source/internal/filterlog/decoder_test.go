package filterlog_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tripline/learn/source/internal/filterlog"
	"tripline/learn/source/internal/scan"
)

const (
	udp = "5,,,1700000001,em1,match,pass,in,4,0x0,,64,1234,0,DF,17,udp,48,192.0.2.10,198.51.100.7,50000,53,28"
	tcp = "5,,,1700000001,em1,match,pass,in,4,0x0,,64,1234,0,DF,6,tcp,60,192.0.2.10,198.51.100.7,51000,443,0,S,1960648610,,64240,,mss;sackOK;TS"
)

var (
	spring = time.Date(2026, time.March, 28, 12, 0, 0, 0, time.UTC)
	newest = time.Date(2026, time.March, 29, 0, 0, 0, 0, time.UTC)
)

func decode(t *testing.T, line string) filterlog.Line {
	t.Helper()
	var l filterlog.Line
	if err := filterlog.New(nil).Decode([]byte(line), newest, &l); err != nil {
		t.Fatalf("%v in %q", err, line)
	}
	return l
}

func TestAllNineHeaders(t *testing.T) {
	for _, header := range []string{
		"Mar 28 12:00:00 fw filterlog[64952]: ",
		"Mar 28 12:00:00 fw filterlog: ",
		"<134>Mar 28 12:00:00 filterlog[64952]: ",
		"<134>1 2026-03-28T12:00:00.000000+00:00 fw.example.com filterlog 64952 - - ",
		"<134>1 2026-03-28T13:00:00+01:00 fw.example.com filterlog 64952 - [meta sequenceId=\"17\"] ",
		"<134>Mar 28 12:00:00 fw.example.com filterlog[64952]: ",
		"<134>Mar 28 12:00:00 fw.example.com filterlog: ",
		"2026-03-28T07:00:00-05:00 fw filterlog[64952]: ",
		"2026-03-28T12:00:00Z fw filterlog: ",
		"2026-03-28T12:00:00\tInformational\tfilterlog\t ",
		"\xef\xbb\xbf2026-03-28T12:00:00\tInformational\tfilterlog\t ",
		"",
		"filterlog[64952]: ",
		"<134>filterlog: ",
		"<134>1 - fw.example.com filterlog - - - ",
		"<134>1 2026-03-28T12:00:00Z fw filterlog - - [a b=\"]\\\" [\"][c] \xef\xbb\xbf",
		"<134>1 2026-03-28T12:00:00Z fw filterlog[64952]: ",
		"<134>2026-03-28T12:00:00Z fw filterlog[64952]: ",
		"Mar 28 12:00:00 filterlog filterlog[64952]: ",
	} {
		l := decode(t, header+udp+"\r")
		if !l.Timeless && !l.Time.Equal(spring) {
			t.Errorf("%q: got time %v, want %v", header, l.Time, spring)
		}
		if l.Dst != netip.MustParseAddr("198.51.100.7") || l.DstPort != 53 || l.Rule != 5 {
			t.Errorf("%q: got %+v", header, l)
		}
	}
}

func TestRefusalsHaveACause(t *testing.T) {
	const bsd = "Mar 28 12:00:00 fw "
	for _, c := range []struct {
		line  string
		field string
		cause scan.Cause
	}{
		{"", "", scan.NotALog},
		{"<html>", "", scan.NotALog},
		{"nothing: of ours", "", scan.NotALog},
		{bsd + "newsyslog[9]: logfile turned over due to size>500K", "", scan.OtherProgram},
		{"<13>1 2026-03-28T12:00:00Z fw sshd 1 - - hello", "", scan.OtherProgram},
		{"2026-03-28T12:00:00\tNotice\tsshd\t hello", "", scan.OtherProgram},
		{"<134>1 2026-02-30T12:00:00Z fw filterlog 1 - - " + udp, "time", scan.BadTime},
		{bsd + "filterlog[1]:", "header", scan.CutShort},
		{"<134>1 2026-03-28T12:00:00Z fw filterlog 1 - [meta", "header", scan.CutShort},
		{"Mar 32 12:00:00 fw filterlog: " + udp, "", scan.NotALog},
		{"a\x00b", "", scan.Binary},
		{strings.Replace(udp, "198.51.100.7", "198.51.100.700", 1), "dstip", scan.BadAddress},
		{strings.Replace(udp, "192.0.2.10", "192.0.2.1%0", 1), "srcip", scan.BadAddress},
		{strings.Replace(udp, ",53,", ",65536,", 1), "dstport", scan.BadNumber},
		{strings.Replace(udp, ",53,", ",domain,", 1), "dstport", scan.BadNumber},
		{strings.Replace(udp, ",0,DF", ",-1,DF", 1), "offset", scan.BadNumber},
		{strings.Replace(udp, ",em1,", ",em\x1b[2J,", 1), "realint", scan.BadText},
		{strings.Replace(udp, ",4,", ",5,", 1), "version", scan.BadVersion},
		{"5,,,1,em1,match,block,in,4,bad-hlen=16),", "", scan.NoAddresses},
		{"5,,,1,em1,match,block,in,4, IP(truncated-ip 3) ", "", scan.NoAddresses},
		{"5,,,1,em1,match,block,in,6,truncated-ip6=30,", "", scan.NoAddresses},
		{"[|pflog]", "", scan.NotALog},
		{bsd + "filterlog[1]: [|pflog]", "", scan.NotALog},
	} {
		var l filterlog.Line
		err := filterlog.New(nil).Decode([]byte(c.line), newest, &l)
		if err == nil || err.Cause != c.cause || err.Field != c.field {
			t.Errorf("%q: got %v, want %q about %q", c.line, err, c.cause, c.field)
		}
		if l != (filterlog.Line{}) {
			t.Errorf("%q: a line came with the error: %+v", c.line, l)
		}
	}
}

// A forwarded message may be cut anywhere. What is read of it must be right.
func TestACutLineIsNeverHalfRead(t *testing.T) {
	for _, whole := range []string{udp, tcp} {
		want := decode(t, whole)
		for n := range len(whole) {
			var l filterlog.Line
			if filterlog.New(nil).Decode([]byte(whole[:n]), newest, &l) != nil {
				continue
			}
			if l.Dst != want.Dst || l.DstPort != want.DstPort || l.SrcPort != want.SrcPort {
				t.Errorf("%q: got %v port %d, want %v port %d", whole[:n], l.Dst, l.DstPort, want.Dst, want.DstPort)
			}
			if l.Flags != want.Flags && !l.BadData {
				t.Errorf("%q: got flags %q, want %q or none known", whole[:n], l.Flags, want.Flags)
			}
		}
	}
}

const v6 = "5,,,1700000001,em1,match,block,in,6,0x00,0x12345,64,"

func TestTransportOfEachProtocol(t *testing.T) {
	const (
		v4  = "5,,,1700000001,em1,match,block,in,4,0x0,,64,1,0,DF,"
		ips = "192.0.2.10,198.51.100.7,"
		six = "2001:db8::10,2001:db8:1::7,"
	)
	for _, c := range []struct {
		line string
		want filterlog.Line
	}{
		{v4 + "1,icmp,84," + ips + "request,5113,6664", filterlog.Line{Proto: 1, ICMP: "request", ICMPID: 5113, Seq: 66, HasSeq: true, DataLength: 64}},
		{v4 + "1,icmp,84," + ips + "request,0,064", filterlog.Line{Proto: 1, ICMP: "request", HasSeq: true, DataLength: 64}},
		{v4 + "1,icmp,60," + ips + "router solicitation40", filterlog.Line{Proto: 1, ICMP: "router solicitation", DataLength: 40}},
		{v4 + "1,icmp,60," + ips + "routeradv1:06,19,249,40", filterlog.Line{Proto: 1, ICMP: "routeradv", DataLength: 40}},
		{v4 + "1,icmp,84," + ips + "datalength=64,echoreq,0,5113,66,", filterlog.Line{Proto: 1, ICMP: "echoreq", ICMPID: 5113, Seq: 66, HasSeq: true, DataLength: 64}},
		{v4 + "1,icmp,84," + ips + "datalength=64", filterlog.Line{Proto: 1, DataLength: 64}},
		{v4 + "50,esp,60," + ips + "datalength=40 ", filterlog.Line{Proto: 50, DataLength: 40}},
		{v4 + "112,carp,56," + ips + "advertise,64,7,2,100,1", filterlog.Line{Proto: 112}},
		{v4 + "4,ipencap,60," + ips + "IPV4-IN-IPV4,", filterlog.Line{Proto: 4}},
		{v4 + "132,sctp,52," + ips + "3000,5000,20", filterlog.Line{Proto: 132, SrcPort: 3000, DstPort: 5000, DataLength: 20}},
		{v6 + "SCTP,132,32," + six + "3000,5000,200,0,4294967276", filterlog.Line{Proto: 132, SrcPort: 3000, DstPort: 5000}},
		{v6 + "ICMPv6,58,64," + six, filterlog.Line{Proto: 58}},
		{v6 + "Options,0,36," + six + "HBH,RTALERT,0x0000,PADN,", filterlog.Line{Proto: 58}},
		{v6 + "Options,0,36," + six + "HBH,HOMEADDR, 2001:db8::1,TYPE,0x1f,4,PADN,50000,53,28", filterlog.Line{Proto: 17, SrcPort: 50000, DstPort: 53, DataLength: 28}},
		{v6 + "unknown,60,48," + six + "DSTOPT,PADN,51000,443,0,S,7,,64240,,mss", filterlog.Line{Proto: 6, SrcPort: 51000, DstPort: 443, Flags: "S", Seq: 7, HasSeq: true}},
		{v6 + "Routing,43,64," + six + "2,0,1,0x0,0, 2001:db8::951000,443,0,S,7,,64240,,mss", filterlog.Line{Proto: 6, DstPort: 443, Flags: "S", Seq: 7, HasSeq: true}},
		{v6 + "Routing,43,64," + six + "2,4,1,TRUNC,[|srcrt],", filterlog.Line{Proto: 43, BadData: true}},
		{v6 + "Fragment,44,80," + six + "FRAG6, 0x0000002a:1|72,", filterlog.Line{Proto: 44}},
		{v6 + "Fragment,44,80," + six + "FRAG6, 0x0000002a:200|64,", filterlog.Line{Proto: 44, Offset: 200}},
		{v6 + "Mobility,135,40," + six + "MOBILITY,BRR,", filterlog.Line{Proto: 135}},
		{v6 + "icmp,1,76," + six + "truncated-ip6=76", filterlog.Line{Proto: 1, BadData: true}},
		{v6 + "esp,50,40," + six + "INVALIDOPT", filterlog.Line{Proto: 50, BadData: true}},
		{v4 + "6,tcp,60," + ips + "errormsg='tcp 28 [bad hdr length 12 - too short < 20]',", filterlog.Line{Proto: 6, BadData: true}},
		{v4 + "6,tcp,60," + ips + "51000,443,-20,S,errormsg='[bad hdr length 60 - too long, > 40]',", filterlog.Line{Proto: 6, SrcPort: 51000, DstPort: 443, DataLength: -20, Flags: "S", BadData: true}},
		{v4 + "6,tcp,140," + ips + "51000,443,100,PA,10:110,5,64240,,", filterlog.Line{Proto: 6, SrcPort: 51000, DstPort: 443, DataLength: 100, Flags: "PA", Seq: 10, HasSeq: true}},
	} {
		l := decode(t, c.line)
		got := filterlog.Line{
			Proto: l.Proto, SrcPort: l.SrcPort, DstPort: l.DstPort, Offset: l.Offset, DataLength: l.DataLength,
			Flags: l.Flags, Seq: l.Seq, HasSeq: l.HasSeq, ICMP: l.ICMP, ICMPID: l.ICMPID, BadData: l.BadData,
		}
		if diff := cmp.Diff(c.want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.line, diff)
		}
	}
}

func TestRuleLabelBehindTheValues(t *testing.T) {
	const label = "02f4bab031b57d1e30553ce08e0ec131"
	old := strings.Replace(udp, "1700000001", "0", 1) + "," + label
	if l := decode(t, old); l.Tracker != label || l.DstPort != 53 || l.DataLength != 28 {
		t.Errorf("got tracker %q port %d length %d", l.Tracker, l.DstPort, l.DataLength)
	}
	if l := decode(t, udp+","+label); l.Tracker != "1700000001" {
		t.Errorf("got tracker %q, want the line's own", l.Tracker)
	}
}

func TestACutPacketShiftsNothing(t *testing.T) {
	for _, text := range []string{"error='truncated-ip 1452 bytes missing!',", "truncated-ip=1500,"} {
		l := decode(t, strings.Replace(udp, ",4,", ",4,"+text, 1))
		if l.Proto != 17 || l.DstPort != 53 {
			t.Errorf("%s: got %+v", text, l)
		}
	}
	l := decode(t, v6+"udp,17,48,2001:db8::10,2001:db8:1::7,50000,53,28")
	if l.Version != 6 || l.DstPort != 53 {
		t.Errorf("got %+v", l)
	}
}

func TestNoRuleNumber(t *testing.T) {
	for _, number := range []string{"", "4294967295"} {
		if l := decode(t, number+strings.TrimPrefix(udp, "5")); l.Rule != -1 {
			t.Errorf("%q: got rule %d, want -1", number, l.Rule)
		}
	}
}

func TestDecodingAllocatesNothing(t *testing.T) {
	d := filterlog.New(nil)
	lines := [][]byte{
		[]byte("Mar 28 12:00:00 fw filterlog[1]: " + tcp),
		[]byte("<134>1 2026-03-28T12:00:00.000001Z fw filterlog 1 - - " + strings.Replace(udp, "em1", "em2", 1)),
		[]byte("<134>1 2026-03-28T12:00:00+02:00 fw filterlog 1 - [meta sequenceId=\"1\"] " + v6 + "tcp,6,40,2001:db8::10,2001:db8:1::7,1,2,0,S,1,,1,,"),
	}
	var l filterlog.Line
	if n := testing.AllocsPerRun(100, func() {
		for _, line := range lines {
			if d.Decode(line, newest, &l) != nil {
				t.Fatal("refused")
			}
		}
	}); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, line := range map[string]string{
		"D": "<134>1 2026-03-28T12:00:00.123456-05:00 fw.example.com filterlog 64952 - - " + tcp + ";nop;wscale",
		"E": "<134>1 2026-03-28T12:00:00+02:00 fw.example.com filterlog 64952 - [meta sequenceId=\"17\"] " + tcp + ";nop;wscale",
		"A": "Mar 28 12:00:00 fw filterlog[64952]: " + tcp + ";nop;wscale",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(line)))
			d, text := filterlog.New(nil), []byte(line)
			var l filterlog.Line
			for b.Loop() {
				if err := d.Decode(text, newest, &l); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}
