package source

import (
	"strconv"
	"time"

	"tripline/learn"
	"tripline/learn/source/internal/netfilter"
)

// What the Linux kernel logs of packets: iptables, nftables, ufw, and the routers
// made of them.
//
//	Mar 28 12:00:00 gw kernel: [ 3731.456033] [UFW BLOCK] IN=br0 OUT=wan0 MAC= SRC=192.0.2.10 DST=203.0.113.7 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=1146 DF PROTO=TCP SPT=50001 DPT=443 WINDOW=64240 RES=0x00 SYN URGP=0
var netfilterSource = Source{
	Name:  "netfilter",
	Short: "Kernel log lines of iptables, nftables and ufw",
	Sees:  Sees{Blind: "names, bytes; what no rule logs; whether a rule that only logs was followed by a refusal"},
	Speaks: Speaks{
		Silent: "no rule logs the connections of a local host",
		How: "as root, for new connections that are forwarded and of this host: iptables -I FORWARD -m conntrack --ctstate NEW -j LOG; the same with OUTPUT; " +
			"ufw: ufw logging medium. Then let the agent work and read the log again",
		Where: "name the kernel's log, such as /var/log/kern.log, or what journalctl -k -o short-iso prints",
	},
	Lines: func(o Options) Parser {
		return &netfilterParser{decoder: netfilter.New(o.Zone), judge: newJudge(o)}
	},
	Sniff: sniffLog,
}

type netfilterParser struct {
	decoder *netfilter.Decoder
	judge   *judge
	line    netfilter.Line
}

// Parse implements [Parser].
func (p *netfilterParser) Parse(line []byte, newest time.Time, r *Record) error {
	if err := p.decoder.Decode(line, newest, &p.line); err != nil {
		*r = Record{}
		return &RecordError{Source: "netfilter", Field: err.Field, Cause: err.Cause, Text: err.Text}
	}
	fillPacket(r, &p.line)
	if p.line.Timeless {
		r.Time = newest
	}
	p.judge.decidePacket(r, p.line.In, p.line.Out, p.line.HasFlags)
	return nil
}

// State implements [Parser].
func (p *netfilterParser) State() []byte { return p.judge.state() }

// Restore implements [Parser].
func (p *netfilterParser) Restore(state []byte) error { return p.judge.restore(state) }

// fillPacket sets every field of r.
func fillPacket(r *Record, l *netfilter.Line) {
	*r = Record{
		Flow: learn.Flow{
			Time: l.Time, Proto: learn.Proto(l.Proto),
			Src: l.Src, Dst: l.Dst, SrcPort: l.SrcPort, DstPort: l.DstPort,
			Interface: l.In, Rule: l.Prefix,
		},
		Act: "log", Direction: "in", Reason: "match", RuleNumber: -1, Version: 6,
		Flags: l.Flags, Seq: l.Seq, HasSeq: l.HasSeq, Length: l.Length,
		Fragment: l.Fragment, Malformed: l.Incomplete,
		ZoneAssumed: l.Zoneless, TimeAssumed: l.Timeless,
	}
	if l.Refused {
		r.Act, r.Action = "block", learn.Refused
	}
	if l.In == "" {
		r.Direction, r.Interface = "out", l.Out
	}
	if l.Src.Is4() {
		r.Version = 4
	}
	if l.HasType {
		r.ICMP = icmpWord(r.Proto, l.Type)
	}
}

// icmpWord names a type of ICMP as pfSense does, where it matters whether the
// message asks for something.
func icmpWord(p learn.Proto, kind uint8) string {
	switch {
	case p == learn.ICMP && kind == 8, p == learn.ICMPv6 && kind == 128:
		return echoRequest
	case p == learn.ICMP && kind == 0, p == learn.ICMPv6 && kind == 129:
		return "reply"
	case p == learn.ICMP && kind == 3, p == learn.ICMPv6 && kind == 1:
		return "unreach"
	}
	return strconv.Itoa(int(kind))
}
