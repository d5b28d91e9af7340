package filterlog

import (
	"bytes"
	"time"

	"tripline/learn/source/internal/scan"
)

// The headers, as they are met:
//
//	A  Mar 28 12:00:00 HOST filterlog[PID]: CSV
//	B  Mar 28 12:00:00 HOST filterlog: CSV
//	C  <134>Mar 28 12:00:00 filterlog[PID]: CSV
//	D  <134>1 2026-03-28T12:00:00.123456-05:00 HOST filterlog PID - - CSV
//	E  <134>1 2026-03-28T12:00:00+02:00 HOST filterlog PID - [meta sequenceId="17"] CSV
//	F  <134>Mar 28 12:00:00 HOST filterlog[PID]: CSV
//	G  2026-03-28T12:00:00+02:00 HOST filterlog[PID]: CSV
//	H  2026-03-28T12:00:00 TAB Informational TAB filterlog TAB CSV
//	I  CSV
//
// Relays mix them, so host, PID and priority are each optional in all but H and
// I, and a line may also begin at the program.

const (
	program = "filterlog"
	bom     = "\xef\xbb\xbf"
)

// header reads what comes before the values and returns them.
func (d *Decoder) header(b []byte, newest time.Time, l *Line) ([]byte, *scan.Error) {
	b = bytes.TrimSuffix(b, []byte{'\r'})
	if len(b) > 2 && string(b[:3]) == bom {
		b = b[3:]
	}
	rest := scan.Priority(b)
	if len(rest) < len(b) && len(rest) > 2 && rest[0] == '1' && rest[1] == ' ' {
		return d.rfc5424(rest[2:], l)
	}
	switch {
	case len(rest) == 0:
		return nil, scan.Fault(scan.NotALog, "", nil)
	case rest[0] >= 'A' && rest[0] <= 'Z':
		return d.bsd(rest, newest, l)
	case len(rest) > 4 && rest[4] == '-':
		return d.iso(rest, l)
	case rest[0] == ',' || rest[0]-'0' <= 9:
		l.Timeless = true
		return rest, nil
	}
	if !bytes.HasPrefix(rest, []byte(program)) {
		return nil, notALog(rest)
	}
	l.Timeless = true
	return d.tag(rest, rest)
}

// bsd reads forms A, B, C and F.
func (d *Decoder) bsd(b []byte, newest time.Time, l *Line) ([]byte, *scan.Error) {
	t, n := d.stamp.BSD(b, newest)
	if n == 0 || n >= len(b) || b[n] != ' ' {
		return nil, notALog(b)
	}
	l.Time, l.Zoneless = t, true
	rest, err := d.tag(b, b[n+1:])
	if err == nil && newest.IsZero() {
		return nil, scan.Fault(scan.NoDate, "time", b[:n])
	}
	return rest, err
}

// iso reads forms G and H.
func (d *Decoder) iso(b []byte, l *Line) ([]byte, *scan.Error) {
	t, n, zoned := d.stamp.ISO(b)
	if n == 0 || n >= len(b) {
		return nil, notALog(b)
	}
	l.Time, l.Zoneless = t, !zoned
	switch b[n] {
	case '\t':
		return exported(b, b[n+1:])
	case ' ':
		return d.tag(b, b[n+1:])
	}
	return nil, scan.Fault(scan.BadTime, "time", b)
}

// tag reads "HOST filterlog[PID]: " with or without a host, then the values. It
// is the same in nearly every line of a log, so it is looked at once.
func (d *Decoder) tag(line, b []byte) ([]byte, *scan.Error) {
	if n := len(d.tagBSD); n > 0 && n < len(b) && bytes.Equal(b[:n], d.tagBSD) {
		return b[n:], nil
	}
	rest, err := readTag(line, b)
	if err == nil {
		d.tagBSD = append(d.tagBSD[:0], b[:len(b)-len(rest)]...)
	}
	return rest, err
}

func readTag(line, b []byte) ([]byte, *scan.Error) {
	f := scan.Split(b)
	word := f.Next(' ')
	if len(word) > 0 && word[len(word)-1] != ':' && f.More {
		word = f.Next(' ')
	}
	if len(word) < 2 || word[len(word)-1] != ':' {
		return nil, notALog(line)
	}
	if !isProgram(word[:len(word)-1]) {
		return nil, scan.Fault(scan.OtherProgram, "", word)
	}
	return values(f.Rest(), f.More)
}

