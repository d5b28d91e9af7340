package dnslog

import (
	"encoding/base64"
	"errors"
	"net/netip"

	"tripline/learn"
	"tripline/learn/source/internal/scan"
)

// An Entry is one line of AdGuard Home's query log.
type Entry struct {
	Head
	Client netip.Addr // invalid where the log has none
	Answer learn.Answer
}

// Adguard reads the lines of AdGuard Home. The zero value is ready.
type Adguard struct {
	stamp scan.Stamp
	names Names
	wire  []byte
}

// fields are the values of a line that matter, as JSON.
type fields struct{ time, name, client, answer []byte }

func (f *fields) set(key, value []byte) {
	switch string(key) {
	case "T":
		f.time = value
	case "QH":
		f.name = value
	case "IP":
		f.client = value
	case "Answer":
		f.answer = value
	}
}

// Decode reads one line into e.
func (d *Adguard) Decode(b []byte, e *Entry) *scan.Error {
	*e = Entry{}
	var f fields
	switch err := object(b, f.set); {
	case errors.Is(err, errCut):
		return scan.Fault(scan.CutShort, "", b)
	case err != nil || f.time == nil && f.name == nil:
		return scan.Fault(scan.NotALog, "", b)
	}
	stamp, ok := text(f.time)
	t, n, zoned := d.stamp.ISO(stamp)
	if !ok || n == 0 || n != len(stamp) {
		return scan.Fault(scan.BadTime, "T", f.time)
	}
	e.Time, e.Zoneless = t, !zoned
	if err := d.client(f.client, e); err != nil {
		return err
	}
	return d.answer(&f, e)
}

func (d *Adguard) client(value []byte, e *Entry) *scan.Error {
	who, ok := text(value)
	if !ok || len(who) == 0 {
		return nil
	}
	if e.Client, ok = scan.Addr(who); !ok {
		return scan.Fault(scan.BadAddress, "IP", who)
	}
	return nil
}

// answer reads the message that the client was sent. The name is what the log
// says was asked for: the message of a rewritten answer may say another.
func (d *Adguard) answer(f *fields, e *Entry) *scan.Error {
	packed, ok := text(f.answer)
	if !ok || len(packed) == 0 {
		return nil // nothing was answered, or nothing that could be packed
	}
	d.wire = grown(d.wire, base64.StdEncoding.DecodedLen(len(packed)))
	n, err := base64.StdEncoding.Decode(d.wire, packed)
	if err != nil {
		return scan.Fault(scan.BadText, "Answer", packed)
	}
	if e.Answer, err = Message(d.wire[:n]); err != nil {
		return scan.Fault(scan.BadText, "Answer", packed)
	}
	if name, ok := text(f.name); ok && len(name) > 0 {
		e.Answer.Name = d.names.Get([]byte(service(string(name))))
	}
	return nil
}

func grown(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}
