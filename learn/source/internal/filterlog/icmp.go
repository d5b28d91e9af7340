package filterlog

import (
	"strconv"

	"tripline/learn/source/internal/scan"
)

// icmpGlued reads ICMP as pfSense writes it: words of its own for each type,
// and the payload length behind the last value without a comma. That length is
// the packet's, less a header without options: "request,5113,6664" in a packet of
// 84 bytes is number 66.
func (d *Decoder) icmpGlued(f *scan.Fields, l *Line) *scan.Error {
	kind := f.Next(',')
	if !f.More {
		kind = unglue(kind, l.Length)
	}
	kind = routerAdvert(kind)
	var err *scan.Error
	if l.ICMP, err = d.intern(&d.icmp, "icmp_type", kind); err != nil {
		return err
	}
	switch l.ICMP {
	case "request", "reply", "tstamp":
		id := f.Next(',')
		if b := f.Next(','); !f.More {
			echo(l, id, unglue(b, l.Length))
		}
	}
	l.DataLength = int64(l.Length) - 20
	return nil
}

// unglue takes off the payload length, where it is there.
func unglue(b []byte, length uint32) []byte {
	if length < 20 {
		return b
	}
	var room [10]byte
	glued := strconv.AppendUint(room[:0], uint64(length-20), 10)
	if n := len(b) - len(glued); n > 0 && string(b[n:]) == string(glued) {
		return b[:n]
	}
	return b
}

// routerAdvert parts "routeradv" from the lifetime glued to it.
func routerAdvert(b []byte) []byte {
	const word = "routeradv"
	if len(b) > len(word) && string(b[:len(word)]) == word {
		return b[:len(word)]
	}
	return b
}
