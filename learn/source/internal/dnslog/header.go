package dnslog

import (
	"time"

	"tripline/learn/source/internal/scan"
	"tripline/learn/source/internal/syslog"
)

// A Head is what stands before the text of a line said.
type Head struct {
	Time     time.Time
	Zoneless bool // the stamp had no zone
	Timeless bool // there was none; Time is that of the file
}

// A logger reads the lines of one program: as it writes them into a file of its
// own, as a syslog passes them on, or as a container prints them.
type logger struct {
	program string
	header  *syslog.Reader
}

// read returns the text of a line, and fills head.
func (l *logger) read(line []byte, newest time.Time, head *Head) ([]byte, *scan.Error) {
	var h syslog.Header
	rest := l.header.Read(line, newest, &h)
	*head = Head{h.Time, h.Zoneless, h.Timeless}
	if h.Timeless {
		head.Time = newest
	}
	text, err := l.text(line, rest, &h)
	if err == nil && head.Time.IsZero() {
		return nil, scan.Fault(scan.NoDate, "time", line)
	}
	return text, err
}

// text passes over the program's name, which RFC 5424 has in a field of its own.
func (l *logger) text(line, rest []byte, h *syslog.Header) ([]byte, *scan.Error) {
	if h.Program == nil {
		return l.tagged(line, rest)
	}
	if !l.is(h.Program) {
		return nil, scan.Fault(scan.OtherProgram, "", h.Program)
	}
	return rest, nil
}

// tagged passes over "HOST dnsmasq[123]: ", with the host or without.
func (l *logger) tagged(line, b []byte) ([]byte, *scan.Error) {
	f := scan.Split(b)
	word := f.Next(' ')
	if len(word) > 0 && word[len(word)-1] != ':' && f.More {
		word = f.Next(' ')
	}
	if len(word) < 2 || word[len(word)-1] != ':' {
		return nil, scan.Fault(scan.NotALog, "", line)
	}
	if !l.is(word[:len(word)-1]) {
		return nil, scan.Fault(scan.OtherProgram, "", word)
	}
	return f.Rest(), nil
}

// is says whether a tag is the program's: "dnsmasq" or "dnsmasq[123]", and not
// "dnsmasq-dhcp[123]".
func (l *logger) is(tag []byte) bool {
	n := len(l.program)
	if len(tag) < n || string(tag[:n]) != l.program {
		return false
	}
	return len(tag) == n || tag[n] == '[' && tag[len(tag)-1] == ']'
}
