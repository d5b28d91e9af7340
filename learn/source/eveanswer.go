package source

import (
	"net/netip"
	"slices"
	"time"

	"tripline/learn"
	"tripline/learn/source/internal/eve"
	"tripline/learn/source/internal/scan"
)

// An eveChain is the aliases of the answer that is being read, of the form that
// has one event for each record: an address is said to be at the last alias, and
// what was asked for is at the head.
type eveChain struct {
	id    string   // which answer
	names []string // from what was asked for
}

// dns is a question, which opens a connection to a resolver, or an answer.
func (p *eveParser) dns(r *Record, e *eve.Event, now int64) Why {
	m := &e.Message
	if !m.IsAnswer() {
		return p.opening(r, e, now)
	}
	client, ok := asker(e)
	if !ok {
		return Detail // to everybody: nobody asked
	}
	a := &learn.Answer{Time: e.Time, Client: client, TTL: -1}
	if isRecord(m) {
		p.record(a, e)
	} else {
		p.message(a, m)
	}
	if a.Name == "" || len(a.Addrs) == 0 {
		return Detail
	}
	r.Answer = a
	return Resolution
}

const (
	portDNS   = 53
	portMDNS  = 5353
	portLLMNR = 5355
)

// asker returns who asked. Up to version 2 answers are written from the client to
// the resolver, as questions are; from version 3 on as they travel. Ports know
// better, if one of them is that of DNS.
func asker(e *eve.Event) (client netip.Addr, ok bool) {
	for _, port := range []uint16{e.SrcPort, e.DstPort} {
		if port == portMDNS || port == portLLMNR {
			return client, false
		}
	}
	travels := e.Message.Version >= 3
	if (e.SrcPort == portDNS) != (e.DstPort == portDNS) {
		travels = e.SrcPort == portDNS
	}
	client = e.Src
	if travels {
		client = e.Dst
	}
	return client, !client.IsMulticast()
}

// isRecord says whether the event is one record of an answer.
func isRecord(m *eve.Message) bool { return m.Version < 2 && len(m.RR.Data) > 0 }

// message reads an answer as a whole.
func (p *eveParser) message(a *learn.Answer, m *eve.Message) {
	a.Name = p.names.get(m.Name)
	for i := range m.Answers {
		rr := &m.Answers[i]
		if addr, ok := rr.Addr(); ok {
			a.Addrs = append(a.Addrs, addr)
		} else if string(rr.Type) == "CNAME" {
			a.Chain = p.alias(a.Chain, rr.Data)
		} else {
			continue
		}
		a.TTL = shortest(a.TTL, rr.TTL)
	}
	if len(m.Answers) > 0 {
		return
	}
	for _, text := range m.Addrs {
		if addr, ok := scan.Addr(text); ok {
			a.Addrs = append(a.Addrs, addr)
		}
	}
	for _, text := range m.Names {
		a.Chain = p.alias(a.Chain, text)
	}
}

func (p *eveParser) alias(chain []string, text []byte) []string {
	if name := p.names.get(text); name != "" {
		return append(chain, name)
	}
	return chain
}

func shortest(ttl time.Duration, seconds int64) time.Duration {
	d := time.Duration(seconds) * time.Second
	if seconds < 0 || ttl >= 0 && ttl < d {
		return ttl
	}
	return d
}

// mostAliases bounds a chain; resolvers give up earlier.
const mostAliases = 16

// record reads one record of an answer. Those of one answer come one after the
// other, the aliases first.
func (p *eveParser) record(a *learn.Answer, e *eve.Event) {
	rr := &e.Message.RR
	owner := p.names.get(rr.Name)
	if id := answerID(e); id != p.chain.id {
		p.chain = eveChain{id: id}
	}
	if string(rr.Type) == "CNAME" {
		p.extend(owner, p.names.get(rr.Data))
		return
	}
	addr, ok := rr.Addr()
	if !ok {
		return
	}
	a.Name, a.Addrs, a.TTL = owner, []netip.Addr{addr}, shortest(-1, rr.TTL)
	if i := slices.Index(p.chain.names, owner); i > 0 {
		a.Name, a.Chain = p.chain.names[0], slices.Clone(p.chain.names[1:i+1])
	}
}

// extend remembers that what owner is asked for is at target.
func (p *eveParser) extend(owner, target string) {
	c := &p.chain
	if n := len(c.names); n == 0 || c.names[n-1] != owner {
		c.names = []string{owner}
	}
	if owner == "" || target == "" || len(c.names) > mostAliases {
		c.names = nil
		return
	}
	c.names = append(c.names, target)
}

// answerID tells the records of one answer from those of another.
func answerID(e *eve.Event) string {
	id := e.Message.ID
	if len(id) > 20 {
		id = id[:20]
	}
	return keyOf(e).text() + string(id)
}
