package zeek

import (
	"bytes"

	"tripline/learn/source/internal/scan"
)

// A key is how a line of JSON names a field: `"uid":`. Zeek writes the keys of a
// log in one order and leaves out those without a value, so the next one is
// mostly the one that came next before, or one of the few behind it.
type key struct {
	text  string
	field field
}

// mostKeys bounds how many are remembered; the logs have some 40 each.
const mostKeys = 256

// object reads the fields of a line that begins with {.
func (d *Decoder) object(b []byte) *scan.Error {
	at, next := 1, 0
	for first := true; ; first = false {
		at = blank(b, at)
		if at >= len(b) {
			return cut()
		}
		if b[at] == '}' {
			return d.behind(b[at+1:])
		}
		if !first {
			if b[at] != ',' {
				return scan.Fault(NotJSON, "", b[at:])
			}
			at = blank(b, at+1)
		}
		var f field
		if f, next, at = d.key(b, at, next); at < 0 {
			return cut()
		}
		v, end := value(b, blank(b, at))
		if end < 0 {
			return cut()
		}
		if at = end; f != none && len(v) > 0 && string(v) != "null" {
			d.values[f] = v
		}
	}
}

func cut() *scan.Error { return scan.Fault(scan.CutShort, "", nil) }

// behind wants nothing behind the object: else two lines have become one.
func (d *Decoder) behind(rest []byte) *scan.Error {
	if len(rest) > 0 && len(bytes.TrimSpace(rest)) > 0 {
		return scan.Fault(NotJSON, "", rest)
	}
	return nil
}

// blank passes over blanks, which Zeek does not write but others do.
func blank(b []byte, at int) int {
	for at < len(b) && (b[at] == ' ' || b[at] == '\t') {
		at++
	}
	return at
}

// key reads a key and its colon. End is behind them, negative if they are not
// whole; next is where the following key is expected.
func (d *Decoder) key(b []byte, at, next int) (f field, after, end int) {
	const ahead = 6
	for i := next; i < len(d.keys) && i < next+ahead; i++ {
		k := &d.keys[i]
		if n := at + len(k.text); n <= len(b) && string(b[at:n]) == k.text {
			return k.field, i + 1, n
		}
	}
	return d.newKey(b, at, next)
}

// newKey reads a key that was not expected, and puts it where it was met.
func (d *Decoder) newKey(b []byte, at, next int) (f field, after, end int) {
	name, end := value(b, at)
	if end < 0 || b[at] != '"' {
		return none, next, -1
	}
	colon := blank(b, end)
	if colon >= len(b) || b[colon] != ':' {
		return none, next, -1
	}
	f = fieldNames[string(name)]
	if len(d.keys) >= mostKeys {
		d.keys = d.keys[:0]
		next = 0
	}
	if colon-at <= 40 {
		d.keys = append(d.keys, key{})
		copy(d.keys[next+1:], d.keys[next:])
		d.keys[next] = key{string(b[at : colon+1]), f}
		next++
	}
	return f, next, colon + 1
}

// value reads what stands at a place: a string without its quotes, else the text
// as it is. End is behind it, negative if it is not whole.
func value(b []byte, at int) (v []byte, end int) {
	if at >= len(b) {
		return nil, -1
	}
	switch b[at] {
	case '"':
		end = closing(b, at+1)
		if end < 0 {
			return nil, -1
		}
		return b[at+1 : end], end + 1
	case '[', '{':
		end = nested(b, at)
		if end < 0 {
			return nil, -1
		}
		return b[at:end], end
	}
	end = at
	for end < len(b) && b[end] != ',' && b[end] != '}' && b[end] != ']' && b[end] > ' ' {
		end++
	}
	if end == at || end == len(b) {
		return nil, -1
	}
	return b[at:end], end
}

// closing returns where the string ends whose text begins at a place.
func closing(b []byte, at int) int {
	for from := at; ; {
		n := bytes.IndexByte(b[from:], '"')
		if n < 0 {
			return -1
		}
		quote := from + n
		slashes := 0
		for quote-slashes > at && b[quote-slashes-1] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return quote
		}
		from = quote + 1
	}
}

// nested returns where a list or an object ends.
func nested(b []byte, at int) int {
	depth := 0
	for at < len(b) {
		switch b[at] {
		case '"':
			if at = closing(b, at+1); at < 0 {
				return -1
			}
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return at + 1
			}
		}
		at++
	}
	return -1
}
