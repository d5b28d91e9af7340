package source

import (
	"net/netip"

	"tripline/learn"
	"tripline/learn/source/internal/dnslog"
	"tripline/learn/source/internal/scan"
)

// told sets r to what a log of DNS says: who asked, and what they were told. Only
// an answer with a name and an address to somebody is evidence.
func told(r *Record, head dnslog.Head, client netip.Addr, a *learn.Answer) {
	*r = Record{
		Flow:       learn.Flow{Time: head.Time, Proto: learn.UDP, Src: client, DstPort: 53},
		RuleNumber: -1, Version: version(client), ZoneAssumed: head.Zoneless, TimeAssumed: head.Timeless,
		Why: NoAnswer,
	}
	switch {
	case a == nil || a.Name == "" || len(a.Addrs) == 0:
	case !client.IsValid():
		r.Why = Unasked
	default:
		a.Time, a.Client = head.Time, client
		r.Answer, r.Why = a, Resolution
	}
}

func version(a netip.Addr) uint8 {
	switch {
	case a.Is4():
		return 4
	case a.Is6():
		return 6
	}
	return 0
}

// faulty sets r to nothing and says what was wrong.
func faulty(r *Record, source string, err *scan.Error) error {
	*r = Record{}
	return &RecordError{Source: source, Field: err.Field, Cause: err.Cause, Text: err.Text}
}
