package main

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"
)

// Where packets go that are for nobody in particular.
var (
	allHosts     = netip.MustParseAddr("224.0.0.1")
	mdns4        = netip.MustParseAddr("224.0.0.251")
	mdns6        = netip.MustParseAddr("ff02::fb")
	solicited    = netip.MustParseAddr("ff02::1:ff00:50")
	linkLocalBot = netip.MustParseAddr("fe80::211:22ff:fe33:4450")
	broadcast    = netip.MustParseAddr("255.255.255.255")
	scanners     = netip.MustParsePrefix("203.0.113.128/25")
	scanned      = []uint16{22, 23, 80, 443, 445, 1433, 3389, 5900, 6379, 8080, 8443, 9200, 37215}
)

// noiseDay writes what every firewall logs all day: somebody knocking, dead
// connections, machines calling for each other.
func (l *lab) noiseDay(day time.Time) {
	for range 360 + l.IntN(120) {
		l.scan(l.within(day, 24*time.Hour))
	}
	for range 30 + l.IntN(30) {
		l.outOfState(l.within(day, 24*time.Hour))
	}
	for at := day.Add(time.Minute); at.Before(day.AddDate(0, 0, 1)); at = at.Add(10 * time.Minute) {
		l.multicast(at)
	}
	l.dhcp(l.within(day.Add(6*time.Hour), time.Hour))
}

// scan is a SYN at the outer address; some knock again with the same one.
func (l *lab) scan(at time.Time) {
	p := packet{rule: ruleDeny, iface: wan, act: "block", dir: "in", src: l.inside(scanners), dst: wanAddr, proto: tcp, ttl: 40 + l.IntN(14), id: uint16(l.Uint32())}
	if l.IntN(20) == 0 {
		p.proto, p.size = icmp, 64
		// the payload length is glued to the sequence number, as filterlog has it.
		p.body = fmt.Sprintf("request,%d,%d%d", l.IntN(65536), l.IntN(300), p.size)
		l.log.packet(at, p)
		return
	}
	p.size = 24
	p.body = fmt.Sprintf("%d,%d,0,S,%d,,1024,,mss", lastPrivate+l.IntN(60000), scanned[l.IntN(len(scanned))], l.Uint32())
	for _, wait := range []time.Duration{0, time.Second, 3 * time.Second}[:1+l.IntN(6)/4*2] {
		l.log.packet(at.Add(wait), p)
	}
}

// outOfState is the end of a connection the firewall has already forgotten.
func (l *lab) outOfState(at time.Time) {
	who := []host{bot, laptop, phone}[l.IntN(3)]
	p := packet{rule: ruleDeny, iface: lan, act: "block", dir: "in", src: who.addr, dst: modelAPI[l.IntN(len(modelAPI))], proto: tcp, ttl: 64, size: 32}
	flags := []string{"FA", "RA", "FPA", "R", "A"}[l.IntN(5)]
	ack := l.sequence()
	if flags == "R" {
		ack = ""
	}
	seq := l.sequence()
	if flags == "A" {
		seq = ""
	}
	p.body = fmt.Sprintf("%d,443,0,%s,%s,%s,501,,nop;nop;TS", ephemeral+l.IntN(28000), flags, seq, ack)
	l.log.packet(at, p)
}

func (l *lab) sequence() string { return strconv.FormatUint(uint64(l.Uint32()), 10) }

// multicast is a querier, the names of the house, and a neighbour looked for.
func (l *lab) multicast(at time.Time) {
	query := packet{rule: ruleDeny, iface: lan, act: "block", dir: "in", src: fwLAN, dst: allHosts, proto: igmp, ttl: 1, size: 12, body: "datalength=8 "}
	l.log.packet(at, query)
	names := packet{rule: ruleDeny, iface: lan, act: "block", dir: "in", src: phone.addr, dst: mdns4, proto: udp, ttl: 255}
	names.size, names.body = datagram(5353, 5353, 60+l.IntN(90))
	l.log.packet(at.Add(2*time.Second), names)
	names.rule, names.src, names.dst = ruleDenyV6, linkLocalBot, mdns6
	l.log.packet(at.Add(2*time.Second), names)
	who := packet{rule: ruleDenyV6, iface: lan, act: "block", dir: "in", src: linkLocalBot, dst: solicited, proto: icmpv6, ttl: 255, size: 32}
	l.log.packet(at.Add(5*time.Second), who)
}

// dhcp is a machine that has no address yet.
func (l *lab) dhcp(at time.Time) {
	p := packet{rule: ruleDHCP, iface: lan, act: "pass", dir: "in", src: netip.IPv4Unspecified(), dst: broadcast, proto: udp, ttl: 64}
	p.size, p.body = datagram(68, 67, 300)
	l.log.packet(at, p)
}
