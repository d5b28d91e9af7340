package eve

import (
	"math"
	"net/netip"

	"tripline/learn/source/internal/scan"
)

// A Message is a question or an answer of DNS, in any of the three forms in which
// Suricata wrote it: one event for each record (4), all of an answer (5 to 7), or
// the message as it is (8). Its form does not always say which it is.
type Message struct {
	Version uint64 // 0 where the event has none: a question, or the first form
	Type    []byte // query, request, answer, response
	ID      []byte // of the transaction
	Name    []byte // what was asked for
	Answers []RR
	Addrs   [][]byte // of the grouped form, which has no order and no TTL
	Names   [][]byte // CNAMEs of the grouped form
	RR      RR       // the only record, of the first form
}

// An RR is a record of an answer.
type RR struct {
	Name, Type, Data []byte
	TTL              int64 // negative if unknown
}

// IsAnswer says whether the message comes from a resolver.
func (m *Message) IsAnswer() bool {
	return string(m.Type) == "answer" || string(m.Type) == "response"
}

// Addr returns the address that the record is about.
func (r *RR) Addr() (netip.Addr, bool) {
	if t := string(r.Type); t != "A" && t != "AAAA" {
		return netip.Addr{}, false
	}
	return scan.Addr(r.Data)
}

func (d *Decoder) dns(m *Message) {
	s := &d.scanner
	*m = Message{Answers: m.Answers[:0], Addrs: m.Addrs[:0], Names: m.Names[:0], RR: RR{TTL: -1}}
	for first, is := s.object(); is; {
		key, ok := s.member(&first)
		if !ok {
			break
		}
		switch string(key) {
		case "version":
			m.Version, _ = scan.Uint(s.scalar(), math.MaxInt64)
		case "type":
			m.Type = s.scalar()
		case "id":
			m.ID = s.scalar()
		case "rrname":
			m.Name = s.scalar()
		case "queries":
			d.queries(m)
		case "answers":
			d.answers(m)
		case "grouped":
			d.grouped(m)
		default:
			d.field(&m.RR, key)
		}
	}
	m.RR.Name = m.Name
}

// queries reads what was asked for: the first question, as there is but one.
func (d *Decoder) queries(m *Message) {
	s := &d.scanner
	var name []byte
	for is, first := s.array(), true; is && s.element(&first); {
		if rr := d.record(); name == nil {
			name = rr.Name
		}
	}
	if name != nil {
		m.Name = name
	}
}

func (d *Decoder) answers(m *Message) {
	s := &d.scanner
	m.Answers = m.Answers[:0]
	for is, first := s.array(), true; is && s.element(&first); {
		m.Answers = append(m.Answers, d.record())
	}
}

func (d *Decoder) record() RR {
	s := &d.scanner
	rr := RR{TTL: -1}
	for first, is := s.object(); is; {
		key, ok := s.member(&first)
		if !ok {
			break
		}
		if string(key) == "rrname" {
			rr.Name = s.scalar()
		} else {
			d.field(&rr, key)
		}
	}
	return rr
}

// field reads a member of a record.
func (d *Decoder) field(rr *RR, key []byte) {
	s := &d.scanner
	switch string(key) {
	case "rrtype":
		rr.Type = s.scalar()
	case "rdata":
		rr.Data = s.scalar()
	case "ttl":
		if n, ok := scan.Uint(s.scalar(), math.MaxUint32); ok {
			rr.TTL = int64(n)
		}
	default:
		s.skip()
	}
}

// grouped reads {"A":["192.0.2.1"],"CNAME":["a.example"]}.
func (d *Decoder) grouped(m *Message) {
	s := &d.scanner
	m.Addrs, m.Names = m.Addrs[:0], m.Names[:0]
	for first, is := s.object(); is; {
		key, ok := s.member(&first)
		if !ok {
			return
		}
		switch string(key) {
		case "A", "AAAA":
			m.Addrs = s.strings(m.Addrs)
		case "CNAME":
			m.Names = s.strings(m.Names)
		default:
			s.skip()
		}
	}
}
