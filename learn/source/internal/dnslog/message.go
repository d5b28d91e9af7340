package dnslog

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"tripline/learn"
)

// Bounds of what one message may say: more is an attack, not an answer.
const (
	mostAliases = 16
	mostAddrs   = 256
)

// ErrNoResponse is returned by [Message] for a question.
var ErrNoResponse = errors.New("a question, not a response")

// Message reads a DNS response as it was on the wire: the name that was asked
// for, the aliases behind it, and the addresses at their end. Where there are
// none, so be it: the answer has no addresses then. Its name is empty if it can
// be no host's.
func Message(wire []byte) (learn.Answer, error) {
	var p dnsmessage.Parser
	h, err := p.Start(wire)
	if err != nil {
		return learn.Answer{}, err
	}
	if !h.Response {
		return learn.Answer{}, ErrNoResponse
	}
	q, err := p.Question()
	if err != nil {
		return learn.Answer{}, err
	}
	var s section
	if h.RCode == dnsmessage.RCodeSuccess && q.Class == dnsmessage.ClassINET {
		if err := s.read(&p); err != nil {
			return learn.Answer{}, err
		}
	}
	return s.from(q.Name), nil
}

// A section is the records of an answer that lead to addresses.
type section struct {
	aliases []alias
	addrs   []located
}

type alias struct {
	owner, target dnsmessage.Name
	ttl           uint32
}

type located struct {
	owner dnsmessage.Name
	addr  netip.Addr
	ttl   uint32
}

func (s *section) read(p *dnsmessage.Parser) error {
	if err := p.SkipAllQuestions(); err != nil {
		return err
	}
	for {
		h, err := p.AnswerHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.record(p, &h); err != nil {
			return err
		}
	}
}

func (s *section) record(p *dnsmessage.Parser, h *dnsmessage.ResourceHeader) error {
	if h.Class != dnsmessage.ClassINET {
		return p.SkipAnswer()
	}
	switch h.Type {
	case dnsmessage.TypeA:
		r, err := p.AResource()
		s.locate(h, netip.AddrFrom4(r.A), err)
		return err
	case dnsmessage.TypeAAAA:
		r, err := p.AAAAResource()
		s.locate(h, netip.AddrFrom16(r.AAAA), err)
		return err
	case dnsmessage.TypeCNAME:
		r, err := p.CNAMEResource()
		if err == nil && len(s.aliases) < mostAliases {
			s.aliases = append(s.aliases, alias{h.Name, r.CNAME, h.TTL})
		}
		return err
	case dnsmessage.TypeHTTPS:
		r, err := p.HTTPSResource()
		s.hints(h, &r.SVCBResource)
		return err
	case dnsmessage.TypeSVCB:
		r, err := p.SVCBResource()
		s.hints(h, &r)
		return err
	default:
		return p.SkipAnswer()
	}
}

func (s *section) locate(h *dnsmessage.ResourceHeader, a netip.Addr, err error) {
	if a = a.Unmap(); err == nil && Host(a) && len(s.addrs) < mostAddrs {
		s.addrs = append(s.addrs, located{h.Name, a, h.TTL})
	}
}

// hints takes the addresses that come with a service (RFC 9460, section 7.3):
// clients connect to them without asking further.
func (s *section) hints(h *dnsmessage.ResourceHeader, r *dnsmessage.SVCBResource) {
	v4, _ := r.GetParam(dnsmessage.SVCParamIPv4Hint)
	for c := range slices.Chunk(v4, 4) {
		if a, ok := netip.AddrFromSlice(c); ok {
			s.locate(h, a, nil)
		}
	}
	v6, _ := r.GetParam(dnsmessage.SVCParamIPv6Hint)
	for c := range slices.Chunk(v6, 16) {
		if a, ok := netip.AddrFromSlice(c); ok {
			s.locate(h, a, nil)
		}
	}
}

// from follows the aliases of a name. What the section holds of other names was
// not asked for.
func (s *section) from(asked dnsmessage.Name) learn.Answer {
	a := learn.Answer{TTL: -1}
	a.Name, _ = learn.CanonicalName(service(asked.String()))
	at, ttl := asked, uint32(1<<32-1)
	for range len(s.aliases) {
		i := slices.IndexFunc(s.aliases, func(c alias) bool { return same(c.owner, at) })
		if i < 0 {
			break
		}
		at, ttl = s.aliases[i].target, min(ttl, s.aliases[i].ttl)
		if name, ok := learn.CanonicalName(at.String()); ok {
			a.Chain = append(a.Chain, name)
		}
	}
	for _, l := range s.addrs {
		if same(l.owner, at) && !slices.Contains(a.Addrs, l.addr) {
			a.Addrs, ttl = append(a.Addrs, l.addr), min(ttl, l.ttl)
		}
	}
	if len(a.Addrs) > 0 && ttl < 1<<31 { // RFC 2181, section 8
		a.TTL = time.Duration(ttl) * time.Second
	}
	return a
}

func same(a, b dnsmessage.Name) bool {
	return a.Length == b.Length && strings.EqualFold(a.String(), b.String())
}

// service takes the host out of "_8443._https.host" (RFC 9460, section 2.3).
func service(name string) string {
	for strings.HasPrefix(name, "_") {
		_, rest, ok := strings.Cut(name, ".")
		if !ok {
			break
		}
		name = rest
	}
	return name
}
