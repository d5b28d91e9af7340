package main

import (
	"fmt"
	"net/netip"
)

// A packet is what pf logs of one: where it was seen, which rule decided, and
// the headers. Body is the part of its protocol as filterlog prints it.
type packet struct {
	rule      string // number, sub-rule, anchor and tracker: "92,,,1699872345"
	iface     string
	act       string
	dir       string
	src, dst  netip.Addr
	proto     protocol
	ttl       int
	id        uint16
	flowLabel uint32
	size      int // of what follows the IPv4 or IPv6 header
	body      string
}

// A protocol has a number and two spellings: filterlog takes the IPv4 one from
// the system's table and prints the IPv6 one itself.
type protocol struct {
	number   int
	in4, in6 string
}

var (
	tcp    = protocol{6, "tcp", "TCP"}
	udp    = protocol{17, "udp", "UDP"}
	icmp   = protocol{1, "icmp", ""}
	igmp   = protocol{2, "igmp", ""}
	icmpv6 = protocol{58, "", "ICMPv6"}
)

// String returns the comma-separated part of the line.
func (p packet) String() string {
	head := fmt.Sprintf("%s,%s,match,%s,%s", p.rule, p.iface, p.act, p.dir)
	if p.dst.Is4() {
		return fmt.Sprintf("%s,4,0x0,,%d,%d,0,%s,%d,%s,%d,%s,%s,%s",
			head, p.ttl, p.id, p.fragment(), p.proto.number, p.proto.in4, 20+p.size, p.src, p.dst, p.body)
	}
	return fmt.Sprintf("%s,6,0x00,0x%05x,%d,%s,%d,%d,%s,%s,%s",
		head, p.flowLabel, p.ttl, p.proto.in6, p.proto.number, p.size, p.src, p.dst, p.body)
}

// fragment returns the flags column: TCP stacks set DF, the rest here do not.
func (p packet) fragment() string {
	if p.proto == tcp {
		return "DF"
	}
	return "none"
}

// A stack is what gives a machine's operating system away in its SYN.
type stack struct {
	window  int
	options string
}

var (
	linux  = stack{64240, "mss;sackOK;TS;nop;wscale"}
	apple  = stack{65535, "mss;nop;wscale;nop;nop;TS;sackOK;eol"}
	player = stack{29200, "mss;sackOK;TS;nop;wscale"}
)

// syn returns the size and the body of a first packet.
func syn(sport, dport uint16, seq uint32, s stack) (int, string) {
	size := 40
	if s == apple {
		size = 44
	}
	return size, fmt.Sprintf("%d,%d,0,S,%d,,%d,,%s", sport, dport, seq, s.window, s.options)
}

// datagram returns the size and the body of a UDP packet of n bytes.
func datagram(sport, dport uint16, n int) (int, string) {
	return 8 + n, fmt.Sprintf("%d,%d,%d", sport, dport, 8+n)
}
