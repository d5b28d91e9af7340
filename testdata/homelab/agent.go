package main

import (
	"net/netip"
	"time"
)

// bot is the machine the agent works on.
var bot = lanHost("192.0.2.50", "2001:db8:1::50", linux)

// What the agent talks to.
var (
	https = service{tcp, 443}
	dns   = service{udp, 53}
	ntp   = service{udp, 123}
	ssh   = service{tcp, 22}

	// modelAPI answers from an anycast CDN.
	modelAPI = addrs("104.18.6.192", "104.18.7.192", "104.18.32.47", "104.18.33.47", "162.159.140.229", "162.159.140.245")
	modelV6  = addrs("2606:4700::6812:6c0", "2606:4700::6812:7c0")
	packages = addrs("151.101.0.223", "151.101.64.223", "151.101.128.223", "151.101.192.223")
	servers  = addrs("203.0.113.123", "203.0.113.124")
	resolver = netip.MustParseAddr("198.51.100.53")
	gitHost  = netip.MustParseAddr("203.0.113.22")
	vault    = netip.MustParseAddr("192.0.2.130")
)

// storage is where one region's object store answers from, each prefix as
// often as its weight.
var storage = []struct {
	prefix netip.Prefix
	weight int
}{
	{netip.MustParsePrefix("52.216.0.0/15"), 6},
	{netip.MustParsePrefix("54.231.0.0/16"), 3},
	{netip.MustParsePrefix("3.5.0.0/19"), 2},
}

const restartDay = time.Thursday

func addrs(texts ...string) []netip.Addr {
	out := make([]netip.Addr, len(texts))
	for i, t := range texts {
		out[i] = netip.MustParseAddr(t)
	}
	return out
}

// agentDay writes one day of the agent: jobs in working hours, one at night,
// the clock all day, the repository once.
func (l *lab) agentDay(day time.Time) {
	l.rotate()
	l.keepTime(day)
	l.job(l.within(day.Add(2*time.Hour), time.Hour))
	for hour := 8; hour < 19; hour++ {
		for range l.jobs(day.Weekday()) {
			l.job(l.within(day.Add(time.Duration(hour)*time.Hour), time.Hour))
		}
	}
	l.connect(l.within(day.Add(9*time.Hour), time.Hour), bot, gitHost, ssh)
	if day.Weekday() == restartDay {
		l.restart(day.Add(13*time.Hour + 7*time.Minute))
	}
}

// jobs returns how many jobs start in one working hour of that day.
func (l *lab) jobs(d time.Weekday) int {
	if d == time.Saturday || d == time.Sunday {
		return l.IntN(2)
	}
	return 2 + l.IntN(3)
}

// rotate gives the object store its addresses of the day: a few stay, most are
// new.
func (l *lab) rotate() {
	l.bucket = l.bucket[:min(len(l.bucket), 3)]
	for range 6 + l.IntN(4) {
		l.bucket = append([]netip.Addr{l.storageAddr()}, l.bucket...)
	}
}

func (l *lab) storageAddr() netip.Addr {
	n := l.IntN(11)
	for _, s := range storage {
		if n -= s.weight; n < 0 {
			return l.inside(s.prefix)
		}
	}
	return l.inside(storage[0].prefix)
}

// inside returns an IPv4 address of the prefix, never its first or last.
func (l *lab) inside(p netip.Prefix) netip.Addr {
	b := p.Addr().As4()
	n := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	n += 1 + l.Uint32N(1<<(32-p.Bits())-2)
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

// keepTime asks both time servers about every quarter of an hour.
func (l *lab) keepTime(day time.Time) {
	for _, s := range servers {
		at := l.within(day, 15*time.Minute)
		for at.Before(day.AddDate(0, 0, 1)) {
			l.connect(at, bot, s, ntp)
			at = at.Add(1024*time.Second + time.Duration(l.IntN(30)-15)*time.Second)
		}
	}
}

// job is one task: a secret from the vault, then calls of the model, and
// packages or stored objects where the task needs them.
func (l *lab) job(at time.Time) {
	l.connect(at, bot, vault, service{tcp, 8200})
	length := time.Duration(8+l.IntN(12)) * time.Minute
	l.lookup(at)
	for range 5 + l.IntN(14) {
		l.callModel(l.within(at, length))
	}
	if l.IntN(5) < 2 {
		l.fetch(l.within(at, length), packages, 2+l.IntN(5))
	}
	if l.IntN(5) < 3 {
		l.fetch(l.within(at, length), l.bucket, 2+l.IntN(6))
	}
}

// callModel opens one connection to the model, now and then over IPv6.
func (l *lab) callModel(at time.Time) {
	to := modelAPI
	if l.IntN(12) == 0 {
		to = modelV6
	}
	l.connect(at, bot, to[l.IntN(len(to))], https)
	if l.IntN(3) == 0 {
		l.lookup(at)
	}
}

// fetch looks the name up and opens connections to one or two of its addresses.
func (l *lab) fetch(at time.Time, pool []netip.Addr, n int) {
	l.lookup(at)
	i := l.IntN(len(pool))
	for k := range n {
		l.connect(at.Add(time.Duration(k)*time.Second), bot, pool[(i+k%2)%len(pool)], https)
	}
}

// lookup asks the resolver just before; a long answer comes again over TCP.
func (l *lab) lookup(at time.Time) {
	l.connect(at.Add(-time.Second), bot, resolver, dns)
	if l.IntN(40) == 0 {
		l.connect(at.Add(-time.Second), bot, resolver, service{tcp, 53})
	}
}

// restart is the machine coming up again: an address, the time, what is new.
func (l *lab) restart(at time.Time) {
	l.dhcp(at)
	for i, s := range servers {
		l.connect(at.Add(time.Duration(6+i)*time.Second), bot, s, ntp)
	}
	for i, p := range packages {
		l.fetch(at.Add(time.Duration(20+5*i)*time.Second), []netip.Addr{p}, 3)
	}
	l.job(at.Add(2 * time.Minute))
}

// within returns a moment, to the second, in the stretch that begins at start.
func (l *lab) within(start time.Time, length time.Duration) time.Time {
	return start.Add(time.Duration(l.IntN(int(length/time.Second))) * time.Second)
}
