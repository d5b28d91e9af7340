package learn

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// A Proto is a transport protocol by its IANA number ("Assigned Internet
// Protocol Numbers"). The zero value is IPv6 hop-by-hop options and never the
// protocol of a flow.
type Proto uint8

// The protocols that have names here; others print as their number.
const (
	ICMP   Proto = 1
	IGMP   Proto = 2
	TCP    Proto = 6
	UDP    Proto = 17
	GRE    Proto = 47
	ESP    Proto = 50
	ICMPv6 Proto = 58
	SCTP   Proto = 132
)

// protoNames are the names of IANA's registry in lower case, where the firewalls
// use them; 112 is VRRP there and CARP on them, 240 is unassigned and pfsync.
var protoNames = map[Proto]string{
	ICMP: "icmp", IGMP: "igmp", 4: "ipencap", TCP: "tcp", UDP: "udp", 41: "ipv6", 46: "rsvp",
	GRE: "gre", ESP: "esp", 51: "ah", ICMPv6: "icmpv6", 88: "eigrp", 89: "ospf", 94: "ipip",
	103: "pim", 108: "ipcomp", 112: "carp", 113: "pgm", SCTP: "sctp", 240: "pfsync",
}

// String returns the lower-case name, or "proto-N" where there is none.
func (p Proto) String() string {
	if s, ok := protoNames[p]; ok {
		return s
	}
	return "proto-" + strconv.Itoa(int(p))
}

// HasPorts says whether flows of this protocol have port numbers.
func (p Proto) HasPorts() bool { return p == TCP || p == UDP || p == SCTP }

// ParseProto reads what [Proto.String] prints.
func ParseProto(s string) (Proto, error) {
	for p, name := range protoNames {
		if strings.EqualFold(name, s) {
			return p, nil
		}
	}
	if n, ok := strings.CutPrefix(s, "proto-"); ok {
		if v, err := strconv.ParseUint(n, 10, 8); err == nil {
			return Proto(v), nil
		}
	}
	return 0, fmt.Errorf("unknown protocol %q, want tcp, udp, icmp or another name, or proto-N", s)
}

// A Service is a protocol and a port, the unit that rules and folding work on.
// Port is 0 for protocols without ports.
type Service struct {
	Proto Proto
	Port  uint16
}

// String returns "tcp/443", or "icmp" for a protocol without ports.
func (s Service) String() string {
	if !s.Proto.HasPorts() {
		return s.Proto.String()
	}
	return s.Proto.String() + "/" + strconv.Itoa(int(s.Port))
}

// ParseService reads what [Service.String] prints.
func ParseService(text string) (Service, error) {
	name, port, hasPort := strings.Cut(text, "/")
	p, err := ParseProto(name)
	if err != nil {
		return Service{}, err
	}
	if hasPort != p.HasPorts() {
		return Service{}, fmt.Errorf("invalid service %q, want tcp/443, udp/53 or icmp", text)
	}
	if !hasPort {
		return Service{Proto: p}, nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return Service{}, fmt.Errorf("invalid port %q in %q, want 0 to 65535", port, text)
	}
	return Service{Proto: p, Port: uint16(n)}, nil
}

// An Action is what the firewall did with a flow.
type Action uint8

// Pass is the zero value: most sources see only what was let through.
const (
	Pass Action = iota
	Refused
)

// String returns "pass" or "block".
func (a Action) String() string {
	if a == Refused {
		return "block"
	}
	return "pass"
}

// Evidence says how a name became known. PTR records are never evidence.
type Evidence uint8

// The kinds of evidence, weakest first; Unnamed is the zero value.
const (
	Unnamed Evidence = iota
	DNS
	SNI
	QUIC
	HTTP
	Proxy
)

var evidenceNames = [...]string{"", "dns", "sni", "quic", "http", "proxy"}

// String returns the lower-case name, "" for [Unnamed].
func (e Evidence) String() string {
	if int(e) < len(evidenceNames) {
		return evidenceNames[e]
	}
	return "evidence-" + strconv.Itoa(int(e))
}

// A Flow is one outbound connection (or UDP exchange) as one source saw it.
// It owns its strings. Addresses are unmapped (never IPv4-in-IPv6) and carry no
// zone. Only Time, Proto and Dst are always set.
type Flow struct {
	Time      time.Time
	Agent     string // "" until an agent's selector claims it
	Proto     Proto
	Action    Action
	Evidence  Evidence
	Src, Dst  netip.Addr
	SrcPort   uint16
	DstPort   uint16
	Name      string   // what the agent called the destination, "" if unknown
	Resolved  bool     // DNS told the agent that Name is at Dst
	Interface string   // as the source named it
	Rule      string   // the firewall's own rule: tracker or label
	Up, Down  uint64   // bytes, 0 where the source has none
	Process   *Process // who opened it, nil where the source cannot know; never changed once set
	Payload   *Payload // hashes of what was said, nil where nobody asked for them
}

// Service returns the flow's protocol and destination port.
func (f *Flow) Service() Service {
	if !f.Proto.HasPorts() {
		return Service{Proto: f.Proto}
	}
	return Service{f.Proto, f.DstPort}
}

// Compare orders services by protocol number, then by port.
func (s Service) Compare(t Service) int {
	if s.Proto != t.Proto {
		return int(s.Proto) - int(t.Proto)
	}
	return int(s.Port) - int(t.Port)
}
