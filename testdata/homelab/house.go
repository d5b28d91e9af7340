package main

import (
	"net/netip"
	"time"
)

// The rest of the house, which nobody asked about.
var (
	television = lanHost("192.0.2.20", "2001:db8:1::20", player)
	laptop     = lanHost("192.0.2.31", "2001:db8:1::31", apple)
	phone      = lanHost("192.0.2.40", "2001:db8:1::40", apple)
	vaultHost  = host{addr: vault, iface: dmz, rule: ruleDMZ, stack: linux}

	quic     = service{udp, 443}
	pushHost = netip.MustParseAddr("198.51.100.200")

	// the space of three large networks that pages and films come from.
	elsewhere = []netip.Prefix{
		netip.MustParsePrefix("13.32.0.0/15"),
		netip.MustParsePrefix("142.250.0.0/15"),
		netip.MustParsePrefix("151.101.0.0/16"),
	}
)

// awake is how many pages an hour somebody in the house opens, by the hour.
var awake = [24]int{1, 0, 0, 0, 0, 0, 2, 4, 3, 2, 2, 3, 4, 3, 2, 3, 4, 5, 6, 8, 8, 7, 5, 2}

func (l *lab) houseDay(day time.Time) {
	for hour, pages := range awake {
		start := day.Add(time.Duration(hour) * time.Hour)
		for _, who := range []host{laptop, phone} {
			for range pages {
				l.page(l.within(start, time.Hour), who)
			}
		}
		l.connect(l.within(start, time.Hour), phone, pushHost, service{tcp, 5223})
		l.connect(l.within(start, time.Hour), vaultHost, servers[0], ntp)
		if hour >= 19 && hour < 23 {
			l.film(start)
		}
	}
}

// page is a name, and a handful of connections to where it is.
func (l *lab) page(at time.Time, who host) {
	l.connect(at.Add(-time.Second), who, resolver, dns)
	for k := range 1 + l.IntN(6) {
		s := https
		if l.IntN(3) == 0 {
			s = quic
		}
		to := l.inside(elsewhere[l.IntN(len(elsewhere))])
		l.connect(at.Add(time.Duration(k)*time.Second), who, to, s)
	}
}

// film is the television changing its server every few minutes.
func (l *lab) film(start time.Time) {
	for minute := 0; minute < 60; minute += 4 + l.IntN(4) {
		at := start.Add(time.Duration(minute) * time.Minute)
		l.connect(at, television, l.inside(elsewhere[0]), https)
	}
}
