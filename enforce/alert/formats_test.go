package alert_test

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"tripline/enforce"
	"tripline/enforce/alert"
	"tripline/learn"
)

// spite is text that tries to end a record, a field or a quotation of any format.
const spite = "a\"b\\c|d=e]f^g\r\nCEF:0|x|\tkey=value <b>&amp; \x1b[31m \u202e\u2028 \xff ' {\"tripline\":{}} rt=1 cs1=evil"

func spiteful() *enforce.Alert {
	return &enforce.Alert{
		ID: "3f9a2c", Event: "3f9a2c-new", Time: time.Date(2026, 11, 9, 10, 41, 17, 5e8, time.UTC), Last: time.Date(2026, 11, 9, 10, 41, 18, 0, time.UTC),
		Agent: "bot", Kind: enforce.Destination, Severity: enforce.High, Verdict: enforce.Unexpected, Status: enforce.StatusNew, Why: spite,
		Proto: "tcp", Src: "192.0.2.50", Dst: "203.0.113.9", Port: 443, Name: spite, Evidence: "sni", Action: "pass", Interface: spite,
		Owner:   enforce.Owner{Labels: []string{"aws/EC2"}, ASN: 64500, Org: spite},
		Nearest: &enforce.Nearest{Rule: spite, Why: spite}, Admit: &enforce.Admit{Command: spite, V4: 1}, Baseline: "b1", Count: 5_000_000_000,
		Process: &learn.Process{PID: 4242, Exe: spite, Args: []string{spite}, Parents: []string{spite}, Container: spite, Trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
	}
}

// whole is text as JSON gives it back: without what is no UTF-8.
func whole(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func record(t *testing.T, name string, a *enforce.Alert) string {
	t.Helper()
	var b strings.Builder
	if err := format(t, name).Write(&b, a); err != nil {
		t.Fatal(err)
	}
	line, ok := strings.CutSuffix(b.String(), "\n")
	if !ok || strings.ContainsAny(line, "\r\n") || line != learn.Printable(line) {
		t.Fatalf("%s: not one printable line: %q", name, b.String())
	}
	return line
}

func object(t *testing.T, name string, a *enforce.Alert) map[string]any {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal([]byte(record(t, name, a)), &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// at follows a path of keys.
func at(t *testing.T, v any, path string) any {
	t.Helper()
	for key := range strings.SplitSeq(path, "/") {
		switch x := v.(type) {
		case map[string]any:
			v = x[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(x) {
				t.Fatalf("%s: no element %q", path, key)
			}
			v = x[i]
		default:
			t.Fatalf("%s: %q is in no object", path, key)
		}
	}
	return v
}

func TestECSReadsBack(t *testing.T) {
	got := object(t, "ecs", spiteful())
	for path, want := range map[string]any{
		"@timestamp": "2026-11-09T10:41:18Z", "event/kind": "alert", "event/action": "destination", "event/severity": 73.0, "event/id": "3f9a2c-new",
		"event/type/1": "allowed", "event/reason": whole(spite), "rule/id": "destination.unexpected", "source/ip": "192.0.2.50", "destination/ip": "203.0.113.9",
		"destination/port": 443.0, "destination/domain": whole(spite), "destination/as/number": 64500.0, "destination/as/organization/name": whole(spite),
		"network/transport": "tcp", "network/direction": "egress", "gen_ai/agent/name": "bot", "process/pid": 4242.0, "process/args/0": whole(spite),
		"process/parent/executable": whole(spite), "container/id": whole(spite), "trace/id": "0af7651916cd43dd8448eb211c80319c",
		"tripline/verdict": "unexpected", "tripline/count": 5e9, "tripline/admit/command": whole(spite), "tripline/nearest/why": whole(spite), "tripline/id": "3f9a2c",
	} {
		if v := at(t, got, path); v != want {
			t.Errorf("%s: got %v, want %v", path, v, want)
		}
	}
}

// What an index of type ip cannot hold is left out, or it refuses the record.
func TestECSHasOnlyAddressesWhereTheyBelong(t *testing.T) {
	a := enforce.Finding("sensor_silent", enforce.Medium, time.Unix(1_800_000_000, 0), "", "/var/log/filter.log", "no record for 10 minutes")
	got := object(t, "ecs", a)
	for _, key := range []string{"source", "destination", "network", "gen_ai", "process"} {
		if got[key] != nil {
			t.Errorf("%s: got %v, want nothing", key, got[key])
		}
	}
	if v := at(t, got, "rule/name"); v != "Sensor silent" {
		t.Errorf("got %v", v)
	}
}

// What the stock decoder of Wazuh 4 does is said in wazuh.go.
func TestWazuhIsWhatItsDecoderTakes(t *testing.T) {
	line := record(t, "wazuh", spiteful())
	if !strings.HasPrefix(line, `{"srcip":"`) || len(line) > 64<<10 {
		t.Errorf("got %s", line)
	}
	statics := []string{"srcip", "dstip", "srcport", "dstport", "protocol", "action", "id"}
	for key, v := range object(t, "wazuh", spiteful()) {
		fields, own := v.(map[string]any)
		if own != (key == "tripline") || !own && !slices.Contains(statics, key) {
			t.Errorf("%s: %v at the root", key, v)
		}
		for name, v := range fields {
			if _, text := v.(string); !text {
				t.Errorf("tripline.%s: %v is no text", name, v)
			}
		}
	}
	got := object(t, "wazuh", spiteful())
	for path, want := range map[string]any{
		"dstport": "443", "tripline/schema": "1", "tripline/severity": "high", "tripline/count": "5000000000", "tripline/name": whole(spite), "tripline/kind": "destination",
	} {
		if v := at(t, got, path); v != want {
			t.Errorf("%s: got %v, want %v", path, v, want)
		}
	}
	long := spiteful()
	long.Name, long.Why, long.Interface, long.Owner.Org = strings.Repeat("x\xff", 1<<20), strings.Repeat("é", 1<<20), strings.Repeat("\n", 1<<20), strings.Repeat("\u202e", 1<<20)
	if line := record(t, "wazuh", long); len(line) > 64<<10 {
		t.Errorf("a line of %d bytes", len(line))
	}
}

func TestOCSFReadsBack(t *testing.T) {
	a := spiteful()
	a.Status = enforce.StatusResolved
	got := object(t, "ocsf", a)
	for path, want := range map[string]any{
		"class_uid": 2004.0, "category_uid": 2.0, "activity_id": 3.0, "type_uid": 200403.0, "severity_id": 4.0, "status_id": 4.0, "is_alert": true,
		"time": 1794220878000.0, "metadata/version": "1.8.0", "metadata/product/name": "tripline", "finding_info/uid": "3f9a2c", "finding_info/analytic/type_id": 2.0,
		"evidences/0/dst_endpoint/ip": "203.0.113.9", "evidences/0/dst_endpoint/hostname": whole(spite), "evidences/0/connection_info/direction_id": 2.0,
		"evidences/0/process/pid": 4242.0, "action_id": 1.0, "disposition_id": 1.0, "anomaly_analyses/0/baselines/0/observed_pattern": "b1",
	} {
		if v := at(t, got, path); v != want {
			t.Errorf("%s: got %v, want %v", path, v, want)
		}
	}
}

// readCEF is a reader of its own: it knows the specification, not the writer.
func readCEF(t *testing.T, line string) (header []string, fields map[string]string) {
	t.Helper()
	var field strings.Builder
	i := 0
	for ; i < len(line) && len(header) < 7; i++ {
		switch {
		case line[i] == '\\' && i+1 < len(line) && strings.ContainsRune(`\|`, rune(line[i+1])):
			i++
			field.WriteByte(line[i])
		case line[i] == '|':
			header = append(header, field.String())
			field.Reset()
		default:
			field.WriteByte(line[i])
		}
	}
	fields = map[string]string{}
	key, rest := "", line[i:]
	for rest != "" {
		// A key is the word before a "=" that is not escaped.
		eq := 0
		for eq < len(rest) && (rest[eq] != '=' || eq > 0 && escaped(rest[:eq])) {
			eq++
		}
		if eq == len(rest) {
			fields[key] = unescape(strings.TrimSuffix(rest, " "))
			break
		}
		space := strings.LastIndexByte(rest[:eq], ' ')
		if key != "" {
			if space < 0 {
				t.Fatalf("a second = in %s", rest)
			}
			fields[key] = unescape(rest[:space])
		}
		key, rest = rest[space+1:eq], rest[eq+1:]
		if _, twice := fields[key]; twice {
			t.Fatalf("%s is there twice", key)
		}
	}
	return header, fields
}

// escaped says whether what follows s is escaped.
func escaped(s string) bool { return (len(s)-len(strings.TrimRight(s, `\`)))%2 == 1 }

func unescape(s string) string { return strings.NewReplacer(`\\`, `\`, `\=`, `=`).Replace(s) }

func TestCEFReadsBack(t *testing.T) {
	header, fields := readCEF(t, record(t, "cef", spiteful()))
	if len(header) != 7 || header[0] != "CEF:0" || header[4] != "destination.unexpected" || header[6] != "8" {
		t.Errorf("header: got %q", header)
	}
	for key, want := range map[string]string{
		"src": "192.0.2.50", "dst": "203.0.113.9", "dpt": "443", "dhost": learn.Printable(spite), "reason": learn.Printable(spite), "proto": "TCP", "act": "pass",
		"cs1Label": "agent", "cs1": "bot", "cnt": "5000000000", "rt": "1794220878000", "externalId": "3f9a2c-new", "sproc": learn.Printable(spite),
	} {
		if fields[key] != want {
			t.Errorf("%s: got %q, want %q", key, fields[key], want)
		}
	}
	a := spiteful()
	a.Dst, a.Src = "2001:db8::9", "::ffff:192.0.2.50"
	if _, fields = readCEF(t, record(t, "cef", a)); fields["c6a3"] != "2001:db8::9" || fields["dst"] != "" || fields["src"] != "192.0.2.50" {
		t.Errorf("IPv6: got %v", fields)
	}
}

func TestLEEFReadsBack(t *testing.T) {
	parts := strings.SplitN(record(t, "leef", spiteful()), "|", 7)
	if len(parts) != 7 || parts[0] != "LEEF:2.0" || parts[4] != "destination.unexpected" || parts[5] != "^" {
		t.Fatalf("got %q", parts)
	}
	fields := map[string]string{}
	for field := range strings.SplitSeq(parts[6], "^") {
		key, value, ok := strings.Cut(field, "=")
		if _, twice := fields[key]; twice || !ok {
			t.Fatalf("field %q", field)
		}
		fields[key] = value
	}
	for key, want := range map[string]string{
		"src": "192.0.2.50", "dst": "203.0.113.9", "dstPort": "443", "sev": "8", "agent": "bot", "identHostName": strings.ReplaceAll(learn.Printable(spite), "^", "~"),
	} {
		if fields[key] != want {
			t.Errorf("%s: got %q, want %q", key, fields[key], want)
		}
	}
}

// FuzzFormats holds every format to one printable record, whatever the text.
func FuzzFormats(f *testing.F) {
	f.Add(spite, "203.0.113.9", uint16(443))
	f.Add("", "", uint16(0))
	f.Add("\\", "fe80::1%eth0", uint16(1))
	f.Add("=|^\\|=", "::ffff:192.0.2.1", uint16(65535))
	f.Fuzz(func(t *testing.T, text, dst string, port uint16) {
		a := spiteful()
		a.Name, a.Why, a.Owner.Org, a.Agent, a.Dst, a.Port, a.Process.Exe = text, text, text, text, dst, port, text
		for _, name := range []string{"ecs", "json", "ocsf", "wazuh"} {
			object(t, name, a)
		}
		if ip, ok := at(t, object(t, "ecs", a), "destination").(map[string]any)["ip"].(string); ok {
			if _, err := netip.ParseAddr(ip); err != nil {
				t.Errorf("%q is no address", ip)
			}
		}
		if _, fields := readCEF(t, record(t, "cef", a)); strings.TrimSuffix(fields["dhost"], " ") != strings.TrimSuffix(learn.Printable(text), " ") {
			t.Errorf("dhost: got %q, want %q", fields["dhost"], learn.Printable(text))
		}
		if n := strings.Count(record(t, "leef", a), "|"); n < 6 {
			t.Errorf("leef: %d separators", n)
		}
		m := alert.Message{Alerts: []*enforce.Alert{a}}
		if title := m.Title(); title != learn.Printable(title) || !utf8.ValidString(title) {
			t.Errorf("title: %q", title)
		}
		for _, limit := range []int{100, 4000} {
			if body := m.Body(limit); len(body) > limit+100 || !utf8.ValidString(body) {
				t.Errorf("body of %d bytes for %d: %q", len(body), limit, body)
			}
		}
	})
}

func TestMessageForPeople(t *testing.T) {
	var m alert.Message
	for i := range 25 {
		a := spiteful()
		a.Name, a.Agent, a.Dst = "", []string{"bot", "web"}[i%2], "203.0.113."+strconv.Itoa(i)
		a.Verdict, a.Severity = enforce.Unexpected, enforce.High
		if i == 20 {
			a.Verdict, a.Severity = enforce.Forbidden, enforce.Critical
		}
		m.Alerts = append(m.Alerts, a)
	}
	if got, want := m.Title(), "25 findings of bot, web: 203.0.113.20:443, 203.0.113.0:443, 203.0.113.1:443, ..."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	body := m.Body(64 << 10)
	if n := strings.Count(body, "nearest rule"); n != 10 || !strings.HasPrefix(body, "forbidden ") || !strings.HasSuffix(body, "\nand 15 more; see \"tripline alerts ls\"") {
		t.Errorf("%d in full:\n%s", n, body)
	}
	m.Alerts = m.Alerts[:1]
	if got, want := m.Title(), "unexpected: bot: 203.0.113.0:443"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
