package learn

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// DefaultWildcard is what the wildcard of a registrable domain costs unless told
// otherwise, in alarms a week. What it opens cannot be counted as addresses can:
// its owner makes names at will. docs/fold-names.md says how it was chosen.
const DefaultWildcard = 2.0

// A called is a name of one service, and what folding made of it.
type called struct {
	name   string
	path   string // its labels from the right, each before a zero byte
	domain string // the registrable domain, "" where no wildcard is possible
	first  time.Time
	weight float64 // what it says of where the next new name will be
	strong bool    // somebody else than a DNS answer says so
	late   bool    // it was first seen in the later half
	rule   string  // the name of the rule that admits it
	draft  *draft
}

// A roll is the names of each service.
type roll map[Service]map[string]*called

// An endpoint is an address and what is served there.
type endpoint struct {
	Service

	addr netip.Addr
}

// named drafts rules for names: a wildcard where it is worth what it opens, else
// the name itself. It returns the destinations that are left, sorted: those
// without a name at an address that is not behind one.
func (ds *drafts) named(all []Destination) []*Destination {
	names, of := roll{}, make([]*called, len(all))
	unnamed := 0
	for i := range all {
		if of[i] = names.call(&all[i]); of[i] == nil {
			unnamed++
		}
	}
	ds.news, ds.alarms = ds.widen(names)
	behind := map[endpoint][]*called{}
	for i, c := range of {
		if c == nil {
			continue
		}
		d := &all[i]
		ds.join(c, d)
		if at := (endpoint{d.Service, d.Addr}); unnamed > 0 && !shares(behind[at], c) {
			behind[at] = append(behind[at], c)
		}
	}
	rest := make([]*Destination, 0, unnamed)
	for i, c := range of {
		d := &all[i]
		if c != nil || !d.Addr.IsValid() {
			continue
		}
		list := behind[endpoint{d.Service, d.Addr}]
		for _, c := range list {
			ds.join(c, d)
		}
		if len(list) == 0 {
			rest = append(rest, d)
		}
	}
	slices.SortFunc(rest, compareDestinations)
	return rest
}

// shares says whether one of list has the rule of c.
func shares(list []*called, c *called) bool {
	return slices.ContainsFunc(list, func(o *called) bool { return o.draft == c.draft })
}

// join adds d to the rule for a name.
func (ds *drafts) join(c *called, d *Destination) {
	if c.draft != nil {
		c.draft.join(d)
		return
	}
	s := subject{name: c.rule}
	ds.add(s, d)
	c.draft = ds.by[s]
}

// call notes what a destination is called and returns it, nil where that is no
// host name. A name that only DNS answers gave to an address is weak: another
// one may have been meant, so it widens nothing.
func (r roll) call(d *Destination) *called {
	name, ok := HostName(d.Name)
	if !ok {
		return nil
	}
	names := r[d.Service]
	if names == nil {
		names = map[string]*called{}
		r[d.Service] = names
	}
	c := names[name]
	if c == nil {
		c = &called{name: name, rule: name, first: d.First}
		names[name] = c
	}
	c.strong = c.strong || d.Evidence > DNS
	if d.First.Before(c.first) {
		c.first = d.First
	}
	return c
}

// place finds where a name belongs and what it says of where new ones come.
func (f *folding) place(c *called) {
	c.path, c.late = pathOf(c.name), c.first.After(f.middle)
	if domain, ok := Registrable(c.name); ok && !domestic(c.name) {
		c.domain = domain
	}
	switch {
	case c.strong && c.late:
		c.weight = 1
	case c.strong:
		c.weight = f.early
	}
}

// pathOf returns the labels of a name from the right, each before a zero byte,
// so that what is below a domain begins with its path.
func pathOf(name string) string {
	var b strings.Builder
	b.Grow(len(name) + 1)
	for name != "" {
		var label string
		name, label = cutLast(name)
		b.WriteString(label)
		b.WriteByte(0)
	}
	return b.String()
}

// localZones are those whose names anyone on the local network can claim or that a
// resolver makes up: RFC 6762 with its appendix G, RFC 6761, RFC 8375 and the
// zones of reverse look-up (RFC 3172).
var localZones = []string{"local", "lan", "home", "corp", "internal", "intranet", "private", "localdomain", "localhost", "arpa"}

// domestic says whether a name is in a local zone.
func domestic(name string) bool {
	_, last := cutLast(name)
	return slices.Contains(localZones, last)
}

// namesIn returns how many names destinations have and the day when the last of
// them was first seen; nothing if they have fewer than two.
func namesIn(ds []*Destination) (names int, last time.Time) {
	if !slices.ContainsFunc(ds, func(d *Destination) bool { return d.Name != ds[0].Name }) {
		return 0, time.Time{} // the usual case, at no cost
	}
	first := map[string]time.Time{}
	for _, d := range ds {
		name, ok := HostName(d.Name)
		if at, known := first[name]; ok && (!known || d.First.Before(at)) {
			first[name] = d.First
		}
	}
	if len(first) < 2 {
		return 0, time.Time{}
	}
	for _, at := range first {
		if at.After(last) {
			last = at
		}
	}
	return len(first), dayOf(last)
}
