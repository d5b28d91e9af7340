package netfilter

import (
	"bytes"
	"time"

	"tripline/learn/source/internal/scan"
	"tripline/learn/source/internal/syslog"
)

// A Decoder reads the lines of one log. It is not for concurrent use.
type Decoder struct {
	header   *syslog.Reader
	head     syslog.Header
	prefixes prefixes
	words    scan.Words
	in, out  scan.Last
	flags    [256]string // by their bits
}

// New returns a decoder for hosts whose clocks are in zone.
func New(zone *time.Location) *Decoder { return &Decoder{header: syslog.NewReader(zone)} }

// Decode reads one line into l. Newest is when the log was last written, for
// stamps that have no year and lines that have no stamp: without it they are
// errors. On an error l is zero.
func (d *Decoder) Decode(line []byte, newest time.Time, l *Line) *scan.Error {
	*l = Line{}
	err := d.decode(line, newest, l)
	if err == nil {
		return nil
	}
	*l = Line{}
	if bytes.IndexByte(line, 0) >= 0 {
		return scan.Fault(scan.Binary, "", nil)
	}
	return err
}

func (d *Decoder) decode(line []byte, newest time.Time, l *Line) *scan.Error {
	message := d.header.Read(line, newest, &d.head)
	at := packetAt(message)
	if at < 0 {
		return d.other(message)
	}
	l.Time, l.Timeless, l.Zoneless = d.head.Time, d.head.Timeless, d.head.Zoneless
	if l.Timeless && newest.IsZero() {
		return scan.Fault(scan.NoDate, "time", nil)
	}
	l.Prefix, l.Refused = d.prefixes.of(message[:at], d.head.Program != nil)
	return d.packet(message[at:], l)
}

// packetAt finds where the packet begins: "IN=", glued to the prefix if its
// author forgot a blank, and behind the interface "OUT=". Programs that get the
// packet from the kernel and write the line themselves leave out one of them.
func packetAt(b []byte) int {
	const in, out, src = "IN=", " OUT=", " SRC="
	if end := bytes.Index(b, []byte(out)); end >= 0 {
		if at := bytes.LastIndex(b[:end], []byte(in)); at >= 0 && bytes.IndexByte(b[at:end], ' ') < 0 {
			return at
		}
	}
	before, _, ok := bytes.Cut(b, []byte(src))
	if !ok {
		return -1
	}
	if at := bytes.Index(before, []byte(in)); at >= 0 {
		return at
	}
	return bytes.Index(before, []byte(out[1:]))
}

// other says what is no packet: another message of syslog or of the kernel, or
// nothing of the kind.
func (d *Decoder) other(message []byte) *scan.Error {
	if d.head.Timeless && !d.head.Priority && uptime(message) == 0 {
		return scan.Fault(scan.NotALog, "", message)
	}
	if isCut(message) {
		return scan.Fault(scan.CutShort, "", message)
	}
	return scan.Fault(scan.OtherProgram, "", message)
}

// isCut says whether a message may be the beginning of a packet's line.
func isCut(b []byte) bool {
	at := bytes.LastIndex(b, []byte("IN="))
	return at >= 0 && bytes.IndexByte(b[at:], ' ') < 0
}

// uptime returns the length of "[  203.842973] ", 0 if b does not begin with it.
func uptime(b []byte) int {
	if len(b) < 2 || b[0] != '[' {
		return 0
	}
	end := bytes.IndexByte(b, ']')
	if end < 2 {
		return 0
	}
	for _, c := range b[1:end] {
		if c != ' ' && c != '.' && c-'0' > 9 {
			return 0
		}
	}
	if end++; end < len(b) && b[end] == ' ' {
		end++
	}
	return end
}

// iface keeps one string for each interface.
func (d *Decoder) iface(seen *met, key met, name string, last *scan.Last, b []byte, to *string) *scan.Error {
	if !seen.first(key) {
		return nil
	}
	s, ok := d.words.Get(last, b)
	if !ok {
		return scan.Fault(scan.BadText, name, b)
	}
	*to = s
	return nil
}
