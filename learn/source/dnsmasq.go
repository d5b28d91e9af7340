package source

import (
	"net/netip"
	"time"

	"tripline/learn"
	"tripline/learn/source/internal/dnslog"
)

// What dnsmasq and Pi-hole write with log-queries=extra: a line for each record
// of an answer, tied to its question by a serial number. With plain log-queries
// there is none, and lines are tied by names and by their order.
//
//	Nov 22 12:00:00 dnsmasq[99]: 3 192.0.2.50/40659 query[A] www.example from 192.0.2.50
//	Nov 22 12:00:00 dnsmasq[99]: 3 192.0.2.50/40659 forwarded www.example to 198.51.100.53
//	Nov 22 12:00:00 dnsmasq[99]: 3 192.0.2.50/40659 reply www.example is <CNAME>
//	Nov 22 12:00:00 dnsmasq[99]: 3 192.0.2.50/40659 reply cdn.example is 203.0.113.9
var dnsmasqSource = Source{
	Name:  "dnsmasq",
	Short: "The query log of dnsmasq and Pi-hole",
	Sees:  Sees{Names: true, Evidence: true, Blind: "connections; how long answers hold; without log-queries=extra, who of several asked"},
	Speaks: Speaks{
		How:   "let dnsmasq write one: log-queries=extra and log-facility=/var/log/dnsmasq.log; of Pi-hole: misc.extraLogging",
		Where: "name the log of dnsmasq itself, such as /var/log/dnsmasq.log or /var/log/pihole/pihole.log",
	},
	Lines: func(o Options) Parser {
		return &dnsmasqParser{decoder: dnslog.NewDnsmasq(o.Zone)}
	},
	Sniff: sniffLog,
}

type dnsmasqParser struct {
	decoder *dnslog.Dnsmasq
	asked   questions
	line    dnslog.Line
}

// Parse implements [Parser].
func (p *dnsmasqParser) Parse(line []byte, newest time.Time, r *Record) error {
	if err := p.decoder.Decode(line, newest, &p.line); err != nil {
		return faulty(r, "dnsmasq", err)
	}
	l := &p.line
	q := p.asked.follow(l)
	if l.Kind != dnslog.Address {
		told(r, l.Head, l.Client, nil)
		return nil
	}
	found := struct {
		learn.Answer
		addr [1]netip.Addr
	}{addr: [1]netip.Addr{l.Addr}}
	a := &found.Answer
	a.Addrs, a.TTL = found.addr[:], -1
	client := l.Client
	switch {
	case q == nil:
		a.Name, client = l.Name, netip.Addr{} // whose, and of what name the end, is not known
	case q.belongs(l.Name):
		a.Name, a.Chain, client = q.name, q.chainTo(l.Name), q.client
	}
	told(r, l.Head, client, a)
	return nil
}

// State implements [Parser].
func (p *dnsmasqParser) State() []byte { return p.asked.state() }

// Restore implements [Parser].
func (p *dnsmasqParser) Restore(state []byte) error { return p.asked.restore(state) }
