package source

import (
	"maps"
	"net/netip"
)

// A role says on which side of the firewall an interface is.
type role uint8

const (
	unknown role = iota
	outside
	inside
	mixed // what was seen contradicts itself: no stranger there is a host
)

// Evidence is what is known of an interface. Kept in states: do not renumber.
type evidence uint8

const (
	outwards    evidence = 1 << iota // a packet left for the internet, or so it seems
	hosts                            // a packet of a local address came in
	translated                       // a packet left for the internet, surely
	saidOutside                      // by the user
	saidInside
)

// role weighs the evidence, in whatever order it came.
func (e evidence) role() role {
	switch {
	case e&saidInside != 0:
		return inside
	case e&saidOutside != 0:
		return outside
	case e&hosts != 0 && e&translated != 0:
		return mixed
	case e&hosts != 0:
		return inside
	case e != 0:
		return outside
	}
	return unknown
}

// A forged log must not fill the memory.
const (
	mostInterfaces = 1 << 10
	mostNetworks   = 1 << 10
)

// Roles are what is known of each interface: what the user said, else what the
// stream showed.
type roles struct {
	said, seen map[string]evidence
	hosts      map[network]struct{} // networks of IPv6 hosts with public addresses
	last       [2]string            // the interfaces asked about last, and what was known
	lastKnown  [2]evidence
}

// A network is an IPv6 subnet, 64 bits as all are, on an interface.
type network struct {
	name string
	bits [8]byte
}

func newRoles(o Options) roles {
	r := roles{said: map[string]evidence{}, seen: map[string]evidence{}, hosts: map[network]struct{}{}}
	for _, name := range o.Outside {
		r.said[name] = saidOutside
	}
	for _, name := range o.Inside {
		r.said[name] = saidInside
	}
	return r
}

func (r *roles) of(name string) role { return r.known(name).role() }

func (r *roles) isSaid(name string, is role) bool {
	known := r.known(name)
	return known >= saidOutside && known.role() == is
}

func (r *roles) known(name string) evidence {
	for i, last := range r.last {
		if name == last && r.lastKnown[i] != 0 {
			return r.lastKnown[i]
		}
	}
	known, ok := r.said[name]
	if !ok {
		known = r.seen[name]
	}
	r.remember(name, known)
	return known
}

// remember keeps an answer: the lines of the two sides of a firewall alternate.
func (r *roles) remember(name string, known evidence) {
	if name != r.last[0] {
		r.last[1], r.lastKnown[1] = r.last[0], r.lastKnown[0]
	}
	r.last[0], r.lastKnown[0] = name, known
}

// learn notes what a passed packet showed and returns what the interface is.
func (r *roles) learn(name string, shown evidence) role {
	known := r.known(name)
	if known&shown != 0 || known >= saidOutside || known == 0 && len(r.seen) >= mostInterfaces {
		return known.role()
	}
	known |= shown
	r.seen[name] = known
	r.last, r.lastKnown = [2]string{}, [2]evidence{}
	return known.role()
}

// addHost notes that a stranger's address is that of a host on an interface.
func (r *roles) addHost(name string, a netip.Addr) {
	if n := networkOf(name, a); a.Is6() && len(r.hosts) < mostNetworks {
		r.hosts[n] = struct{}{}
	}
}

// hasHost says whether a is in a network of hosts on an interface that is
// inside.
func (r *roles) hasHost(name string, a netip.Addr) bool {
	if !a.Is6() || len(r.hosts) == 0 || r.of(name) != inside {
		return false
	}
	_, ok := r.hosts[networkOf(name, a)]
	return ok
}

func networkOf(name string, a netip.Addr) network {
	b := a.As16()
	return network{name, [8]byte(b[:8])}
}

// restore goes back to what was seen.
func (r *roles) restore(seen map[string]evidence, hosts map[network]struct{}) {
	r.seen, r.hosts = maps.Clone(seen), maps.Clone(hosts)
	if r.seen == nil {
		r.seen = map[string]evidence{}
	}
	if r.hosts == nil {
		r.hosts = map[network]struct{}{}
	}
	r.last, r.lastKnown = [2]string{}, [2]evidence{}
}
