package learn

import (
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
	path   string  // its labels from the right, each before a zero byte
	domain string  // the registrable domain, "" where no wildcard is possible
	weight float64 // what it says of where the next new name will be
	strong bool    // somebody else than a DNS answer says so
	late   bool    // it was first seen in the later half
	rule   string  // the name of the rule that admits it
}

// named drafts rules for names: a wildcard where it is worth what it opens, else
// the name itself. It returns the destinations that are left, sorted: those
// without a name at an address that is not behind one.
func (ds *drafts) named(all []Destination) []*Destination {
	rules, unnamed := ds.names(all)
	behind := map[Target][]string{} // rules for an address, by service
	for i := range all {
		d := &all[i]
		rule, ok := rules[nameOf(d)]
		if !ok {
			continue
		}
		ds.add(subject{name: rule}, d)
		at := Target{Service: d.Service, Addr: d.Addr}
		behind[at] = insert(behind[at], rule)
	}
	var rest []*Destination
	for _, d := range unnamed {
		names := behind[Target{Service: d.Service, Addr: d.Addr}]
		for _, name := range names {
			ds.add(subject{name: name}, d)
		}
		if len(names) == 0 {
			rest = append(rest, d)
		}
	}
	slices.SortFunc(rest, compareDestinations)
	return rest
}

// nameOf returns what is called at which service. What is no host name is "".
func nameOf(d *Destination) Target {
	name, _ := HostName(d.Name)
	return Target{Service: d.Service, Name: name}
}

// names returns the rule for each name of each service, and the destinations
// that have an address and no name.
func (ds *drafts) names(all []Destination) (rules map[Target]string, unnamed []*Destination) {
	seen := map[Target][]*Destination{}
	for i := range all {
		d := &all[i]
		switch t := nameOf(d); {
		case t.Name != "":
			seen[t] = append(seen[t], d)
		case d.Addr.IsValid():
			unnamed = append(unnamed, d)
		}
	}
	services := map[Service][]*called{}
	for t, list := range seen {
		services[t.Service] = append(services[t.Service], ds.called(t.Name, list))
	}
	ds.widen(services)
	rules = make(map[Target]string, len(seen))
	for s, list := range services {
		for _, c := range list {
			rules[Target{Service: s, Name: c.name}] = c.rule
		}
	}
	return rules, unnamed
}

// called gathers what is known of a name. A name that only DNS answers gave to
// an address is weak: another one may have been meant, so it widens nothing.
func (f *folding) called(name string, list []*Destination) *called {
	c := &called{name: name, path: pathOf(name), rule: name, late: firstSeen(list).After(f.middle)}
	for _, d := range list {
		c.strong = c.strong || d.Evidence > DNS
	}
	if domain, ok := Registrable(name); ok && !domestic(name) {
		c.domain = domain
	}
	switch {
	case c.strong && c.late:
		c.weight = 1
	case c.strong:
		c.weight = f.early
	}
	return c
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
