package conntrack

import (
	"bytes"
	"time"

	"tripline/learn/source/internal/scan"
	"tripline/learn/source/internal/syslog"
)

// A Decoder reads the lines of one log. It is not for concurrent use.
type Decoder struct {
	header *syslog.Reader
	head   syslog.Header
}

// New returns a decoder for hosts whose clocks are in zone.
func New(zone *time.Location) *Decoder { return &Decoder{header: syslog.NewReader(zone)} }

// Decode reads one line into l. Newest is when the log was last written, for
// lines without a stamp: without it they are errors. On an error l is zero.
//
//	[1774699200.123456]	    [NEW] tcp      6 120 SYN_SENT src=192.0.2.10 dst=203.0.113.7 sport=50001 dport=443 [UNREPLIED] src=203.0.113.7 dst=198.51.100.2 sport=443 dport=50001 id=3668417984
//	ipv4     2 udp      17 29 src=192.0.2.10 dst=203.0.113.53 sport=50001 dport=53 packets=1 bytes=60 src=203.0.113.53 ...
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
	b := d.stamp(line, newest, l)
	if isVersion(b) {
		return scan.Fault(scan.OtherProgram, "", b)
	}
	t := tokens{b}
	word := t.next()
	if l.Event = eventOf(word); l.Event != Listed {
		word = t.next()
	}
	if string(word) == "ipv4" || string(word) == "ipv6" {
		t.next()
		word = t.next()
	}
	n, ok := scan.Uint(t.next(), 255)
	if !ok || !isName(word) || bytes.IndexByte(b, '=') < 0 {
		return d.other(b)
	}
	if l.Timeless && newest.IsZero() {
		return scan.Fault(scan.NoDate, "time", nil)
	}
	l.Proto = uint8(n)
	return l.tuples(&t)
}

// stamp reads "[1774699200.123456]", or what syslog puts before a line.
func (d *Decoder) stamp(line []byte, newest time.Time, l *Line) []byte {
	b := bytes.TrimSuffix(line, []byte{'\r'})
	if t, n := epoch(b); n > 0 {
		l.Time, d.head = t, syslog.Header{Timeless: true} // no syslog's
		return b[n:]
	}
	b = d.header.Read(b, newest, &d.head)
	l.Time, l.Timeless, l.Zoneless = d.head.Time, d.head.Timeless, d.head.Zoneless
	if at := bytes.Index(b, []byte(": ")); at >= 0 && !l.Timeless && d.head.Program == nil {
		b = b[at+2:] // the tag
	}
	return b
}

// epoch reads seconds and a fraction since 1970 in brackets.
func epoch(b []byte) (t time.Time, size int) {
	end := bytes.IndexByte(b[:min(len(b), 40)], ']')
	if len(b) == 0 || b[0] != '[' || end < 0 {
		return t, 0
	}
	whole, part, _ := bytes.Cut(b[1:end], []byte{'.'})
	seconds, ok := scan.Uint(bytes.TrimLeft(whole, " "), 1<<40)
	if !ok || len(part) > 9 {
		return t, 0
	}
	nanos := uint64(0)
	if len(part) > 0 {
		if nanos, ok = scan.Uint(part, 1e9); !ok {
			return t, 0
		}
	}
	for range 9 - len(part) {
		nanos *= 10
	}
	return time.Unix(int64(seconds), int64(nanos)).UTC(), end + 1
}

// isVersion says whether this is what the program says of itself.
func isVersion(b []byte) bool { return bytes.HasPrefix(b, []byte("conntrack v")) }

// other says what is no connection.
func (d *Decoder) other(b []byte) *scan.Error {
	switch {
	case len(b) > 0 && b[0] == '<': // conntrack -o xml
		return scan.Fault(scan.NotALog, "", b)
	case !d.head.Timeless:
		return scan.Fault(scan.OtherProgram, "", b)
	}
	return scan.Fault(scan.NotALog, "", b)
}

func eventOf(b []byte) Event {
	switch string(b) {
	case "[NEW]":
		return Opened
	case "[UPDATE]":
		return Updated
	case "[DESTROY]":
		return Destroyed
	}
	return Listed
}

func isName(b []byte) bool {
	for _, c := range b {
		if c != '-' && c != '_' && c-'0' > 9 && (c|0x20)-'a' > 'z'-'a' {
			return false
		}
	}
	return len(b) > 0
}

// tokens are what blanks and tabs separate.
type tokens struct{ rest []byte }

// next returns the next one, nothing at the end.
func (t *tokens) next() []byte {
	b := t.rest
	at := 0
	for at < len(b) && (b[at] == ' ' || b[at] == '\t') {
		at++
	}
	end := at
	for end < len(b) && b[end] != ' ' && b[end] != '\t' {
		end++
	}
	t.rest = b[end:]
	return b[at:end]
}

// tuples reads the values: those of the reply begin with the second "src=".
func (l *Line) tuples(t *tokens) *scan.Error {
	var seen [2]met
	at := -1
	for token := t.next(); len(token) > 0; token = t.next() {
		key, value, ok := bytes.Cut(token, []byte{'='})
		if !ok || len(key) == 0 || key[0] == '[' {
			continue
		}
		if string(key) == "src" {
			at++
		}
		if at < 0 || at > 1 {
			continue
		}
		if err := l.value(&seen[at], at, key, value); err != nil {
			return err
		}
	}
	switch {
	case seen[0]&(metSrc|metDst) != metSrc|metDst:
		return scan.Fault(scan.NoAddresses, "", nil)
	case seen[1]&(metSrc|metDst) != metSrc|metDst:
		return scan.Fault(scan.CutShort, "reply", nil)
	case hasPorts(l.Proto) && (seen[0]|seen[1])&(metSrcPort|metDstPort) != metSrcPort|metDstPort:
		return scan.Fault(scan.CutShort, "ports", nil)
	case l.Original.Src.Is4() != l.Original.Dst.Is4() || l.Reply.Src.Is4() != l.Reply.Dst.Is4():
		return scan.Fault(scan.BadVersion, "", nil)
	}
	return nil
}

type met uint8

const (
	metSrc met = 1 << iota
	metDst
	metSrcPort
	metDstPort
)

func hasPorts(proto uint8) bool { return proto == 6 || proto == 17 || proto == 132 }

// value reads one of the values of a tuple, or one of those behind both.
func (l *Line) value(seen *met, at int, key, b []byte) *scan.Error {
	t := &l.Original
	if at == 1 {
		t = &l.Reply
	}
	switch string(key) {
	case "src":
		*seen |= metSrc
		return scan.AddrInto("src", b, &t.Src)
	case "dst":
		*seen |= metDst
		return scan.AddrInto("dst", b, &t.Dst)
	case "sport":
		*seen |= metSrcPort
		return scan.UintInto("sport", b, &t.SrcPort)
	case "dport":
		*seen |= metDstPort
		return scan.UintInto("dport", b, &t.DstPort)
	case "bytes":
		return scan.UintInto("bytes", b, &t.Bytes)
	case "id":
		return scan.UintInto("id", b, &l.ID)
	case "type":
		if at == 0 {
			l.HasType = true
			return scan.UintInto("type", b, &l.Type)
		}
	case "delta-time":
		var seconds uint32
		err := scan.UintInto("delta-time", b, &seconds)
		l.Age = time.Duration(seconds) * time.Second
		return err
	}
	return nil
}
