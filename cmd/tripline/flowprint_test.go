package main

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tripline/learn"
	"tripline/learn/source"
)

func TestFlowsShowTheProcess(t *testing.T) {
	r := source.Record{Flow: learn.Flow{
		Time: time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC), Proto: learn.TCP, Src: netip.MustParseAddr("192.0.2.50"), SrcPort: 50001,
		Dst: netip.MustParseAddr("203.0.113.7"), DstPort: 443, Process: &learn.Process{PID: 42, Exe: "/opt/a\x1b[2J", UID: 1000, Container: "3f1c"},
	}, Act: "new", Counted: true, Why: source.Outbound}
	var table, doc bytes.Buffer
	var o flowsOptions
	o.table(&table)("", &r, nil)
	if got := table.String(); !strings.HasSuffix(got, `203.0.113.7:443       by /opt/a\x1b[2J (pid 42)`+"\n") {
		t.Errorf("got %q", got)
	}
	o.json(&doc)("", &r, nil)
	if got := doc.String(); !strings.Contains(got, `"process":{"pid":42,"exe":"/opt/a\u001b[2J","uid":1000,"container":"3f1c"}`) {
		t.Errorf("got %s", got)
	}
}
