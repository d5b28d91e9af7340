package source

import (
	"time"

	"tripline/learn"
	"tripline/learn/source/internal/filterlog"
)

// The firewall log of pfSense and OPNsense. The header has nine forms; the
// values are explained in internal/filterlog.
//
//	Mar 28 12:00:00 fw filterlog[64952]: 5,,,1000000103,em1,match,pass,in,4,0x0,,64,1234,0,DF,17,udp,48,192.0.2.10,198.51.100.7,50000,53,28
var filterlogSource = Source{
	Name:  "filterlog",
	Short: "The firewall log of pfSense and OPNsense",
	Sees:  Sees{AfterNAT: true, Blind: "names, bytes; what no logged rule passes"},
	Speaks: Speaks{
		Silent: "the firewall logs none of the connections it passes",
		How: "pfSense: Firewall > Rules > LAN, edit each pass rule, tick \"Log packets that are handled by this rule\", save and apply; " +
			"OPNsense: Firewall > Rules, the same tick box. Then let the agent work and read the log again",
		Where: "name the firewall's own log, such as /var/log/filter.log",
	},
	Lines: func(o Options) Parser {
		return &filterlogParser{decoder: filterlog.New(o.Zone), judge: newJudge(o)}
	},
	Sniff: sniffFilterlog,
}

type filterlogParser struct {
	decoder *filterlog.Decoder
	judge   *judge
	line    filterlog.Line
}

// Parse implements [Parser].
func (p *filterlogParser) Parse(line []byte, newest time.Time, r *Record) error {
	if err := p.decoder.Decode(line, newest, &p.line); err != nil {
		*r = Record{}
		return &RecordError{Source: "filterlog", Field: err.Field, Cause: err.Cause, Text: err.Text}
	}
	fill(r, &p.line)
	if p.line.Timeless {
		r.Time = newest
	}
	p.judge.decide(r)
	return nil
}

// State implements [Parser].
func (p *filterlogParser) State() []byte { return p.judge.state() }

// Restore implements [Parser].
func (p *filterlogParser) Restore(state []byte) error { return p.judge.restore(state) }

// fill sets every field of r. It is one assignment because it runs for each line.
func fill(r *Record, l *filterlog.Line) {
	*r = Record{
		Flow: learn.Flow{
			Time: l.Time, Proto: learn.Proto(l.Proto), Action: actionOf(l.Act),
			Src: l.Src, Dst: l.Dst, SrcPort: l.SrcPort, DstPort: l.DstPort,
			Interface: l.Interface, Rule: l.Tracker,
		},
		Act: l.Act, Direction: l.Direction, Reason: l.Reason, Anchor: l.Anchor,
		RuleNumber: l.Rule, Version: l.Version,
		Flags: l.Flags, Seq: l.Seq, HasSeq: l.HasSeq, ICMP: l.ICMP,
		Length: l.Length, DataLength: l.DataLength,
		Fragment: isFragment(l), Malformed: l.BadData,
		ZoneAssumed: l.Zoneless, TimeAssumed: l.Timeless,
	}
}

// isFragment says whether a line is about a fragment and so has no ports. Of IPv6
// the first fragment has none either, and its offset may not tell it from others.
func isFragment(l *filterlog.Line) bool {
	const fragmentHeader = 44
	return l.Offset > 0 || l.Version == 6 && l.Proto == fragmentHeader
}

// actionOf says what the firewall's word did to the packet. Translation lets it
// go on to a rule, which logs a line of its own.
func actionOf(act string) learn.Action {
	if act == "block" || act == "synproxy-drop" {
		return learn.Refused
	}
	return learn.Pass
}
