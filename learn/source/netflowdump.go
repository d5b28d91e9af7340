package source

import (
	"bytes"
	"errors"
	"io"
	"time"

	"tripline/learn/source/internal/netflow"
	"tripline/learn/source/internal/scan"
)

// A netflowDump is what nfdump printed of the files of nfcapd: objects of JSON, in an
// array or one behind the other. Their layout on disk is nfdump's own.
//
//	nfdump -r nfcapd.202603281200 -o json
type netflowDump struct {
	*netflowFile
	zone   *time.Location
	record netflow.Record
	object []byte
	read   int64
}

// mostDumped is the longest object that is read: nfdump's have less than 2 KiB.
const mostDumped = 1 << 16

// isDump says whether a file begins with what nfdump prints.
func isDump(head []byte) bool {
	head = bytes.TrimLeft(head, "[ \t\r\n")
	return bytes.HasPrefix(head, []byte("{")) && bytes.Contains(head, []byte(`"first"`)) && bytes.Contains(head, []byte(`"type"`))
}

// next implements [netflowInput].
func (d *netflowDump) next() (netflow.Datagram, error) {
	switch ok, err := d.cut(); {
	case err != nil:
		return netflow.Datagram{}, err
	case !ok:
		d.count++
		return netflow.Datagram{}, scan.Fault(scan.BadText, "", nil)
	}
	d.count++
	received, err := netflow.Undump(d.object, d.zone, &d.record)
	if err != nil {
		return netflow.Datagram{}, err
	}
	return netflow.Datagram{Received: received, Record: &d.record}, nil
}

// cut reads the next object, up to the brace that ends it; ok is false if it is too
// long or has no beginning. What is between objects is left out. One that has no end is
// torn.
func (d *netflowDump) cut() (ok bool, err error) {
	d.object = d.object[:0]
	for depth, size, inside, escaped := 0, 0, false, false; ; {
		c, err := d.in.ReadByte()
		if errors.Is(err, io.EOF) && size > 0 {
			d.torn = size
		}
		if err != nil {
			return false, err
		}
		d.read++
		switch {
		case escaped:
			escaped = false
		case inside && c == '\\':
			escaped = true
		case c == '"' && depth > 0:
			inside = !inside
		case inside:
		case c == '{':
			depth++
		case c == '}' && depth > 0:
			depth--
		}
		if depth == 0 && c != '}' {
			continue
		}
		if size++; size <= mostDumped {
			d.object = append(d.object, c)
		}
		if depth == 0 { // alone it is the end of what has no beginning
			return size > 1 && size <= mostDumped, nil
		}
	}
}

func (d *netflowDump) stats(s *Stats) { s.Bytes, s.Torn = d.read, int64(d.torn) }
