package zeek

import (
	"bytes"
	"encoding/json"
	"time"

	"tripline/learn/source/internal/scan"
)

// latestSecond is what tells seconds since 1970 from milliseconds, which Zeek
// writes if it is told to: the end of the year 5138.
const latestSecond = 100_000_000_000

// moment reads a time: seconds since 1970 with a fraction, milliseconds, or the
// text of RFC 3339. Times near 1970 are those of captures that began at 0.
func moment(b []byte) (time.Time, bool) {
	if len(b) > 10 && b[4] == '-' {
		var s scan.Stamp
		t, n, zoned := s.ISO(b)
		return t, n == len(b) && zoned
	}
	whole, frac, ok := decimal(b)
	if ok && whole > latestSecond {
		whole, frac = whole/1000, whole%1000*1000+frac/1000
	}
	return time.Unix(int64(whole), int64(frac)*1000).UTC(), ok && whole <= latestSecond
}

// span reads a number of seconds with a fraction.
func span(b []byte) (time.Duration, bool) {
	whole, frac, ok := decimal(b)
	return time.Duration(whole)*time.Second + time.Duration(frac)*time.Microsecond, ok && whole < 1<<32
}

// decimal reads a number and its fraction, rounded to millionths: JSON has all
// the digits of a binary fraction.
func decimal(b []byte) (whole, frac uint64, ok bool) {
	i := 0
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		whole = whole*10 + uint64(b[i]-'0')
	}
	if i == 0 || i > 15 {
		return 0, 0, false
	}
	if i == len(b) {
		return whole, 0, true
	}
	if b[i] == '.' {
		frac, i = fraction(b, i+1)
	}
	if i < len(b) {
		return exponent(b)
	}
	return whole + frac/1e6, frac % 1e6, true
}

// fraction reads the digits behind the point: seven of them, to be rounded.
func fraction(b []byte, i int) (frac uint64, end int) {
	digits := 0
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		if digits < 7 {
			frac = frac*10 + uint64(b[i]-'0')
			digits++
		}
	}
	for ; digits < 7; digits++ {
		frac *= 10
	}
	return (frac + 5) / 10, i
}

// exponent reads a number as 1.5e-05, which is how small ones are written.
func exponent(b []byte) (whole, frac uint64, ok bool) {
	var f float64
	if json.Unmarshal(b, &f) != nil || f < 0 || f > 1e15 {
		return 0, 0, false
	}
	micros := uint64(f*1e6 + 0.5)
	return micros / 1e6, micros % 1e6, true
}

// hash makes an odd number of a connection's identity, the same in every run
// (FNV-1a, 64 bit). Even ones are free for what else is said of it.
func hash(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h | 1
}

// text returns a value without escapes.
func (d *Decoder) text(b []byte) []byte {
	if bytes.IndexByte(b, '\\') < 0 {
		return b
	}
	if d.json {
		return unquote(b)
	}
	from := len(d.spare)
	for i := 0; i < len(b); i++ {
		if i+3 < len(b) && b[i] == '\\' && b[i+1] == 'x' && hex(b[i+2]) < 16 && hex(b[i+3]) < 16 {
			d.spare = append(d.spare, hex(b[i+2])<<4|hex(b[i+3]))
			i += 3
			continue
		}
		d.spare = append(d.spare, b[i])
	}
	return d.spare[from:len(d.spare):len(d.spare)]
}

// unquote reads the escapes of JSON, which names of hosts do not have.
func unquote(b []byte) []byte {
	var s string
	if json.Unmarshal(append(append([]byte{'"'}, b...), '"'), &s) != nil {
		return b
	}
	return []byte(s)
}

func hex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 16
}

// list returns the elements of a value, without the brackets of JSON; nil if
// there are none.
func (d *Decoder) list(b []byte) []byte {
	if d.json && len(b) >= 2 && b[0] == '[' {
		b = bytes.TrimSpace(b[1 : len(b)-1])
	}
	if len(b) == 0 {
		return nil
	}
	return b
}

// element returns the first element of a list, and the rest of it.
func (d *Decoder) element(b []byte) (first, rest []byte) {
	if !d.json {
		first, rest, _ = bytes.Cut(b, []byte{d.header.Set})
		return first, rest
	}
	at := 0
	for at < len(b) && b[at] != ',' && b[at] != '"' {
		at++
	}
	if at < len(b) && b[at] == '"' {
		end := closing(b, at+1)
		if end < 0 {
			return b, nil
		}
		first, b = b[at+1:end], b[end+1:]
	} else {
		first, b = bytes.TrimSpace(b[:at]), b[at:]
	}
	_, rest, _ = bytes.Cut(b, []byte{','})
	return first, rest
}
