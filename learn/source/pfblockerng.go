package source

import (
	"net/netip"
	"time"

	"tripline/learn"
	"tripline/learn/source/internal/dnslog"
)

// What pfBlockerNG writes to dns_reply.log, in Python mode and with "DNS Reply
// Logging": of each answer the first address alone. Of a name with many, most
// stay unknown until they were first once.
//
//	DNS-reply,Nov 22 12:00:00,reply,A,A,300,www.example,192.0.2.50,203.0.113.9,US
var pfblockerngSource = Source{
	Name:  "pfblockerng",
	Short: "The DNS replies that pfBlockerNG logs",
	Sees:  Sees{Names: true, Evidence: true, Blind: "connections; of each answer all but the first address"},
	Speaks: Speaks{
		How:   "in pfBlockerNG, DNSBL, Python mode: enable DNS Reply Logging",
		Where: "name the log of replies: /var/log/pfblockerng/dns_reply.log",
	},
	Lines: func(o Options) Parser {
		return &pfblockerngParser{decoder: dnslog.NewPfblockerng(o.Zone)}
	},
	Sniff: sniffLog,
}

type pfblockerngParser struct {
	decoder *dnslog.Pfblockerng
	reply   dnslog.Reply
	stateless
}

// Parse implements [Parser].
func (p *pfblockerngParser) Parse(line []byte, newest time.Time, r *Record) error {
	if err := p.decoder.Decode(line, newest, &p.reply); err != nil {
		return faulty(r, "pfblockerng", err)
	}
	var a *learn.Answer
	if p.reply.Addr.IsValid() {
		a = &learn.Answer{Name: p.reply.Name, Addrs: []netip.Addr{p.reply.Addr}, TTL: p.reply.TTL}
	}
	told(r, p.reply.Head, p.reply.Client, a)
	return nil
}

// Stateless are the two methods of a parser that remembers nothing.
type stateless struct{}

// State implements [Parser].
func (stateless) State() []byte { return nil }

// Restore implements [Parser].
func (stateless) Restore(state []byte) error {
	if len(state) > 0 {
		return errDamaged
	}
	return nil
}
