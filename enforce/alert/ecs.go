package alert

import (
	"io"
	"net/netip"
	"strings"
	"time"

	"tripline/enforce"
)

// ecs writes an alert in the Elastic Common Schema, which Elastic, OpenSearch,
// Graylog, Sigma and Wazuh 5 read:
//
//	{"@timestamp":"2026-11-22T16:40:01.12Z","ecs":{"version":"9.4.0"},"message":"unexpected: bot: 203.0.113.9:443",
//	 "event":{"kind":"alert","category":["network","intrusion_detection"],"type":["connection","denied"],...},
//	 "source":{"ip":"192.0.2.50"},"destination":{"ip":"203.0.113.9","port":443},"tripline":{...}}
//
// https://www.elastic.co/docs/reference/ecs
var ecs = Format{Name: "ecs", Short: "Elastic Common Schema, one JSON object a line", Media: "application/x-ndjson", Write: writeECS}

var ecsFile = fileKind(&ecs, "Elastic Common Schema in a file")

// ecsSeverity is how Elastic scores what is info, low, medium, high and critical.
var ecsSeverity = [...]int{1, 21, 47, 73, 99}

// A doc is a JSON object. Its keys are written in order.
type doc map[string]any

// put sets a field, unless it is empty.
func (d doc) put(key string, value any) {
	switch v := value.(type) {
	case string:
		if v == "" {
			return
		}
	case doc:
		if len(v) == 0 {
			return
		}
	case []string:
		if len(v) == 0 {
			return
		}
	case int:
		if v == 0 {
			return
		}
	case nil:
		return
	}
	d[key] = value
}

func writeECS(w io.Writer, a *enforce.Alert) error {
	d := doc{
		"@timestamp": stamp(a.Last), "ecs": doc{"version": "9.4.0"}, "message": headline(a),
		"event": ecsEvent(a), "rule": doc{"id": ruleID(a), "name": ruleName(a), "ruleset": "tripline"},
		"observer": doc{"vendor": "tripline", "product": "tripline", "type": "ids", "version": productVersion()},
		"tripline": ecsOwn(a),
	}
	if a.Agent != "" {
		d["gen_ai"] = doc{"agent": doc{"name": a.Agent}}
	}
	source := doc{}
	source.put("ip", address(a.Src))
	d.put("source", source)
	d.put("destination", ecsDestination(a))
	if a.Proto != "" {
		d["network"] = doc{"transport": a.Proto, "direction": "egress"}
	}
	ecsProcess(d, a)
	return writeObject(w, d)
}

func ecsEvent(a *enforce.Alert) doc {
	e := doc{
		"kind": "alert", "category": []string{"network", "intrusion_detection"}, "type": []string{"info"}, "action": string(kindOf(a)),
		"module": "tripline", "dataset": "tripline.alert", "severity": ecsSeverity[rank(a)], "id": keyOf(a), "reason": a.Why,
		"start": stamp(a.Time), "end": stamp(a.Last),
	}
	switch a.Action {
	case "pass":
		e["type"], e["outcome"] = []string{"connection", "allowed"}, "success"
	case "block":
		e["type"], e["outcome"] = []string{"connection", "denied"}, "failure"
	}
	return e
}

func ecsDestination(a *enforce.Alert) doc {
	d := doc{}
	d.put("ip", address(a.Dst))
	d.put("port", int(a.Port))
	d.put("domain", a.Name)
	if a.Owner.ASN != 0 {
		as := doc{"number": a.Owner.ASN}
		if a.Owner.Org != "" {
			as["organization"] = doc{"name": a.Owner.Org}
		}
		d["as"] = as
	}
	return d
}

func ecsProcess(d doc, a *enforce.Alert) {
	p := a.Process
	if p == nil {
		return
	}
	process := doc{"pid": p.PID}
	process.put("executable", p.Exe)
	process.put("args", p.Args)
	if len(p.Parents) > 0 {
		process["parent"] = doc{"executable": p.Parents[0]}
	}
	d["process"] = process
	if p.Container != "" {
		d["container"] = doc{"id": p.Container}
	}
	// version "-" trace ID "-" ...: W3C Trace Context
	if parts := strings.Split(p.Trace, "-"); len(parts) == 4 && len(parts[1]) == 32 {
		d["trace"] = doc{"id": parts[1]}
	}
}

// ecsOwn is what the schema has no field for.
func ecsOwn(a *enforce.Alert) doc {
	d := doc{"kind": string(kindOf(a)), "severity": string(a.Severity), "status": a.Status, "id": idOf(a), "count": a.Count}
	if isVerdict(a) {
		d["verdict"] = a.Verdict.String()
	}
	for key, v := range map[string]string{
		"agent": a.Agent, "subject": a.Subject, "why": a.Why, "evidence": a.Evidence, "baseline": a.Baseline,
		"interface": a.Interface, "firewall_rule": a.Tracker, "action": a.Action,
	} {
		d.put(key, v)
	}
	d.put("labels", a.Owner.Labels)
	if a.Owner.Shared {
		d["shared"] = true
	}
	if a.Nearest != nil {
		d["nearest"] = doc{"rule": a.Nearest.Rule, "why": a.Nearest.Why}
	}
	if a.Admit != nil {
		d["admit"] = doc{"command": a.Admit.Command, "ipv4": a.Admit.V4, "ipv6_64": a.Admit.V6}
	}
	return d
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// address returns text that is an IP address, and "" for any other: what a field
// of type ip cannot hold makes an index refuse the whole record.
func address(text string) string {
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return ""
	}
	return ip.Unmap().WithZone("").String()
}

// kindOf is the kind of an alert; those of before there were kinds are verdicts.
func kindOf(a *enforce.Alert) enforce.Kind {
	if a.Kind == "" {
		return enforce.Destination
	}
	return a.Kind
}

// ruleID names what an alert is about, for correlation: "destination.unexpected".
func ruleID(a *enforce.Alert) string {
	if isVerdict(a) {
		return string(enforce.Destination) + "." + a.Verdict.String()
	}
	return string(a.Kind)
}

// ruleName says the same for a person.
func ruleName(a *enforce.Alert) string {
	if isVerdict(a) {
		return strings.ToUpper(a.Verdict.String()[:1]) + a.Verdict.String()[1:] + " destination"
	}
	words := strings.ReplaceAll(string(a.Kind), "_", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}
