package syslog

import (
	"bytes"
	"time"

	"tripline/learn/source/internal/scan"
)

// A Header is what stands before a message. The zero value is that of a line
// without one.
type Header struct {
	Time     time.Time // zero if Timeless
	Timeless bool      // there was no stamp that could be read
	Zoneless bool      // the stamp had no zone
	Priority bool      // there was one
	Host     []byte    // only of RFC 5424, where it cannot be mistaken
	Program  []byte    // likewise
}

// A Reader reads the headers of one log. The zero value takes stamps without a
// zone as UTC. It is not for concurrent use.
type Reader struct{ stamp scan.Stamp }

// NewReader returns a reader for hosts whose clocks are in zone.
func NewReader(zone *time.Location) *Reader {
	return &Reader{stamp: scan.Stamp{Zone: zone}}
}

// Read sets h and returns what follows the stamp: of RFC 5424 the message, else
// host, program and message as they stand, as each of them may be missing. Newest
// is when the line was written at the latest, for stamps without a year; if it is
// zero, they are no stamps.
//
//	<13>1 2026-03-28T12:00:00.123456-05:00 HOST PROGRAM PID - [meta sequenceId="17"] MESSAGE
//	<13>Mar 28 12:00:00 HOST PROGRAM[PID]: MESSAGE
//	2026-03-28T12:00:00+02:00 HOST PROGRAM: MESSAGE
//	[Sat Mar 28 12:00:00 2026] MESSAGE
//	MESSAGE
func (r *Reader) Read(line []byte, newest time.Time, h *Header) []byte {
	*h = Header{}
	line = trim(line)
	b := scan.Priority(line)
	if h.Priority = len(b) < len(line); h.Priority && len(b) > 2 && b[0] == '1' && b[1] == ' ' {
		return r.rfc5424(b[2:], h)
	}
	if t, n := r.bsd(b, newest); n > 0 {
		h.Time, h.Zoneless = t, true
		return skip(b, n)
	}
	if t, n, zoned := r.stamp.ISO(b); n > 0 {
		h.Time, h.Zoneless = t, !zoned
		return skip(b, n)
	}
	if t, n := r.dated(b); n > 0 {
		h.Time, h.Zoneless = t, true
		return skip(b, n)
	}
	h.Timeless = true
	return b
}

// trim takes off a byte order mark and what is left of a line end.
func trim(b []byte) []byte {
	return bytes.TrimPrefix(bytes.TrimSuffix(b, []byte{'\r'}), []byte("\xef\xbb\xbf"))
}

// skip passes over n bytes and one blank.
func skip(b []byte, n int) []byte {
	if n < len(b) && b[n] == ' ' {
		n++
	}
	return b[n:]
}

func (r *Reader) bsd(b []byte, newest time.Time) (time.Time, int) {
	if newest.IsZero() {
		return newest, 0
	}
	t, n := r.stamp.BSD(b, newest)
	return t, n
}

// dated reads what "dmesg -T" prints.
func (r *Reader) dated(b []byte) (time.Time, int) {
	const form = "[Sat Mar 28 12:00:00 2026]"
	if len(b) < len(form) || b[0] != '[' || b[len(form)-1] != ']' {
		return time.Time{}, 0
	}
	year, ok := scan.Uint(b[len(form)-5:len(form)-1], 9999)
	if !ok || year == 0 {
		return time.Time{}, 0
	}
	// The stamp is taken as the latest before a time, so that a time is needed
	// that only the same day of this year precedes.
	for _, m := range []time.Month{time.July, time.December} {
		t, n := r.stamp.BSD(b[len("[Sat "):], time.Date(int(year), m, 31, 12, 0, 0, 0, time.UTC))
		if n > 0 && uint64(t.In(r.zone()).Year()) == year {
			return t, len(form)
		}
	}
	return time.Time{}, 0
}

func (r *Reader) zone() *time.Location {
	if r.stamp.Zone == nil {
		return time.UTC
	}
	return r.stamp.Zone
}

// rfc5424 reads what follows the version.
func (r *Reader) rfc5424(b []byte, h *Header) []byte {
	t, n, zoned := r.stamp.ISO(b)
	h.Time, h.Zoneless, h.Timeless = t, n > 0 && !zoned, n == 0
	if n == 0 {
		n = max(0, bytes.IndexByte(b, ' '))
	}
	f := scan.Split(skip(b, n))
	h.Host, h.Program = f.Next(' '), f.Next(' ')
	f.Skip(2, ' ') // process, kind of message
	message, _ := structured(f.Rest())
	return bytes.TrimPrefix(message, []byte("\xef\xbb\xbf"))
}

// structured passes over structured data (RFC 5424, section 6.3) and returns it
// and what follows.
func structured(b []byte) (message, data []byte) {
	if len(b) > 0 && b[0] == '-' {
		return skip(b, 1), nil
	}
	quoted, inside := false, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case inside && c == '"':
			quoted = !quoted
		case quoted:
		case c == '[':
			inside = true
		case c == ']':
			inside = false
		case !inside:
			return skip(b, i), b[:i]
		}
	}
	return nil, b
}

const sequence = `sequenceId="`

// Sequence returns the number that a sender gave a message (RFC 5424, section
// 7.3.1) and the host it names as the message's origin: numbers count per origin.
// Ok is false for all messages without one.
func Sequence(line []byte) (host []byte, number uint32, ok bool) {
	b := scan.Priority(trim(line))
	if len(b) < 2 || b[0] != '1' || b[1] != ' ' || bytes.IndexByte(b, '[') < 0 {
		return nil, 0, false
	}
	f := scan.Split(b[2:])
	f.Next(' ') // time
	host = f.Next(' ')
	f.Skip(3, ' ')
	_, data := structured(f.Rest())
	_, digits, ok := bytes.Cut(data, []byte(sequence))
	if !bytes.HasPrefix(data, []byte("[meta ")) || !ok {
		return nil, 0, false
	}
	n, ok := scan.Uint(digits[:max(0, bytes.IndexByte(digits, '"'))], 1<<31-1)
	return host, uint32(n), ok
}
