package filterlog

import (
	"bytes"
	"math"

	"tripline/learn/source/internal/scan"
)

// record reads the values: what all packets have, then what is theirs.
func (d *Decoder) record(csv []byte, l *Line) *scan.Error {
	csv, label := ruleAtEnd(csv)
	f := scan.Split(csv)
	if !d.rules.recall(&f, l) {
		if err := d.common(&f, l); err != nil {
			return err
		}
		d.rules.keep(csv[:len(csv)-len(f.Rest())], l)
	}
	if label != nil && l.Tracker == "0" {
		var err *scan.Error
		if l.Tracker, err = d.intern(&d.tracker, "tracker", label); err != nil {
			return err
		}
	}
	version := f.Next(',')
	if len(version) != 1 || !f.More {
		return badVersion(version)
	}
	switch version[0] {
	case '4':
		l.Version = 4
		return d.ipv4(&f, l)
	case '6':
		l.Version = 6
		return d.ipv6(&f, l)
	}
	return badVersion(version)
}

func badVersion(b []byte) *scan.Error {
	switch string(b) {
	case "":
		return scan.Fault(scan.CutShort, "version", nil)
	case "4", "6":
		return scan.Fault(scan.CutShort, "version", b)
	}
	return scan.Fault(scan.BadVersion, "version", b)
}

// common reads fields 0 to 7.
func (d *Decoder) common(f *scan.Fields, l *Line) *scan.Error {
	var err *scan.Error
	if l.Rule, err = ruleNumber(f.Next(',')); err != nil {
		return err
	}
	if !f.More { // "[|pflog]" and other texts without any comma
		return scan.Fault(scan.CutShort, "rulenum", nil)
	}
	f.Next(',') // number within the anchor
	if l.Anchor, err = d.word(&d.anchor, "anchor", f); err != nil {
		return err
	}
	if l.Tracker, err = d.word(&d.tracker, "tracker", f); err != nil {
		return err
	}
	if l.Interface, err = d.word(&d.iface, "realint", f); err != nil {
		return err
	}
	if l.Reason, err = d.word(&d.reason, "reason", f); err != nil {
		return err
	}
	if l.Act, err = d.word(&d.act, "act", f); err != nil {
		return err
	}
	l.Direction, err = d.word(&d.direction, "direction", f)
	return err
}

func ruleNumber(b []byte) (int64, *scan.Error) {
	if len(b) == 0 {
		return -1, nil
	}
	n, ok := scan.Uint(b, math.MaxUint32)
	switch {
	case !ok && b[0]-'0' > 9:
		return 0, scan.Fault(scan.NotALog, "", b)
	case !ok:
		return 0, scan.Fault(scan.BadNumber, "rulenum", b)
	case n == math.MaxUint32: // what pf says where no rule decided
		return -1, nil
	}
	return int64(n), nil
}

// ruleAtEnd takes off the rule's label where OPNsense 20.7 to 21.1 put it:
// behind all other values, with a tracker of 0.
func ruleAtEnd(csv []byte) (rest, label []byte) {
	n := len(csv) - 33
	if n < 0 || csv[n] != ',' {
		return csv, nil
	}
	for _, c := range csv[n+1:] {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return csv, nil
		}
	}
	f := scan.Split(csv)
	f.Skip(3, ',')
	if string(f.Next(',')) != "0" {
		return csv, nil
	}
	return csv[:n+1], csv[n+1:]
}

// class passes over the first IP field, tos or traffic class, and the text that
// stands before it when the packet was cut before it was logged. Nothing follows
// that text if the addresses were cut as well.
func class(f *scan.Fields) *scan.Error {
	first := f.Next(',')
	if bytes.HasPrefix(first, []byte("error=")) || bytes.HasPrefix(first, []byte("truncated-ip")) {
		if !f.More || len(f.Rest()) == 0 {
			return scan.Fault(scan.NoAddresses, "", first)
		}
		first = f.Next(',')
	}
	if len(first) < 3 || first[0] != '0' || first[1] != 'x' {
		return cutOrMalformed(f, first)
	}
	return nil
}

// cutOrMalformed tells a line that was cut from one about a packet that was:
// "bad-hlen=16),", "bad-len=10,", "[|ip]),", " IP(truncated-ip 3) ".
func cutOrMalformed(f *scan.Fields, b []byte) *scan.Error {
	for _, text := range []string{"bad-", "[|ip]", " IP("} {
		if bytes.HasPrefix(b, []byte(text)) {
			return scan.Fault(scan.NoAddresses, "", b)
		}
	}
	if !f.More {
		return scan.Fault(scan.CutShort, "tos", b)
	}
	return scan.Fault(scan.BadNumber, "tos", b)
}
