package alert

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"tripline/enforce"
)

// cef writes an alert in the Common Event Format, revision 26, which ArcSight, QRadar,
// Splunk and Sentinel read:
//
//	CEF:0|tripline|tripline|1.0|destination.unexpected|Unexpected destination|8|rt=1795365601120 src=192.0.2.50 dst=203.0.113.9 dpt=443 ...
var cef = Format{Name: "cef", Short: "Common Event Format, one line", Media: "text/plain; charset=utf-8", Write: writeCEF}

var cefFile = fileKind(&cef, "Common Event Format in a file")

// tens is how much an alert matters on a scale to ten.
func tens(a *enforce.Alert) int { return [...]int{1, 3, 5, 8, 10}[rank(a)] }

// Inside the header | and \ are escaped, in values = and \.
var cefDialect = dialect{
	start: "CEF:0", body: "|", between: " ",
	header: strings.NewReplacer(`\`, `\\`, `|`, `\|`),
	value:  strings.NewReplacer(`\`, `\\`, `=`, `\=`),
}

func writeCEF(w io.Writer, a *enforce.Alert) error {
	return cefDialect.write(w, []string{"tripline", "tripline", productVersion(), ruleID(a), ruleName(a), strconv.Itoa(tens(a))}, cefFields(a))
}

func cefFields(a *enforce.Alert) []pair {
	fields := []pair{
		{"rt", strconv.FormatInt(a.Last.UnixMilli(), 10)},
		{"start", strconv.FormatInt(a.Time.UnixMilli(), 10)},
		{"externalId", keyOf(a)},
		{"cat", string(kindOf(a))},
		{"msg", headline(a)},
		{"reason", a.Why},
		{"act", a.Action},
		{"cnt", strconv.FormatUint(a.Count, 10)},
		{"dhost", a.Name},
		{"proto", strings.ToUpper(a.Proto)},
		{"deviceInboundInterface", a.Interface},
	}
	fields = append(fields, cefAddress("src", "c6a2", "Source IPv6 Address", a.Src)...)
	fields = append(fields, cefAddress("dst", "c6a3", "Destination IPv6 Address", a.Dst)...)
	if a.Port != 0 {
		fields = append(fields, pair{"dpt", strconv.Itoa(int(a.Port))})
	}
	if a.Process != nil {
		fields = append(fields, pair{"spid", strconv.Itoa(a.Process.PID)}, pair{"sproc", a.Process.Exe})
	}
	for i, p := range []pair{{"agent", a.Agent}, {"baseline", a.Baseline}, {"status", a.Status}, {"subject", a.Subject}, {"admit", admitting(a)}, {"owner", a.Owner.Org}} {
		if p.value != "" {
			fields = append(fields, pair{fmt.Sprintf("cs%dLabel", i+1), p.key}, pair{fmt.Sprintf("cs%d", i+1), p.value})
		}
	}
	return fields
}

// cefAddress is an address in its field: that for IPv4 takes no other.
func cefAddress(v4, v6, label, text string) []pair {
	ip := address(text)
	if !strings.Contains(ip, ":") {
		return []pair{{v4, ip}}
	}
	return []pair{{v6 + "Label", label}, {v6, ip}}
}

func admitting(a *enforce.Alert) string {
	if a.Admit == nil {
		return ""
	}
	return a.Admit.Command
}
