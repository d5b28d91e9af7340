package filterlog

import (
	"bytes"
	"time"

	"tripline/learn/source/internal/scan"
)

// A Decoder reads the lines of one log. The zero value is ready and takes
// stamps without a zone as UTC. It is not for concurrent use.
type Decoder struct {
	stamp scan.Stamp
	words scan.Words

	anchor, tracker, iface, reason, act, direction scan.Last

	flags, icmp, frag scan.Last

	rules rules // the ones that lines were about lately

	tag5424, tagBSD []byte // what stood between stamp and values in the line before
}

// New returns a decoder for a firewall whose clock is in zone.
func New(zone *time.Location) *Decoder {
	return &Decoder{stamp: scan.Stamp{Zone: zone}}
}

// Decode reads one line into l. Newest is when the log was last written, for
// stamps that have no year and lines that have no stamp: without it they are
// errors. On an error l is zero.
func (d *Decoder) Decode(line []byte, newest time.Time, l *Line) *scan.Error {
	*l = Line{}
	if err := d.decode(line, newest, l); err != nil {
		*l = Line{}
		if bytes.IndexByte(line, 0) >= 0 {
			return scan.Fault(scan.Binary, "", nil)
		}
		return err
	}
	return nil
}

func (d *Decoder) decode(line []byte, newest time.Time, l *Line) *scan.Error {
	csv, err := d.header(line, newest, l)
	if err != nil {
		return err
	}
	if l.Timeless && newest.IsZero() {
		return scan.Fault(scan.NoDate, "time", nil)
	}
	return d.record(csv, l)
}

// word reads a field that repeats from line to line.
func (d *Decoder) word(last *scan.Last, name string, f *scan.Fields) (string, *scan.Error) {
	if word, ok := last.Next(f, ','); ok {
		return word, nil
	}
	return d.intern(last, name, f.Next(','))
}

// intern keeps one string for each word.
func (d *Decoder) intern(last *scan.Last, name string, b []byte) (string, *scan.Error) {
	s, ok := d.words.Get(last, b)
	if !ok {
		return "", scan.Fault(scan.BadText, name, b)
	}
	return s, nil
}
