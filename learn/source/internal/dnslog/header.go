package dnslog

import (
	"bytes"
	"time"

	"tripline/learn/source/internal/scan"
)

// The headers, as they are met: what a program writes into a file of its own,
// what syslogs make of that, and what a container prints.
//
//	Nov 22 12:00:00 dnsmasq[123]: TEXT
//	Nov 22 12:00:00 HOST dnsmasq[123]: TEXT
//	<30>Nov 22 12:00:00 HOST dnsmasq[123]: TEXT
//	<30>1 2026-11-22T12:00:00.123456+01:00 HOST dnsmasq 123 - - TEXT
//	2026-11-22T12:00:00.123456+01:00 HOST dnsmasq[123]: TEXT
//	dnsmasq: TEXT

// A Header reads what comes before the text of a line.
type Header struct {
	Program string
	Stamp   scan.Stamp
}

// A Head is what a header said.
type Head struct {
	Time     time.Time
	Zoneless bool // the stamp had no zone
	Timeless bool // there was none; Time is that of the file
}

// Read returns the text of a line, and fills head.
func (h *Header) Read(b []byte, newest time.Time, head *Head) ([]byte, *scan.Error) {
	*head = Head{}
	line := bytes.TrimSuffix(b, []byte{'\r'})
	b = priority(line)
	switch {
	case len(b) == 0:
		return nil, scan.Fault(scan.NotALog, "", nil)
	case len(b) < len(line) && b[0] == '1' && len(b) > 1 && b[1] == ' ':
		return h.rfc5424(line, b[2:], head)
	case b[0] >= 'A' && b[0] <= 'Z':
		return h.bsd(line, b, newest, head)
	case b[0]-'0' <= 9:
		t, n, zoned := h.Stamp.ISO(b)
		if n == 0 || n+1 >= len(b) || b[n] != ' ' {
			return nil, scan.Fault(scan.NotALog, "", line)
		}
		head.Time, head.Zoneless = t, !zoned
		return h.tag(line, b[n+1:])
	}
	if head.Time, head.Timeless = newest, true; newest.IsZero() {
		return nil, scan.Fault(scan.NoDate, "time", nil)
	}
	return h.tag(line, b)
}

// priority passes over "<30>".
func priority(b []byte) []byte {
	if len(b) < 3 || b[0] != '<' {
		return b
	}
	if end := bytes.IndexByte(b[:min(5, len(b))], '>'); end > 1 {
		if _, ok := scan.Uint(b[1:end], 191); ok {
			return b[end+1:]
		}
	}
	return b
}

func (h *Header) bsd(line, b []byte, newest time.Time, head *Head) ([]byte, *scan.Error) {
	t, n := h.Stamp.BSD(b, newest)
	if n == 0 || n+1 >= len(b) || b[n] != ' ' {
		return nil, scan.Fault(scan.NotALog, "", line)
	}
	if newest.IsZero() {
		return nil, scan.Fault(scan.NoDate, "time", b[:n])
	}
	head.Time, head.Zoneless = t, true
	return h.tag(line, b[n+1:])
}

// tag passes over "HOST dnsmasq[123]: ", with the host or without.
func (h *Header) tag(line, b []byte) ([]byte, *scan.Error) {
	f := scan.Split(b)
	word := f.Next(' ')
	if len(word) > 0 && word[len(word)-1] != ':' && f.More {
		word = f.Next(' ')
	}
	if len(word) < 2 || word[len(word)-1] != ':' {
		return nil, scan.Fault(scan.NotALog, "", line)
	}
	if !h.is(word[:len(word)-1]) {
		return nil, scan.Fault(scan.OtherProgram, "", word)
	}
	return f.Rest(), nil
}

// is says whether a tag is the program's: "dnsmasq" or "dnsmasq[123]", and not
// "dnsmasq-dhcp[123]".
func (h *Header) is(tag []byte) bool {
	n := len(h.Program)
	if len(tag) < n || string(tag[:n]) != h.Program {
		return false
	}
	return len(tag) == n || tag[n] == '[' && tag[len(tag)-1] == ']'
}

// rfc5424 reads what follows "<30>1 ". Structured data is passed over where it
// is "-" or one element without blanks in its values' brackets.
func (h *Header) rfc5424(line, b []byte, head *Head) ([]byte, *scan.Error) {
	t, n, zoned := h.Stamp.ISO(b)
	if n == 0 || n+1 >= len(b) || b[n] != ' ' {
		return nil, scan.Fault(scan.BadTime, "time", line)
	}
	head.Time, head.Zoneless = t, !zoned
	f := scan.Split(b[n+1:])
	f.Next(' ') // host
	if program := f.Next(' '); !h.is(program) {
		return nil, scan.Fault(scan.OtherProgram, "", program)
	}
	f.Skip(2, ' ') // process and message
	rest := f.Rest()
	if bytes.HasPrefix(rest, []byte("- ")) {
		return rest[2:], nil
	}
	if end := bytes.Index(rest, []byte("] ")); len(rest) > 0 && rest[0] == '[' && end > 0 {
		return rest[end+2:], nil
	}
	return nil, scan.Fault(scan.CutShort, "", line)
}
