package main

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// A generator appends one event after another to out.
type generator struct {
	*rand.Rand
	world
	size    size
	out     []byte
	written int
	second  int64  // that stamp was written for
	stamp   []byte // a header up to the fraction of the second
}

func newGenerator(s size) *generator {
	r := rand.New(rand.NewPCG(s.seed, 0x6c696e65))
	return &generator{Rand: r, world: newWorld(r, s.destinations), size: s, second: -1}
}

// The shares of what happens, in percent.
const (
	blocks  = 14
	lookups = 10 // of the rest
	paired  = 30 // of the connections leave a second line, after NAT
)

// everybody is how many destinations are known to every machine.
const everybody = 500

// event appends a knock at the door, or a connection with one or two lines.
func (g *generator) event() {
	p := g.IntN(100)
	switch {
	case p < blocks:
		g.block()
	case p < blocks+lookups:
		g.connect(g.anyHost(), destination{addr: "198.51.100.53", port: "53", udp: true})
	default:
		rank := int(g.popular[g.IntN(len(g.popular))])
		g.connect(g.hostFor(rank), g.destinations[rank])
	}
}

// anyHost draws twice and takes the smaller: some machines talk much more than
// others.
func (g *generator) anyHost() int {
	return min(g.IntN(len(g.hosts4)), g.IntN(len(g.hosts4)))
}

// hostFor returns who talks to a destination: everybody to the popular ones,
// the same two machines to each of the others.
func (g *generator) hostFor(rank int) int {
	if rank < everybody {
		return g.anyHost()
	}
	return (rank*7 + g.IntN(2)) % len(g.hosts4)
}

func (g *generator) block() {
	g.header()
	g.text("5,,,1000000103,igb0,match,block,in,4,0x0,,47,").number(g.Uint32() >> 16)
	g.text(",0,DF,6,tcp,44,203.0.113.").number(g.Uint32N(256)).text(",198.51.100.7,")
	g.ports(g.Uint32N(60000)+1024, []string{"22", "23", "445", "3389", "8080"}[g.IntN(5)])
	g.text(",0,S,").number(g.Uint32()).text(",,1024,,mss")
	g.end()
}

func (g *generator) connect(n int, d destination) {
	src, id, seq, payload := g.hosts4[n], g.Uint32()>>16, g.Uint32(), 30+g.Uint32N(1200)
	if d.v6 {
		src = g.hosts6[n]
	}
	sport := 32768 + g.Uint32N(28000)
	g.line("92,,,1699872345,igb1,match,pass,in,", "64", src, d, id, sport, seq, payload)
	if g.IntN(100) >= paired || g.written == g.size.lines {
		return
	}
	if !d.v6 {
		src, sport = "198.51.100.7", 1024+g.Uint32N(60000)
	}
	g.line("86,,,1000002661,igb0,match,pass,out,", "63", src, d, id, sport, seq, payload)
}

func (g *generator) line(rule, ttl, src string, d destination, id, sport, seq, payload uint32) {
	g.header()
	g.text(rule)
	if d.v6 {
		g.text("6,0x00,0x").number(10000 + id).text(",").text(ttl).text(",TCP,6,40,")
	} else {
		g.text("4,0x0,,").text(ttl).text(",").number(id)
		if d.udp {
			g.text(",0,DF,17,udp,").number(28 + payload).text(",")
		} else {
			g.text(",0,DF,6,tcp,60,")
		}
	}
	g.text(src).text(",").text(d.addr).text(",")
	g.ports(sport, d.port)
	if d.udp {
		g.text(",").number(8 + payload)
	} else {
		g.text(",0,S,").number(seq).text(",,64240,,mss;sackOK;TS;nop;wscale")
	}
	g.end()
}

func (g *generator) ports(sport uint32, dport string) {
	g.number(sport).text(",").text(dport)
}

func (g *generator) text(s string) *generator {
	g.out = append(g.out, s...)
	return g
}

func (g *generator) number(n uint32) *generator {
	g.out = strconv.AppendUint(g.out, uint64(n), 10)
	return g
}

func (g *generator) end() {
	g.out = append(g.out, '\n')
	g.written++
}

var start = time.Date(2026, time.March, 28, 0, 0, 0, 0, time.UTC)

// header writes the stamp of this line; all but the fraction is kept for as
// long as the second lasts.
func (g *generator) header() {
	second := int64(g.written / g.size.rate)
	if second != g.second {
		g.second = second
		at := start.Add(time.Duration(second) * time.Second)
		g.stamp = at.AppendFormat(append(g.stamp[:0], "<134>1 "...), "2006-01-02T15:04:05.")
	}
	g.out = append(g.out, g.stamp...)
	micros := uint64(g.written%g.size.rate) * 1_000_000 / uint64(g.size.rate)
	at := len(g.out)
	g.out = strconv.AppendUint(g.out, 1_000_000+micros, 10)
	g.out = append(g.out[:at], g.out[at+1:]...) // the leading 1 kept the zeros
	g.text("-05:00 fw.example.com filterlog 64952 - - ")
}
