package eve

import (
	"bytes"
	"math"
	"net/netip"
	"time"

	"tripline/learn/source/internal/scan"
)

// NotEvent is the cause of a line that is no event: there is no JSON object in
// it.
const NotEvent scan.Cause = "not an event in JSON"

// A Kind is what an event is about, as far as it matters here.
type Kind uint8

// The kinds. Other is any event about packets of two hosts: alerts, files,
// protocols that are not read.
const (
	Other Kind = iota
	Flow
	Netflow
	DNS
	TLS
	QUIC
	HTTP
)

// An Event is one line. Its bytes are those of the line, or the decoder's own,
// and hold until the next one is decoded.
type Event struct {
	Kind             Kind
	Type             []byte
	Time             time.Time
	Zoneless         bool // the stamp had no zone
	ID               uint64
	HasID            bool // of the flow, which all its events have
	Src, Dst         netip.Addr
	SrcPort, DstPort uint16
	Proto            []byte
	Interface        []byte
	ICMP             []byte // the number of its type

	Start    time.Time // of the flow; zero if the event does not say
	Up, Down uint64    // bytes to the server, and to the client
	Refused  bool      // Suricata dropped it
	NoSYN    bool      // a flow of TCP without the packet that opens one

	Name   []byte // what the client called the server: SNI, or Host with its port
	URL    []byte // of HTTP
	Method []byte

	Message Message

	Dropped  uint64 // packets that the kernel dropped since Suricata began, of statistics
	HasDrops bool
}

// A raw event is what the scanner found, before it is understood.
type raw struct {
	stamp, id, src, dst, sport, dport []byte
	start, up, down, bytes, flags     []byte
	names                             [HTTP + 1][]byte // by what says them
}

// A Decoder reads events. It is not for concurrent use.
type Decoder struct {
	stamp   scan.Stamp
	scanner scanner
	raw     raw
}

// New returns a decoder. Zone is that of stamps without one; nil is UTC.
func New(zone *time.Location) *Decoder { return &Decoder{stamp: scan.Stamp{Zone: zone}} }

// Decode reads a line into e. What a syslog daemon wrote before the object is
// passed over. An event of another kind than those above that is not about two
// hosts, such as statistics, is [scan.OtherProgram].
func (d *Decoder) Decode(line []byte, e *Event) *scan.Error {
	*e = Event{Message: Message{Answers: e.Message.Answers[:0], Addrs: e.Message.Addrs[:0], Names: e.Message.Names[:0]}}
	start := bytes.IndexByte(line, '{')
	if start < 0 {
		return scan.Fault(NotEvent, "", line)
	}
	d.raw = raw{}
	d.scanner.begin(line[start:])
	d.event(e)
	if d.scanner.peek() != 0 {
		d.scanner.fail()
	}
	if d.scanner.failed {
		return d.fault()
	}
	return d.understand(e)
}

// fault says where the text is no JSON.
func (d *Decoder) fault() *scan.Error {
	if d.scanner.cut() {
		return &scan.Error{Cause: scan.CutShort}
	}
	return scan.Fault(scan.BadText, "", d.scanner.text[d.scanner.at:])
}

// event reads the members of the event itself.
func (d *Decoder) event(e *Event) {
	s := &d.scanner
	known := false
	for first, _ := s.object(); ; {
		key, ok := s.member(&first)
		if !ok {
			return
		}
		switch string(key) {
		case "timestamp":
			d.raw.stamp = s.scalar()
		case "flow_id":
			d.raw.id = s.scalar()
		case "in_iface":
			e.Interface = s.scalar()
		case "event_type":
			e.Type = s.scalar()
			e.Kind, known = kindOf(e.Type), true
		case "src_ip":
			d.raw.src = s.scalar()
		case "src_port":
			d.raw.sport = s.scalar()
		case "dest_ip":
			d.raw.dst = s.scalar()
		case "dest_port":
			d.raw.dport = s.scalar()
		case "proto":
			e.Proto = s.scalar()
		case "icmp_type":
			e.ICMP = s.scalar()
		default:
			if known && e.Kind == Other {
				d.other(key, e)
				continue
			}
			d.part(key, e)
		}
	}
}

// other reads the one thing that matters in events of another kind: of
// statistics, what the sensor did not see.
func (d *Decoder) other(key []byte, e *Event) {
	if string(key) != "stats" || string(e.Type) != "stats" {
		d.scanner.skip()
		return
	}
	d.within("capture", func() {
		d.within("kernel_drops", func() {
			e.Dropped, e.HasDrops = scan.Uint(d.scanner.scalar(), math.MaxInt64)
		})
	})
}

// within reads one member of an object and passes over the others.
func (d *Decoder) within(name string, read func()) {
	s := &d.scanner
	for first, is := s.object(); is; {
		key, ok := s.member(&first)
		if !ok {
			return
		}
		if string(key) == name {
			read()
		} else {
			s.skip()
		}
	}
}

func kindOf(text []byte) Kind {
	switch string(text) {
	case "flow":
		return Flow
	case "netflow":
		return Netflow
	case "dns":
		return DNS
	case "tls":
		return TLS
	case "quic":
		return QUIC
	case "http":
		return HTTP
	}
	return Other
}

// part reads what one protocol says. Events carry more than their own: an alert
// has the flow and the request beside it.
func (d *Decoder) part(key []byte, e *Event) {
	switch string(key) {
	case "flow", "netflow":
		d.flow(e)
	case "tcp":
		d.tcp()
	case "dns":
		d.dns(&e.Message)
	case "tls":
		d.named(e, TLS)
	case "quic":
		d.named(e, QUIC)
	case "http":
		d.named(e, HTTP)
	default:
		d.scanner.skip()
	}
}

func (d *Decoder) flow(e *Event) {
	s := &d.scanner
	d.raw.start, d.raw.up, d.raw.down, d.raw.bytes, e.Refused = nil, nil, nil, nil, false
	for first, is := s.object(); is; {
		key, ok := s.member(&first)
		if !ok {
			return
		}
		switch string(key) {
		case "start":
			d.raw.start = s.scalar()
		case "bytes_toserver":
			d.raw.up = s.scalar()
		case "bytes_toclient":
			d.raw.down = s.scalar()
		case "bytes":
			d.raw.bytes = s.scalar()
		case "action":
			action := s.scalar()
			e.Refused = string(action) == "drop" || string(action) == "reject"
		default:
			s.skip()
		}
	}
}

func (d *Decoder) tcp() {
	s := &d.scanner
	d.raw.flags = nil
	for first, is := s.object(); is; {
		key, ok := s.member(&first)
		if !ok {
			return
		}
		if string(key) == "tcp_flags" {
			d.raw.flags = s.scalar()
		} else {
			s.skip()
		}
	}
}

// named reads what the client called the server, as one of the protocols says it.
func (d *Decoder) named(e *Event, k Kind) {
	s := &d.scanner
	d.raw.names[k] = nil
	for first, is := s.object(); is; {
		key, ok := s.member(&first)
		if !ok {
			return
		}
		switch string(key) {
		case "sni", "hostname":
			if name := s.scalar(); (string(key) == "sni") == (k != HTTP) {
				d.raw.names[k] = name
			}
		case "url":
			e.URL = s.scalar()
		case "http_method":
			e.Method = s.scalar()
		default:
			s.skip()
		}
	}
}
