package source

import (
	"context"
	"net"
	"net/netip"
	"os"
	"strconv"

	"tripline/learn"
)

// A teller makes records of what processes open.
type teller struct {
	place place
	own   uint32 // network namespace
	seen  seenSet
	names map[netip.Addr]netip.Addr // the own address towards another
	homes map[home]netip.Addr
}

// A home is a network namespace, in one version of IP. It has an address as long as
// all that is opened there comes from one, and an invalid one after that.
type home struct {
	net  uint32
	four bool
}

// newTeller returns one that takes what is sent within so many seconds for the same
// exchange.
func newTeller(own, within uint32, o *Options) *teller {
	t := &teller{
		place: place{local: o.Local, firewall: o.Firewall}, own: own, seen: *newSeenSet(within),
		names: map[netip.Addr]netip.Addr{}, homes: map[home]netip.Addr{},
	}
	t.seen.most = mostTracked
	return t
}

// record makes the record of one, and says whether it is one: our own question where
// packets would leave is none.
func (t *teller) record(o *opening) (Record, bool) {
	if o.Process.PID == os.Getpid() && o.Proto == learn.UDP && o.DstPort == discard {
		return Record{}, false
	}
	r := Record{Flow: o.Flow, Act: "open", RuleNumber: -1, Version: 6}
	if r.Dst.Is4() {
		r.Version = 4
	}
	r.Src = t.from(o)
	r.Why = t.why(o)
	r.Counted = r.Why == Outbound
	return r, true
}

func (t *teller) why(o *opening) Why {
	if why := t.place.noDestination(o.Dst); why != "" {
		return why
	}
	if o.closed {
		return Ended
	}
	if o.Proto == learn.UDP && t.seen.meet(t.key(o), uint32(o.Time.Unix())) {
		return SameExchange
	}
	return Outbound
}

// key is that of what one socket sends to one destination.
func (t *teller) key(o *opening) uint64 {
	r := Record{Flow: o.Flow}
	r.Src = netip.Addr{}
	return t.seen.keys.target(keyTarget, &r, o.cookie)
}

// from is where something comes from. A socket that was not bound does not say: then
// it is what the routes say here, and in another network the address of all others
// there, if they have one.
func (t *teller) from(o *opening) netip.Addr {
	at := home{o.net, o.Dst.Is4()}
	known, met := t.homes[at]
	switch {
	case !o.Src.IsValid() && o.net == t.own:
		return t.towards(o.Dst)
	case !o.Src.IsValid():
		return known
	case o.net == t.own || o.Src.IsLoopback() || known == o.Src:
		return o.Src
	case len(t.homes) >= mostNames:
		clear(t.homes)
	case met:
		t.homes[at] = netip.Addr{}
		return o.Src
	}
	t.homes[at] = o.Src
	return o.Src
}

const discard = 9 // the port of RFC 863, which nothing is ever sent to here

// mostNames bounds what is remembered of own addresses.
const mostNames = 1 << 12

// towards is the address that packets to another leave with, as the routes are now.
// Nothing is sent.
func (t *teller) towards(dst netip.Addr) netip.Addr {
	src, ok := t.names[dst]
	if ok {
		return src
	}
	if len(t.names) >= mostNames {
		clear(t.names)
	}
	c, err := (&net.Dialer{}).DialContext(context.Background(), "udp", net.JoinHostPort(dst.String(), strconv.Itoa(discard)))
	if err == nil {
		src = c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap().WithZone("")
		_ = c.Close()
	}
	t.names[dst] = src
	return src
}
