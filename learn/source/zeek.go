package source

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"tripline/learn"
	"tripline/learn/source/internal/scan"
	"tripline/learn/source/internal/zeek"
)

// The logs of Zeek (https://docs.zeek.org/en/master/logs/): conn, dns, ssl, quic
// and http, in columns or as JSON; one file, or the directory that holds them. A
// connection is written to conn when it ends, with its bytes; what names it was
// written to the other logs before, under the same uid.
//
//	#fields	ts	uid	id.orig_h	id.orig_p	id.resp_h	id.resp_p	proto	service	duration	orig_bytes	resp_bytes	conn_state	local_orig
//	1711627200.250000	CsX1aa2bQ5v3E8nXY1	192.0.2.10	50112	198.51.100.7	443	tcp	ssl	1.5	2310	48211	SF	T
var zeekSource = Source{
	Name:  "zeek",
	Short: "Logs of Zeek: conn, dns, ssl, quic, http, or their directory",
	Sees:  Sees{Names: true, Bytes: true, Late: true, Blind: "processes; a connection before it ends"},
	Open:  openZeek, Folder: true,
}

// headerLine is the cause of a line that says how to read the others.
const headerLine Cause = "a line of the header"

func openZeek(path string, cursor []byte, o StreamOptions) (Stream, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return openZeekFolder(path, cursor, o)
	}
	s, err := openSeries(zeekLog(newZeekParser(o.Options, newSightings(true))), []string{path}, headerLine, cursor, o)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// zeekLog is the source of one log.
func zeekLog(p *zeekParser) Source {
	return Source{Name: "zeek", Lines: func(Options) Parser { return p }, Sniff: sniffZeek, Away: true}
}

// A zeekParser reads one log. Those of a directory share what they see.
type zeekParser struct {
	decoder *zeek.Decoder
	place   place
	seen    *sightings
	names   nameCache
	line    zeek.Line
}

func newZeekParser(o Options, seen *sightings) *zeekParser {
	return &zeekParser{decoder: zeek.New(), place: place{local: o.Local, firewall: o.Firewall}, seen: seen}
}

// Parse implements [Parser].
func (p *zeekParser) Parse(line []byte, _ time.Time, r *Record) error {
	l := &p.line
	read, err := p.decoder.Decode(line, l)
	if !read {
		*r = Record{}
		if err == nil {
			return &RecordError{Source: "zeek", Cause: headerLine}
		}
		return &RecordError{Source: "zeek", Field: err.Field, Cause: err.Cause, Text: err.Text}
	}
	*r = Record{
		Flow: learn.Flow{
			Time: l.Time, Proto: learn.Proto(l.Proto), Src: l.Src, Dst: l.Dst, SrcPort: l.SrcPort, DstPort: l.DstPort,
			Up: l.Up, Down: l.Down,
		},
		Act: "pass", Reason: l.State, RuleNumber: -1, Version: version(l.Dst),
	}
	switch l.Kind {
	case zeek.Conn:
		p.connection(r)
	case zeek.DNS:
		p.answer(r)
	default: // SSL, QUIC, HTTP
		p.named(r)
	}
	return nil
}

// connection judges a line of conn, and gives it the name that was seen.
func (p *zeekParser) connection(r *Record) {
	l := &p.line
	if l.Proto == 0 {
		r.Proto = unknownProto
	}
	was := p.seen.end(l.UID)
	r.Name, r.Evidence = was.name, was.by
	if r.Why = p.why(r); was.counted && r.Why == Outbound {
		r.Why = Detail // it was counted by the line that named it
	}
	r.Counted = r.Why == Outbound
}

// unknownProto stands for a protocol that Zeek knows no name for and did not
// tell the number of ("Assigned Internet Protocol Numbers": reserved).
const unknownProto learn.Proto = 255

// why says whether a connection is one of a local host to somewhere, and if not
// why. Refused and unanswered ones (REJ, S0) are attempts, and count.
func (p *zeekParser) why(r *Record) Why {
	l := &p.line
	if why := p.place.noDestination(r.Dst); why != "" {
		return why
	}
	if !l.SrcLocal && !p.place.isLocal(r.Src) && !r.Src.IsLinkLocalUnicast() {
		if l.DstLocal || p.place.isLocal(r.Dst) {
			return Inbound
		}
		return Foreign
	}
	if r.Proto == learn.ICMP || r.Proto == learn.ICMPv6 {
		return p.message(r)
	}
	// Zeek did not see how it began, so that who began it is a guess: it takes who
	// spoke first. A server's answer comes from the lower port.
	if r.Proto == learn.TCP && l.State == "OTH" && r.SrcPort < r.DstPort {
		return OutOfState
	}
	return Outbound
}

