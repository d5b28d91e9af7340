package netflow

import (
	"encoding/json"
	"net/netip"
	"strings"
	"time"

	"tripline/learn/source/internal/scan"
)

// A dumped is a record as "nfdump -o json" of nfdump 1.7 prints it.
//
//	{"type" : "FLOW", "sampled" : 0, "first" : "2026-03-28T12:00:00.000", "last" : "2026-03-28T12:00:02.500",
//	 "in_packets" : 9, "in_bytes" : 1000, "proto" : 6, "tcp_flags" : "...AP.SF", "src_port" : 50000, "dst_port" : 443,
//	 "src4_addr" : "192.0.2.10", "dst4_addr" : "203.0.113.7", ... "label" : "<none>"}
type dumped struct {
	First      string     `json:"first"`
	Last       string     `json:"last"`
	Received   string     `json:"received"`
	Event      string     `json:"t_event"` // of translators, which give no other
	Packets    uint64     `json:"in_packets"`
	Octets     uint64     `json:"in_bytes"`
	OutPackets uint64     `json:"out_packets"`
	OutOctets  uint64     `json:"out_bytes"`
	Proto      *uint8     `json:"proto"`
	Flags      string     `json:"tcp_flags"`
	SrcPort    uint16     `json:"src_port"`
	DstPort    uint16     `json:"dst_port"`
	ICMPType   uint8      `json:"icmp_type"`
	ICMPCode   uint8      `json:"icmp_code"`
	Src4       netip.Addr `json:"src4_addr"`
	Src6       netip.Addr `json:"src6_addr"`
	Dst4       netip.Addr `json:"dst4_addr"`
	Dst6       netip.Addr `json:"dst6_addr"`
	Input      uint32     `json:"input_snmp"`
	Output     uint32     `json:"output_snmp"`
	Status     uint8      `json:"fwd_status"`
	Direction  uint8      `json:"direction"`
}

// Undump reads one object of what "nfdump -o json" prints into r, and returns when
// nfcapd received it. The stamps have no zone.
func Undump(object []byte, zone *time.Location, r *Record) (received time.Time, err error) {
	var d dumped
	if err := json.Unmarshal(object, &d); err != nil {
		return received, scan.Fault(scan.BadText, "", nil)
	}
	if zone == nil {
		zone = time.UTC
	}
	start, end, received, err := d.times(zone)
	if err != nil {
		return received, err
	}
	*r = Record{
		Start: start, End: end, SrcPort: d.SrcPort, DstPort: d.DstPort,
		Octets: d.Octets, Packets: d.Packets, ReverseOctets: d.OutOctets, ReversePackets: d.OutPackets,
		Reverse: d.OutPackets > 0, Flags: flagsOf(d.Flags), Input: d.Input, Output: d.Output,
		Egress: d.Direction == 1, Dropped: d.Status>>6 == 2,
	}
	if r.Src, r.Dst = d.Src4, d.Dst4; !r.Src.IsValid() {
		r.Src, r.Dst = d.Src6, d.Dst6
	}
	r.Src, r.Dst = r.Src.Unmap().WithZone(""), r.Dst.Unmap().WithZone("")
	if d.Proto != nil {
		r.Proto, r.HasProto = *d.Proto, true
	}
	if d.ICMPType|d.ICMPCode != 0 { // 0 and 0 is also what nfcapd does not know
		r.ICMPType, r.HasICMP = d.ICMPType, true
	}
	return received, nil
}

// wrapped is what nfcapd makes of a flow that ends before it began: a count of
// milliseconds that went around.
const wrapped = 45 * 24 * time.Hour

func (d *dumped) times(zone *time.Location) (start, end, received time.Time, err error) {
	for _, s := range []struct {
		name, text string
		to         *time.Time
	}{{"first", d.First, &start}, {"last", d.Last, &end}, {"received", d.Received, &received}} {
		if *s.to, err = stamp(s.name, s.text, zone); err != nil {
			return start, end, received, err
		}
	}
	if start.Unix() < before2000 && d.Event != "" {
		start, err = stamp("t_event", d.Event, zone)
	}
	if start.Unix() < before2000 {
		start = received
	}
	if end = later(start, end); end.Sub(start) > wrapped {
		start = end
	}
	if received.Unix() < before2000 {
		received = end
	}
	return start, end, received, err
}

func stamp(name, text string, zone *time.Location) (time.Time, error) {
	t, err := time.ParseInLocation("2006-01-02T15:04:05.999", text, zone)
	if err != nil {
		return t, scan.Fault(scan.BadTime, name, []byte(text))
	}
	return t.UTC(), nil
}

// flagsOf reads flags of TCP as nfdump writes them: "...AP.SF".
func flagsOf(text string) (f uint8) {
	for i, letter := range "FSRPAUEC" {
		if strings.ContainsRune(text, letter) {
			f |= 1 << i
		}
	}
	return f
}
