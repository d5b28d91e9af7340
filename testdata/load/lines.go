package main

import (
	"context"
	"net/netip"
	"strconv"
	"time"
)

var background = context.Background()

// A writer makes lines of a firewall.
type writer struct{ buf []byte }

// flow appends one connection.
func (w *writer) flow(at time.Time, src, dst netip.Addr, sport, dport uint16) {
	b := append(w.buf, "<134>1 "...)
	b = at.AppendFormat(b, "2006-01-02T15:04:05.000000Z07:00")
	b = append(b, " fw.example.com filterlog 64952 - - 5,,,1700000001,em1,match,pass,in,4,0x0,,64,1234,0,DF,6,tcp,60,"...)
	b = src.AppendTo(b)
	b = append(b, ',')
	b = dst.AppendTo(b)
	b = append(b, ',')
	b = strconv.AppendUint(b, uint64(sport), 10)
	b = append(b, ',')
	b = strconv.AppendUint(b, uint64(dport), 10)
	w.buf = append(b, ",0,S,3003,,64240,,mss\n"...)
}

// allowed appends n connections that rules admit, of all agents in turn.
func (w *writer) allowed(at time.Time, from, n int) {
	for i := from; i < from+n; i++ {
		agent := i % agents
		dst, port := rule(agent, i/agents%rules)
		w.flow(at, source(agent), dst, uint16(1024+i%60000), port)
	}
}

// unexpected appends a connection to a destination of its own, one of a million.
func (w *writer) unexpected(at time.Time, agent, n int) {
	dst := netip.AddrFrom4([4]byte{203, 0, 113, byte(n)})
	w.flow(at, source(agent), dst, uint16(1024+n%60000), uint16(20_000+n/256))
}
