package alert

import (
	"io"
	"strconv"
	"strings"

	"tripline/enforce"
)

// leef writes an alert in the Log Event Extended Format 2.0 of QRadar:
//
//	LEEF:2.0|tripline|tripline|1.0|destination.unexpected|^|devTime=1795365601120^sev=8^src=192.0.2.50^dst=203.0.113.9^...
var leef = Format{Name: "leef", Short: "Log Event Extended Format 2.0, one line", Media: "text/plain; charset=utf-8", Write: writeLEEF}

var leefFile = fileKind(&leef, "Log Event Extended Format in a file")

// The format knows no escape: what would end a field is replaced.
var leefDialect = dialect{
	start: "LEEF:2.0", body: "|^|", between: "^",
	header: strings.NewReplacer("|", "/", "^", "~"),
	value:  strings.NewReplacer("^", "~"),
}

func writeLEEF(w io.Writer, a *enforce.Alert) error {
	return leefDialect.write(w, []string{"tripline", "tripline", productVersion(), ruleID(a)}, leefFields(a))
}

func leefFields(a *enforce.Alert) []pair {
	fields := []pair{
		{"devTime", strconv.FormatInt(a.Last.UnixMilli(), 10)},
		{"cat", string(kindOf(a))},
		{"sev", strconv.Itoa(tens(a))},
		{"src", address(a.Src)},
		{"dst", address(a.Dst)},
		{"proto", a.Proto},
		{"identHostName", a.Name},
		{"agent", a.Agent},
		{"status", a.Status},
		{"subject", a.Subject},
		{"reason", a.Why},
		{"action", a.Action},
		{"baseline", a.Baseline},
		{"admit", admitting(a)},
		{"count", strconv.FormatUint(a.Count, 10)},
		{"eventKey", keyOf(a)},
	}
	if a.Port != 0 {
		fields = append(fields, pair{"dstPort", strconv.Itoa(int(a.Port))})
	}
	if a.Process != nil {
		fields = append(fields, pair{"process", a.Process.Exe}, pair{"pid", strconv.Itoa(a.Process.PID)})
	}
	return fields
}
