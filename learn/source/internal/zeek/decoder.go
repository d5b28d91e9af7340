package zeek

import (
	"bytes"
	"net/netip"
	"time"

	"tripline/learn/source/internal/scan"
)

// Causes that a line cannot be read for, beside those of package scan.
const (
	NoHeader scan.Cause = "columns without a #fields line before them"
	NotJSON  scan.Cause = "not one JSON object"
)

// A Line is what a line says that is looked at. Its texts are valid until the
// next one is read.
type Line struct {
	Kind             Kind
	Time             time.Time // when it began
	UID              uint64    // of the connection, hashed; 0 if it has none
	Src, Dst         netip.Addr
	SrcPort, DstPort uint16
	Proto            uint8 // 0 if it is not told

	State              string // of a connection: S0, SF, ...
	SrcLocal, DstLocal bool   // as Zeek was told
	Up, Down           uint64 // bytes of payload, as Src sees it

	Query   []byte        // what was asked for
	Type    uint16        // of the record that was asked for
	Refused bool          // it was not answered with what was asked for
	Delay   time.Duration // until the answer came
	Answers [][]byte
	TTL     time.Duration // the shortest; negative if there is none

	Host   []byte // the name that the connection itself says
	Method []byte // of HTTP
	URI    []byte
}

// A Decoder reads the lines of one log, in order. The zero value is not usable.
type Decoder struct {
	header  header
	columns []column
	kind    Kind // of the rows

	keys   []key // of JSON, in the order in which they were met
	values [fields][]byte
	json   bool // values are as JSON writes them

	answers [][]byte
	spare   []byte // texts without their escapes
}

// New returns a Decoder that has seen no header yet.
func New() *Decoder { return &Decoder{header: plain} }

// Decode reads a line into l. Read is false, without an error, for a line that
// is no record: part of a header, the mark at the end of a file, an empty line.
func (d *Decoder) Decode(line []byte, l *Line) (read bool, err *scan.Error) {
	text := line
	if len(line) == 0 || line[0] <= ' ' || line[0] >= 0x7f {
		text = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")))
	}
	if len(text) == 0 {
		return false, nil
	}
	d.values, d.spare = [fields][]byte{}, d.spare[:0]
	kind := d.kind
	switch {
	case text[0] == '#':
		return false, d.note(text)
	case text[0] == '{':
		d.json = true
		if err = d.object(text); err == nil {
			kind = d.kindOfObject()
		}
	case d.header.Fields == "":
		return false, scan.Fault(NoHeader, "", line)
	default:
		d.json = false
		if kind != Unread {
			err = d.row(line)
		}
	}
	if err == nil && kind == Unread {
		err = scan.Fault(scan.OtherProgram, "", nil)
	}
	if err == nil {
		err = d.fill(kind, l)
	}
	return err == nil, err
}

// kindOfObject says which log a line of JSON is of.
func (d *Decoder) kindOfObject() Kind {
	if p := d.values[path]; p != nil {
		return kindOf(string(p))
	}
	for _, k := range known {
		if d.values[k.field] != nil {
			return k.kind
		}
	}
	return Unread
}

// row reads the columns that are looked at. A row that ends before the last of
// them was cut.
func (d *Decoder) row(line []byte) *scan.Error {
	sep, f := d.header.Separator, scan.Split(line)
	for _, c := range d.columns {
		f.Skip(c.skip, sep)
		if !f.More {
			return scan.Fault(scan.CutShort, "", nil)
		}
		v := f.Next(sep)
		if string(v) == d.header.Unset || string(v) == d.header.Empty {
			v = nil
		}
		d.values[c.field] = v
	}
	return nil
}
