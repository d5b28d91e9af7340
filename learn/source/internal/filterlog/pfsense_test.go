package filterlog_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tripline/learn/source/internal/filterlog"
	"tripline/learn/source/internal/scan"
)

// samples is where lines from the world are kept, beside the tree. They are read
// and never copied.
const samples = "../../../../../shared/data/filterlog"

// written is when all of them were.
var written = time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)

// A difference is a place where pfSense's own parser is known to be wrong, or
// less exact, and how it is recognised.
type difference struct {
	fields string // of pfSense's answer, space-separated; "*" is any
	line   string // expression that such lines match
	theirs string // expression that such answers match
	why    string
}

var differences = []difference{
	{"rulenum", `\[meta sequenceId=`, `^sequenceId="\d+"\] `, "the structured data of RFC 5424 contains a blank"},
	{"*", `,[46],truncated-ip6?=\d+,0x`, ``, "OPNsense's word for a cut packet shifts its columns"},
	{"version ttl hlim", `,(112,(carp|vrrp)|carp,112),`, ``, "values of CARP overwrite those of IP"},
	{"seq", `,\d+:\d+,`, `:`, "start and end of the data, of which the start is the number"},
	{"protoid", `,(Options,0|unknown,60|Routing,43),`, `^(0|43|60)$`, "the first extension header, not the transport"},
	{"srcport dstport datalen", `,6,tcp,.*errormsg=`, `^(errormsg=.*|)$`, "a text stands where the ports would"},
	{"srcport dstport datalen", `,datalength=\d+$`, `^(datalength=.*|)$`, "OPNsense logs no ports of SCTP"},
	{"srcport dstport datalen", `,[1-9]\d*,(none|\+|DF|rsvd),\d+,\w+,\d+,[^,]*,[^,]*,$`, `^$`, "a later fragment has no ports"},
	{"icmp_type", `,datalength=\d+`, `^datalength=`, "OPNsense writes the length first"},
	{"icmp_type", `,icmp,\d+,[^,]*,[^,]*,routeradv`, `^routeradv\d`, "the lifetime is glued to the type"},
	{"icmp_type icmp_seq", `,1,icmp,\d+,`, `\d$`, "the payload length is glued to the last value"},
	{"srcport dstport datalen", `,SCTP,132,`, ``, "what follows the ports of SCTP is garbage"},
	{"time", `^\w+ +\d+ [\d:]+ filterlog\[`, `^\w+ +\d+$`, "without a host, the clock is taken for one"},
}

// Refused are the lines that pfSense reads and this decoder does not.
var refused = []difference{
	{"", `pfsense\.local0\.info: \{"host"`, ``, "JSON around a line, none of the nine forms"},
	{"", `,(tcp|udp|6),(\d+,)?$`, ``, "made up by hand and cut before the addresses"},
}

func TestReadsWhatPfSenseReads(t *testing.T) {
	for _, file := range sampleFiles(t) {
		compare(t, file, ".pf.json", true)
	}
}

// Lines whose header pfSense refuses were given one it accepts.
func TestReadsValuesAsPfSenseDoes(t *testing.T) {
	for _, file := range sampleFiles(t) {
		compare(t, file, ".pfcsv.json", false)
	}
}

// A difference that no sample shows any more is a claim without evidence.
func TestEveryDifferenceIsMet(t *testing.T) {
	TestReadsWhatPfSenseReads(t)
	TestReadsValuesAsPfSenseDoes(t)
	for _, d := range append(differences, refused...) {
		if !met[d.why+d.line] {
			t.Errorf("%s: no sample shows that %s", d.line, d.why)
		}
	}
}

func sampleFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(samples + "/*.log")
	if err != nil || len(files) == 0 {
		t.Skip("no samples in " + samples)
	}
	return files
}

func compare(t *testing.T, file, ext string, times bool) {
	t.Helper()
	d := filterlog.New(time.UTC)
	answers := readLines(t, strings.TrimSuffix(file, ".log")+ext)
	for i, line := range readLines(t, file) {
		var theirs map[string]any
		if err := json.Unmarshal(answers[i], &theirs); err != nil {
			t.Fatal(err)
		}
		if theirs == nil {
			continue
		}
		var l filterlog.Line
		if err := d.Decode(line, written, &l); err != nil {
			if !known(refused, "", string(line), "") {
				t.Errorf("%s%s:%d: got %v, pfSense reads %v\n%s", filepath.Base(file), ext, i+1, err, theirs, line)
			}
			continue
		}
		for _, wrong := range differ(theirs, &l, string(line), times) {
			t.Errorf("%s%s:%d: %s\n%s", filepath.Base(file), ext, i+1, wrong, line)
		}
	}
}

func readLines(t *testing.T, file string) [][]byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSuffix(b, []byte("\n")), []byte("\n"))
}

// differ lists what pfSense gives otherwise and is not known to be wrong about.
func differ(theirs map[string]any, l *filterlog.Line, line string, times bool) (wrong []string) {
	mine := words(l)
	if times {
		mine["time"] = l.Time.Format(time.Stamp)
	}
	for field, m := range mine {
		s, ok := theirs[field].(string)
		if !ok {
			continue
		}
		if field == "time" {
			s = stampOf(s)
		}
		if m != s && !known(differences, field, line, s) {
			wrong = append(wrong, field+": got "+strconv.Quote(m)+", pfSense says "+strconv.Quote(s))
		}
	}
	return wrong
}

