package alert

import (
	"cmp"
	"io"
	"strconv"

	"tripline/enforce"
)

// wazuh writes the line that the stock JSON decoder of Wazuh 4 takes without a
// decoder of our own; docs/wazuh has the rules:
//
//	{"srcip":"192.0.2.50","dstip":"203.0.113.9","dstport":"443","protocol":"tcp","action":"pass","id":"3f9a...","tripline":{"schema":"1",...}}
//
// At the root stand only its static fields. All else is in one object, as text:
// its numbers pass through an int of C, and arrays of objects are dropped. There
// is no "event_type", which its rules for Suricata would claim.
var wazuh = Format{Name: "wazuh", Short: "a JSON line for the stock decoder of Wazuh 4", Media: "application/x-ndjson", Write: writeWazuh}

var wazuhFile = fileKind(&wazuh, "JSON lines that a Wazuh 4 agent reads")

type wazuhLine struct {
	Src      string            `json:"srcip,omitempty"`
	Dst      string            `json:"dstip,omitempty"`
	Port     string            `json:"dstport,omitempty"`
	Proto    string            `json:"protocol,omitempty"`
	Action   string            `json:"action,omitempty"`
	ID       string            `json:"id"`
	Tripline map[string]string `json:"tripline"`
}

// wazuhText is how long one text may be: a line of 64 KiB is all that is read.
const wazuhText = 2000

func writeWazuh(w io.Writer, a *enforce.Alert) error {
	l := wazuhLine{Src: address(a.Src), Dst: address(a.Dst), Proto: a.Proto, Action: a.Action, ID: keyOf(a)}
	if a.Port != 0 {
		l.Port = strconv.Itoa(int(a.Port))
	}
	l.Tripline = map[string]string{
		"schema": "1", "kind": string(kindOf(a)), "severity": string(a.Severity), "status": a.Status, "agent": a.Agent,
		"destination": subject(a), "subject": a.Subject, "name": a.Name, "name_source": a.Evidence, "baseline": a.Baseline,
		"reason": a.Why, "count": strconv.FormatUint(a.Count, 10), "first_seen": stamp(a.Time), "last_seen": stamp(a.Last),
		"finding": idOf(a), "interface": a.Interface, "firewall_rule": a.Tracker, "organisation": a.Owner.Org,
	}
	if isVerdict(a) {
		l.Tripline["verdict"] = a.Verdict.String()
	}
	if a.Owner.ASN != 0 {
		l.Tripline["asn"] = strconv.Itoa(int(a.Owner.ASN))
	}
	if len(a.Owner.Labels) > 0 {
		l.Tripline["label"] = a.Owner.Labels[0]
	}
	if a.Nearest != nil {
		l.Tripline["nearest"] = a.Nearest.Rule + " (" + a.Nearest.Why + ")"
	}
	if a.Admit != nil {
		l.Tripline["admit"] = a.Admit.Command
	}
	if a.Process != nil {
		l.Tripline["executable"] = cmp.Or(a.Process.Exe, "?")
		l.Tripline["pid"] = strconv.Itoa(a.Process.PID)
		l.Tripline["container"] = a.Process.Container
	}
	for key, v := range l.Tripline {
		if v == "" {
			delete(l.Tripline, key)
			continue
		}
		l.Tripline[key] = cut(v, wazuhText)
	}
	return writeObject(w, l)
}
