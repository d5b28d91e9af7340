package main

import (
	"math/rand/v2"
	"net/netip"
	"strconv"
	"time"
)

// The interfaces of the firewall, and the rules that log.
const (
	wan = "igb0"
	lan = "igb1"
	dmz = "igb2"

	ruleLAN     = "92,,,1699872345"
	ruleDMZ     = "97,,,1699872381"
	ruleOut     = "86,,,1000002661"
	ruleDeny    = "5,,,1000000103"
	ruleDenyV6  = "7,,,1000000105"
	ruleDHCP    = "61,,,1000002541"
	ephemeral   = 32768
	lastPrivate = 1024
)

var (
	wanAddr  = netip.MustParseAddr("198.51.100.7")
	fwLAN    = netip.MustParseAddr("192.0.2.1")
	dmzRange = netip.MustParsePrefix("192.0.2.128/25")
)

// A host is a machine inside: where it is plugged in and how it speaks.
type host struct {
	addr, addr6 netip.Addr
	iface, rule string
	stack       stack
}

func lanHost(addr, addr6 string, s stack) host {
	return host{netip.MustParseAddr(addr), netip.MustParseAddr(addr6), lan, ruleLAN, s}
}

// A service is a protocol and a port at the far end.
type service struct {
	proto protocol
	port  uint16
}

// String returns "tcp/443".
func (s service) String() string { return s.proto.in4 + "/" + strconv.Itoa(int(s.port)) }

// A lab is the network while time passes: what is random comes from one
// generator, and what is remembered from day to day is here.
type lab struct {
	*rand.Rand
	log    *journal
	bucket []netip.Addr // the storage addresses that names resolve to today
}

func newLab(seed uint64) *lab {
	return &lab{Rand: rand.New(rand.NewPCG(seed, 0x74726970))}
}

// days writes a number of days into a journal of their own.
func (l *lab) days(first time.Time, n int) *journal {
	l.log = &journal{}
	l.log.add(first.Add(-time.Second), "newsyslog[41022]", "logfile turned over due to size>500K")
	for i := range n {
		day := first.AddDate(0, 0, i)
		l.agentDay(day)
		l.houseDay(day)
		l.noiseDay(day)
	}
	return l.log
}

// connect logs the first packet of a connection twice, as a firewall does that
// logs both rules: as it comes in from the host and as it leaves, after NAT.
func (l *lab) connect(at time.Time, from host, to netip.Addr, s service) {
	o := l.open(from, to, s)
	o.iface, o.act, o.dir, o.rule = from.iface, "pass", "in", from.rule
	l.log.packet(at, o.first())
	o.iface, o.dir, o.rule = exit(to), "out", ruleOut
	o.ttl--
	if o.iface == wan && to.Is4() {
		o.src, o.sport = wanAddr, uint16(lastPrivate+l.IntN(65536-lastPrivate))
	}
	l.log.packet(at, o.first())
}

// An opening is what makes the first packet of a connection: its ports may
// still be translated, the rest stays.
type opening struct {
	packet
	sport, dport uint16
	seq          uint32
	payload      int
	stack        stack
}

func (l *lab) open(from host, to netip.Addr, s service) opening {
	o := opening{dport: s.port, seq: l.Uint32(), payload: 28 + l.IntN(40), stack: from.stack}
	o.sport = uint16(ephemeral + l.IntN(65536-ephemeral))
	if s == ntp {
		o.sport, o.payload = s.port, 48
	}
	o.packet = packet{src: from.addr, dst: to, proto: s.proto, ttl: 64, id: uint16(l.Uint32())}
	if to.Is6() {
		o.src, o.flowLabel = from.addr6, l.Uint32()>>12
	}
	return o
}

// first returns the packet with the ports as they are now.
func (o opening) first() packet {
	p := o.packet
	if p.proto == tcp {
		p.size, p.body = syn(o.sport, o.dport, o.seq, o.stack)
	} else {
		p.size, p.body = datagram(o.sport, o.dport, o.payload)
	}
	return p
}

// exit returns the interface a packet to that address leaves by.
func exit(to netip.Addr) string {
	if dmzRange.Contains(to) {
		return dmz
	}
	return wan
}