// stampOf brings both of pfSense's forms of a time into one, in UTC.
func stampOf(s string) string {
	if t, err := time.Parse("2006-01-02 15:04:05Z07:00", s); err == nil {
		return t.UTC().Format(time.Stamp)
	}
	if t, err := time.Parse("Jan 2 15:04:05", s); err == nil {
		return t.Format(time.Stamp)
	}
	return s
}

func known(list []difference, field, line, theirs string) bool {
	for _, d := range list {
		if d.fields != "*" && !strings.Contains(" "+d.fields+" ", " "+field+" ") {
			continue
		}
		if matches(d.line, line) && matches(d.theirs, theirs) {
			met[d.why+d.line] = true
			return true
		}
	}
	return false
}

// Met are the differences that were needed, by why and line.
var met = map[string]bool{}

var compiled = map[string]*regexp.Regexp{}

func matches(expression, s string) bool {
	if compiled[expression] == nil {
		compiled[expression] = regexp.MustCompile(expression)
	}
	return compiled[expression].MatchString(s)
}

// words is a line in the words of pfSense.
func words(l *filterlog.Line) map[string]string {
	m := map[string]string{
		"anchor": l.Anchor, "tracker": l.Tracker, "realint": l.Interface,
		"reason": l.Reason, "act": l.Act, "direction": l.Direction,
		"version": decimal(l.Version), "protoid": decimal(l.Proto), "length": decimal(l.Length),
		"srcip": l.Src.String(), "dstip": l.Dst.String(),
		"srcport": decimal(l.SrcPort), "dstport": decimal(l.DstPort),
		"datalen": strconv.FormatInt(l.DataLength, 10), "tcpflags": l.Flags,
	}
	if l.Rule >= 0 {
		m["rulenum"] = strconv.FormatInt(l.Rule, 10)
	}
	if l.Version == 4 {
		m["ttl"], m["id"] = decimal(l.TTL), decimal(l.ID)
		m["offset"], m["flags"] = decimal(l.Offset), l.Frag
	} else {
		m["hlim"] = decimal(l.TTL)
	}
	addSequence(m, l)
	return m
}

func addSequence(m map[string]string, l *filterlog.Line) {
	switch {
	case l.ICMP != "" && l.HasSeq:
		m["icmp_type"], m["icmp_id"], m["icmp_seq"] = l.ICMP, decimal(l.ICMPID), decimal(l.Seq)
	case l.ICMP != "":
		m["icmp_type"] = l.ICMP
	case l.HasSeq:
		m["seq"] = decimal(l.Seq)
	}
}

func decimal[T ~uint8 | ~uint16 | ~uint32](n T) string {
	return strconv.FormatUint(uint64(n), 10)
}

// A fate is what becomes of the lines of a file. A change here is a change of
// what is read: look at the lines before changing a figure.
type fate map[scan.Cause]int

var (
	read1     = fate{"": 1}
	catalogue = fate{"": 180, scan.NoAddresses: 5, scan.BadVersion: 1}
	fates     = map[string]fate{
		"SEKOIA-IO_intake-formats.log":                  {"": 12},
		"Security-Onion-Solutions_securityonion.log":    read1,
		"allddd_opnsense-filterlog.log":                 {"": 39},
		"analyst3292_docker-pfsense-fek.log":            {"": 11},
		"crowdsecurity_hub.log":                         {"": 42},
		"elastic_integrations_opnsense.log":             {"": 4, scan.OtherProgram: 1},
		"elastic_integrations_pfsense_bsd.log":          {"": 17},
		"elastic_integrations_pfsense_syslog.log":       {"": 13},
		"forum_issue_excerpts.log":                      {"": 45, scan.NotALog: 1},
		"gen_opnsense_catalogue.log":                    catalogue,
		"gen_opnsense_oldicmp.log":                      catalogue,
		"gen_opnsense_random.log":                       {"": 400},
		"gen_pfsense_catalogue.log":                     catalogue,
		"gen_pfsense_catalogue_rfc5424.log":             catalogue,
		"gen_pfsense_random.log":                        {"": 400},
		"gensecaihq_pfsense-mcp-server.log":             {"": 4, scan.CutShort: 3},
		"jcustenborder_kafka-connect-transform-cef.log": read1,
		"privacyOG_Pfsense-Manager.log":                 {scan.CutShort: 4},
		"splunk_splunk-connect-for-syslog.log":          {"": 1, scan.CutShort: 1},
		"wazuh_wazuh-ruleset.log":                       read1,
	}
)

func TestEverySampleLineIsReadOrRefusedForAReason(t *testing.T) {
	for _, file := range sampleFiles(t) {
		d, got := filterlog.New(time.UTC), fate{}
		for _, line := range readLines(t, file) {
			var l filterlog.Line
			if err := d.Decode(line, written, &l); err != nil {
				got[err.Cause]++
				continue
			}
			got[""]++
		}
		if diff := cmp.Diff(fates[filepath.Base(file)], got); diff != "" {
			t.Errorf("%s: lines by cause, \"\" is read (-want +got):\n%s", filepath.Base(file), diff)
		}
	}
}
