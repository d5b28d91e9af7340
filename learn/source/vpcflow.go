package source

import (
	"encoding/json"
	"fmt"
	"time"

	"tripline/learn"
	"tripline/learn/source/internal/vpcflow"
)

// The flow logs of AWS VPCs, as S3 and CloudWatch give them out. A first line
// with names says which columns there are; else they are those of version 2.
//
//	2 123456789010 eni-1235b8ca123456789 192.0.2.10 203.0.113.7 50001 443 6 20 4249 1774699200 1774699260 ACCEPT OK
var vpcflowSource = Source{
	Name:  "vpcflow",
	Short: "Flow logs of AWS VPCs, versions 2 to 8",
	Sees:  Sees{Bytes: true, Late: true, Blind: "names; what is minutes old; who began, where the log has no tcp-flags"},
	Speaks: Speaks{
		Silent: "the flow log has no connection of a local host",
		How:    "create the flow log for the agent's network interface or subnet, for all traffic, with tcp-flags and pkt-dstaddr among its fields; where its hosts have public addresses: --local PREFIX",
		Where:  "name a flow log: what S3 or CloudWatch Logs has of one, as text",
	},
	Lines: func(o Options) Parser {
		return &vpcflowParser{
			decoder: vpcflow.New(), place: place{local: o.Local, firewall: o.Firewall}, seen: newSeenSet(half),
		}
	},
	Sniff: sniffLog,
}

// half is how many seconds at least the lines of one connection may be apart: an
// interface writes one each ten minutes at most, and delivers it when it likes.
const half = 30 * 60

// LeftOut is the cause of a line that says that the service left out flows.
const LeftOut = vpcflow.Skipped

type vpcflowParser struct {
	decoder *vpcflow.Decoder
	place   place
	seen    *seenSet
	line    vpcflow.Line
}

// Parse implements [Parser].
func (p *vpcflowParser) Parse(line []byte, _ time.Time, r *Record) error {
	if err := p.decoder.Decode(line, &p.line); err != nil {
		*r = Record{}
		return &RecordError{Source: "vpcflow", Field: err.Field, Cause: err.Cause, Text: err.Text}
	}
	fillVPC(r, &p.line)
	r.Why = p.judge(r, &p.line)
	r.Counted = r.Why == Outbound || r.Why == Blocked
	return nil
}

// The columns are part of the state: their line may be behind.
type vpcflowState struct {
	Heading string `json:"heading"`
	Seen    []byte `json:"seen"`
}

// State implements [Parser].
func (p *vpcflowParser) State() []byte {
	text, _ := json.Marshal(vpcflowState{p.decoder.Heading(), p.seen.state()}) // text and bytes always fit
	return text
}

// Restore implements [Parser].
func (p *vpcflowParser) Restore(state []byte) error {
	fresh := vpcflow.New()
	if len(state) == 0 {
		p.decoder = fresh
		return p.seen.restore(nil)
	}
	var s vpcflowState
	if err := json.Unmarshal(state, &s); err != nil {
		return fmt.Errorf("state of a source: %w", err)
	}
	if !fresh.SetHeading(s.Heading) || len(s.Seen) == 0 {
		return errDamaged
	}
	if err := p.seen.restore(s.Seen); err != nil {
		return err
	}
	p.decoder = fresh
	return nil
}

// fillVPC sets every field of r.
func fillVPC(r *Record, l *vpcflow.Line) {
	*r = Record{
		Flow: learn.Flow{
			Time: l.Start, Proto: learn.Proto(l.Proto), Src: l.Src, Dst: l.Dst,
			SrcPort: l.SrcPort, DstPort: l.DstPort, Interface: l.Interface, Up: l.Bytes,
		},
		Act: "accept", RuleNumber: -1, Version: 6,
	}
	if l.Refused {
		r.Act, r.Action = "reject", learn.Refused
	}
	if r.Src.Is4() {
		r.Version = 4
	}
	switch {
	case l.Egress:
		r.Direction = "out"
	case l.Ingress:
		r.Direction = "in"
	}
}

// judge sets apart what hosts began from what was said to them.
func (p *vpcflowParser) judge(r *Record, l *vpcflow.Line) Why {
	from, to := p.place.isLocal(r.Src), p.place.isLocal(r.Dst)
	if !from && !to {
		return Foreign
	}
	now := max(1, uint32(r.Time.Unix()))
	if !p.begins(r, l) {
		if to {
			return Detail // the other direction of what a host began
		}
		return Inbound
	}
	if !from {
		// Remembered, so that the reply is none of a host's own.
		p.seen.meet(p.seen.keys.tuple(keyTuple, r, 0), now)
		return Inbound
	}
	if why := p.place.noDestination(r.Dst); why != "" {
		return why
	}
	kind := uint64(keyTuple)
	if l.Refused {
		kind = keyRetry
	}
	switch met := p.seen.meet(p.seen.keys.tuple(kind, r, 0), now); {
	case met && l.Refused:
		return Retry
	case met:
		return Detail
	case l.Refused:
		return Blocked
	}
	return Outbound
}

// begins says whether the sender of a line is who began: by the flags of TCP,
// else because the other direction was not met and the ports do not say
// otherwise.
func (p *vpcflowParser) begins(r *Record, l *vpcflow.Line) bool {
	const syn, ack = 2, 16
	if r.Proto == learn.TCP && l.HasFlags && l.Flags&syn != 0 {
		return l.Flags&ack == 0
	}
	switch {
	case p.seen.has(p.seen.keys.tuple(keyTuple, r, 0)):
		return true
	case p.seen.has(p.seen.keys.backwards(keyTuple, r)):
		return false
	}
	return !r.Proto.HasPorts() || !servesFrom(r.SrcPort, r.DstPort)
}

// servesFrom says whether a port looks like that of a service whose client has
// the other one.
func servesFrom(port, other uint16) bool {
	const privileged, ephemeral = 1024, 32768
	return port < privileged && other >= privileged || port < ephemeral && other >= ephemeral
}