// message judges ICMP: type and code stand where others have ports.
func (p *zeekParser) message(r *Record) Why {
	kind := r.SrcPort
	r.ICMP, r.SrcPort, r.DstPort = strconv.Itoa(int(kind)), 0, 0
	const echo, echo6 = 8, 128
	if kind == echo && r.Proto == learn.ICMP || kind == echo6 && r.Proto == learn.ICMPv6 {
		return Outbound
	}
	return NotARequest
}

// named notes what a line of ssl, quic or http calls its connection. Where conn
// is not read, the first of them is the connection.
func (p *zeekParser) named(r *Record) {
	r.Name, r.Evidence = p.name()
	first := p.seen.note(p.line.UID, r.Name, r.Evidence)
	if !p.seen.alone {
		r.Why = Detail
		return
	}
	if r.Why = p.why(r); r.Why == Outbound && !first {
		r.Why = Detail
	}
	r.Counted = r.Why == Outbound
}

// name returns what a connection calls its destination. Through a proxy that is
// what is asked of it: CONNECT, or a whole URL.
func (p *zeekParser) name() (string, learn.Evidence) {
	l := &p.line
	by := learn.SNI
	switch l.Kind {
	case zeek.QUIC:
		by = learn.QUIC
	case zeek.HTTP:
		l.Host, by = withoutPort(l.Host), learn.HTTP
		if string(l.Method) == "CONNECT" || bytes.HasPrefix(l.URI, []byte("http://")) {
			by = learn.Proxy
		}
	default: // SSL
	}
	if name := p.names.get(l.Host); name != "" {
		return name, by
	}
	return "", learn.Unnamed
}

// withoutPort returns the host of "host:port".
func withoutPort(host []byte) []byte {
	i := bytes.LastIndexByte(host, ':')
	if i < 0 || bytes.IndexByte(host, ':') < i {
		return host
	}
	return host[:i]
}

// Types of records that have addresses, and that which asks for all.
const (
	typeA     = 1
	typeAAAA  = 28
	typeSVCB  = 64
	typeHTTPS = 65
	typeANY   = 255
)

// answer reads a line of dns. One without an address names nothing.
func (p *zeekParser) answer(r *Record) {
	l := &p.line
	r.Why = NoAnswer
	switch l.Type {
	case typeA, typeAAAA, typeSVCB, typeHTTPS, typeANY:
	default:
		return
	}
	name := p.names.get(l.Query)
	if name == "" || l.Refused || len(l.Answers) == 0 {
		return
	}
	a := &learn.Answer{Time: l.Time.Add(l.Delay), Client: l.Src, Name: name, TTL: l.TTL}
	for _, text := range l.Answers {
		if addr, ok := scan.Addr(text); ok {
			a.Addrs = append(a.Addrs, addr)
		} else if link := p.names.get(text); link != "" {
			a.Chain = append(a.Chain, link)
		}
	}
	if len(a.Addrs) > 0 {
		r.Answer, r.Why = a, Resolution
	}
}

// State implements [Parser]: the length of the header, a colon, the header, and
// where the log is read alone the connections that were counted. Those of a
// directory are kept beside the parsers.
func (p *zeekParser) State() []byte {
	header := p.decoder.State()
	state := append(strconv.AppendInt(nil, int64(len(header)), 10), ':')
	state = append(state, header...)
	if p.seen.alone {
		state = append(state, p.seen.State()...)
	}
	return state
}

// Restore implements [Parser]. A log may have been read in its directory before,
// and now be read alone, or the other way round.
func (p *zeekParser) Restore(state []byte) error {
	size, rest, _ := bytes.Cut(state, []byte(":"))
	n, err := strconv.Atoi(string(size))
	if err != nil || n < 0 || n > len(rest) {
		return errors.New("state of a zeek log: it is not what was kept")
	}
	next := zeek.New()
	if err := next.Restore(rest[:n]); err != nil {
		return err
	}
	if p.seen.alone {
		if err := p.seen.Restore(rest[n:]); err != nil {
			return err
		}
	}
	p.decoder = next
	return nil
}

// sniffZeek refuses what is no log of Zeek, or one of those that hold no
// connections.
func sniffZeek(head []byte) error {
	if err := sniffLog(head); err != nil {
		return err
	}
	text := bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")))
	if len(text) > 0 && text[0] != '#' && text[0] != '{' {
		return learn.WithHint(errors.New("not a log of Zeek: it begins neither with # nor with {"),
			"columns need their header: (grep '^#' conn.log; tail -n 1000 conn.log) | tripline flows --from zeek -")
	}
	if name, other := zeek.Other(text); other {
		return learn.WithHint(fmt.Errorf("a Zeek log of %q, which says nothing of connections", learn.Printable(name)),
			"name conn.log, dns.log, ssl.log, quic.log or http.log, or the directory they are in")
	}
	return nil
}
