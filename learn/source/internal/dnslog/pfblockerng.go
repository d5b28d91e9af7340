package dnslog

import (
	"net/netip"
	"time"

	"tripline/learn/source/internal/scan"
)

// A Reply is one line of pfBlockerNG's log of DNS replies.
type Reply struct {
	Head
	Name   string        // what was asked for, canonical; "" if it can be no host's
	Client netip.Addr    // invalid where the log does not know
	Addr   netip.Addr    // invalid where the answer has none
	TTL    time.Duration // negative where the log does not know
}

// Pfblockerng reads the lines of pfBlockerNG.
type Pfblockerng struct {
	stamp scan.Stamp
	names Names
}

// NewPfblockerng returns a reader of logs whose stamps are of zone; nil is UTC.
func NewPfblockerng(zone *time.Location) *Pfblockerng {
	return &Pfblockerng{stamp: scan.Stamp{Zone: zone}}
}

// replyFields is how many fields a line has. The name is as the client asked for
// it, commas included: a line of another number is not to be taken apart.
const replyFields = 10

// Decode reads one line into r.
func (p *Pfblockerng) Decode(b []byte, newest time.Time, r *Reply) *scan.Error {
	*r = Reply{}
	fields, n := split(b)
	if string(fields[0]) != "DNS-reply" {
		return otherLine(fields[0], n)
	}
	if n < replyFields {
		return scan.Fault(scan.CutShort, "", b)
	}
	if n > replyFields {
		return scan.Fault(scan.BadText, "name", b)
	}
	if err := p.time(fields[1], newest, r); err != nil {
		return err
	}
	r.Name = p.names.Get(fields[6])
	r.TTL = seconds(fields[5])
	var ok bool
	if r.Client, ok = scan.Addr(fields[7]); !ok && string(fields[7]) != "Unknown" {
		return scan.Fault(scan.BadAddress, "client", fields[7])
	}
	if a, ok := scan.Addr(fields[8]); ok && Host(a) {
		r.Addr = a
	}
	return nil
}

// split returns the fields of a line, and how many there are.
func split(b []byte) (fields [replyFields][]byte, n int) {
	if len(b) > 0 && b[len(b)-1] == '\r' {
		b = b[:len(b)-1]
	}
	for f := scan.Split(b); f.More; n++ {
		field := f.Next(',')
		if n < replyFields {
			fields[n] = field
		}
	}
	return fields, n
}

// otherLine says what a line is that is no reply: unified.log has those of what
// was blocked as well.
func otherLine(first []byte, n int) *scan.Error {
	switch string(first) {
	case "DNSBL-python", "DNSBL-Full", "DNSBL-1x1", "DNSBL", "Block", "Permit", "Match":
		if n > 1 {
			return scan.Fault(scan.OtherProgram, "", first)
		}
	}
	return scan.Fault(scan.NotALog, "", first)
}

// time reads "Nov 22 16:31:17", and "11/22/26 16:31:17" as a fork writes it.
func (p *Pfblockerng) time(b []byte, newest time.Time, r *Reply) *scan.Error {
	r.Zoneless = true
	if len(b) == len("11/22/26 16:31:17") && b[2] == '/' && b[5] == '/' && b[8] == ' ' {
		iso := []byte("2000-00-00T")
		copy(iso[2:], b[6:8])
		copy(iso[5:], b[:2])
		copy(iso[8:], b[3:5])
		t, n, _ := p.stamp.ISO(append(iso, b[9:]...))
		if n == 0 {
			return scan.Fault(scan.BadTime, "time", b)
		}
		r.Time = t
		return nil
	}
	t, n := p.stamp.BSD(b, newest)
	switch {
	case n == 0 || n != len(b):
		return scan.Fault(scan.BadTime, "time", b)
	case newest.IsZero():
		return scan.Fault(scan.NoDate, "time", b)
	}
	r.Time = t
	return nil
}

// seconds reads a time to live. RFC 2181, section 8: 31 bits.
func seconds(b []byte) time.Duration {
	n, ok := scan.Uint(b, 1<<31-1)
	if !ok {
		return -1
	}
	return time.Duration(n) * time.Second
}