// isProgram says whether a tag is "filterlog" or "filterlog[PID]".
func isProgram(tag []byte) bool {
	if len(tag) < len(program) || string(tag[:len(program)]) != program {
		return false
	}
	tag = tag[len(program):]
	return len(tag) == 0 || tag[0] == '[' && tag[len(tag)-1] == ']'
}

// exported reads the rest of form H, what the web interface of OPNsense saves.
func exported(line, b []byte) ([]byte, *scan.Error) {
	f := scan.Split(b)
	f.Next('\t')
	name := f.Next('\t')
	if !f.More {
		return nil, notALog(line)
	}
	if string(name) != program {
		return nil, scan.Fault(scan.OtherProgram, "", name)
	}
	return values(bytes.TrimLeft(f.Rest(), " "), true)
}

// rfc5424 reads forms D and E behind the version.
func (d *Decoder) rfc5424(b []byte, l *Line) ([]byte, *scan.Error) {
	t, n, zoned := d.stamp.ISO(b)
	if len(b) > 1 && b[0] == '-' { // no time, says section 6.2.3
		n, l.Timeless = 1, true
	}
	if n == 0 || n >= len(b) || b[n] != ' ' {
		return nil, scan.Fault(scan.BadTime, "time", b)
	}
	l.Time, l.Zoneless = t, !zoned && !l.Timeless
	return d.tagged(b[n+1:])
}

// tagged reads "HOST filterlog PID - " and the structured data behind it.
func (d *Decoder) tagged(b []byte) ([]byte, *scan.Error) {
	if n := len(d.tag5424); n > 0 && n < len(b) && bytes.Equal(b[:n], d.tag5424) {
		return behindTag(b[n:])
	}
	f := scan.Split(b)
	f.Next(' ') // host
	app := f.Next(' ')
	if len(app) > 0 && app[len(app)-1] == ':' && isProgram(app[:len(app)-1]) {
		return values(f.Rest(), f.More) // a relay put a BSD tag behind a new stamp
	}
	if !f.More {
		return nil, scan.Fault(scan.CutShort, "header", nil)
	}
	if string(app) != program {
		return nil, scan.Fault(scan.OtherProgram, "", app)
	}
	f.Next(' ') // process
	f.Next(' ') // kind of message
	if f.More {
		d.tag5424 = append(d.tag5424[:0], b[:len(b)-len(f.Rest())]...)
	}
	return behindTag(f.Rest())
}

func behindTag(b []byte) ([]byte, *scan.Error) {
	rest, ok := structured(b)
	if !ok {
		return nil, scan.Fault(scan.CutShort, "header", nil)
	}
	return values(bytes.TrimPrefix(rest, []byte(bom)), true)
}

// structured passes over the structured data of RFC 5424, section 6.3: "-", or
// elements in brackets that contain blanks and quoted brackets.
func structured(b []byte) (rest []byte, ok bool) {
	if len(b) > 1 && b[0] == '-' && b[1] == ' ' {
		return b[2:], true
	}
	if rest, ok := sequenceID(b); ok {
		return rest, true
	}
	quoted, depth := false, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"' && depth:
			quoted = !quoted
		case quoted:
		case c == '[':
			depth = true
		case c == ']':
			depth = false
		case !depth:
			return b[i+1:], c == ' ' && i > 0
		}
	}
	return nil, false
}

// sequenceID passes over the one element that OPNsense writes.
func sequenceID(b []byte) (rest []byte, ok bool) {
	const start, end = `[meta sequenceId="`, `"] `
	if len(b) < len(start) || string(b[:len(start)]) != start {
		return nil, false
	}
	at := len(start)
	for at < len(b) && b[at]-'0' <= 9 {
		at++
	}
	if len(b) < at+len(end) || string(b[at:at+len(end)]) != end {
		return nil, false
	}
	return b[at+len(end):], true
}

// values checks that something follows the header.
func values(b []byte, more bool) ([]byte, *scan.Error) {
	if !more || len(b) == 0 {
		return nil, scan.Fault(scan.CutShort, "header", nil)
	}
	return b, nil
}

func notALog(b []byte) *scan.Error { return scan.Fault(scan.NotALog, "", b) }
