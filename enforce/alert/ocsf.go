package alert

import (
	"io"
	"time"

	"tripline/enforce"
)

// ocsf writes an alert as a Detection Finding (class 2004) of the Open Cybersecurity
// Schema Framework 1.8, which Amazon Security Lake and others take:
//
//	{"category_uid":2,"class_uid":2004,"type_uid":200401,"activity_id":1,"severity_id":4,"time":1795365601120,
//	 "finding_info":{"uid":"3f9a...","title":"unexpected: bot: 203.0.113.9:443",...},"evidences":[...],...}
//
// https://schema.ocsf.io/1.8.0/classes/detection_finding
var ocsf = Format{Name: "ocsf", Short: "OCSF Detection Finding, one JSON object a line", Media: "application/x-ndjson", Write: writeOCSF}

var ocsfFile = fileKind(&ocsf, "OCSF Detection Findings in a file")

const (
	ocsfFindings  = 2
	ocsfDetection = 2004
)

func writeOCSF(w io.Writer, a *enforce.Alert) error {
	activity, activityName, status, statusName := ocsfState(a)
	d := doc{
		"category_uid": ocsfFindings, "category_name": "Findings", "class_uid": ocsfDetection, "class_name": "Detection Finding",
		"type_uid": ocsfDetection*100 + activity, "activity_id": activity, "activity_name": activityName,
		"status_id": status, "status": statusName,
		"severity_id": rank(a) + 1, "severity": []string{"Informational", "Low", "Medium", "High", "Critical"}[rank(a)],
		"time": millis(a.Last), "start_time": millis(a.Time), "end_time": millis(a.Last), "count": a.Count,
		"is_alert": true, "message": headline(a), "status_detail": a.Why,
		"metadata": doc{
			"version": "1.8.0", "uid": keyOf(a), "profiles": []string{"security_control"},
			"product": doc{"name": "tripline", "vendor_name": "tripline", "version": productVersion()},
		},
		"finding_info": doc{
			"uid": idOf(a), "title": headline(a), "desc": a.Why, "types": []string{string(kindOf(a))},
			"created_time": millis(a.Time), "first_seen_time": millis(a.Time), "last_seen_time": millis(a.Last),
			"analytic": doc{"uid": ruleID(a), "name": ruleName(a), "type_id": 2, "type": "Behavioral"},
		},
	}
	ocsfAction(d, a)
	if e := ocsfEvidence(a); len(e) > 0 {
		d["evidences"] = []doc{e}
	}
	if a.Baseline != "" {
		d["anomaly_analyses"] = []doc{{
			"analysis_targets": []doc{{"name": a.Agent, "type": "agent"}},
			"anomalies":        []doc{{"observed_pattern": subject(a)}},
			"baselines":        []doc{{"observed_pattern": a.Baseline}},
		}}
	}
	unmapped := ecsOwn(a)
	d["unmapped"] = doc{"tripline": unmapped}
	return writeObject(w, d)
}

// ocsfState is the status of an alert as activity and status.
func ocsfState(a *enforce.Alert) (activity int, activityName string, status int, statusName string) {
	switch a.Status {
	case enforce.StatusActive, enforce.StatusPersistent:
		return 2, "Update", 2, "In Progress"
	case enforce.StatusResolved:
		return 3, "Close", 4, "Resolved"
	}
	return 1, "Create", 1, "New"
}

func ocsfAction(d doc, a *enforce.Alert) {
	switch a.Action {
	case "pass":
		d["action_id"], d["action"], d["disposition_id"], d["disposition"] = 1, "Allowed", 1, "Allowed"
	case "block":
		d["action_id"], d["action"], d["disposition_id"], d["disposition"] = 2, "Denied", 2, "Blocked"
	default:
		d["action_id"], d["action"] = 0, "Unknown"
	}
}

// ocsfProto are the protocols that have ports, by their number.
var ocsfProto = map[string]int{"tcp": 6, "udp": 17, "sctp": 132, "icmp": 1, "icmp6": 58}

func ocsfEvidence(a *enforce.Alert) doc {
	src, dst, e := doc{}, doc{}, doc{}
	src.put("ip", address(a.Src))
	dst.put("ip", address(a.Dst))
	dst.put("port", int(a.Port))
	dst.put("hostname", a.Name)
	if a.Owner.ASN != 0 {
		as := doc{"number": a.Owner.ASN}
		as.put("name", a.Owner.Org)
		dst["autonomous_system"] = as
	}
	e.put("src_endpoint", src)
	e.put("dst_endpoint", dst)
	if a.Proto != "" {
		c := doc{"direction_id": 2, "direction": "Outbound", "protocol_name": a.Proto}
		c.put("protocol_num", ocsfProto[a.Proto])
		e["connection_info"] = c
	}
	if p := a.Process; p != nil {
		process := doc{"pid": p.PID}
		if p.Exe != "" {
			process["file"] = doc{"path": p.Exe, "name": p.Exe[lastSlash(p.Exe):], "type_id": 1}
		}
		e["process"] = process
	}
	return e
}

func lastSlash(path string) int {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return i + 1
		}
	}
	return 0
}

func millis(t time.Time) int64 { return t.UnixMilli() }
