package source

import (
	"time"

	"tripline/learn/source/internal/dnslog"
)

// What AdGuard Home writes to querylog.json: a JSON object a line, with the
// answer as it was on the wire. It is written when a thousand answers came
// together, unless size_memory says less.
//
//	{"T":"2026-11-22T12:00:00.123456789+01:00","QH":"www.example","QT":"A","QC":"IN","CP":"","Answer":"AAGBg...","IP":"192.0.2.50","Result":{},"Elapsed":1234567}
var adguardSource = Source{
	Name:  "adguard",
	Short: "The query log of AdGuard Home",
	Sees:  Sees{Names: true, Evidence: true, Blind: "connections; clients, where their addresses are made anonymous"},
	Speaks: Speaks{
		How:   "in AdGuard Home, Settings, General settings: enable the log, and do not anonymize clients; what it holds in memory is written later",
		Where: "name querylog.json, in the data folder of AdGuard Home",
	},
	Lines: func(Options) Parser { return &adguardParser{} }, // its stamps carry a zone
	Sniff: sniffLog,
}

type adguardParser struct {
	decoder dnslog.Adguard
	entry   dnslog.Entry
	stateless
}

// Parse implements [Parser].
func (p *adguardParser) Parse(line []byte, _ time.Time, r *Record) error {
	if err := p.decoder.Decode(line, &p.entry); err != nil {
		return faulty(r, "adguard", err)
	}
	a := p.entry.Answer
	told(r, p.entry.Head, p.entry.Client, &a)
	return nil
}
