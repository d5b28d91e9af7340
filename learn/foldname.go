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

// named drafts rules for names: a wildcard where it is worth what it opens, else
// the name itself. It returns the destinations that are left: those without a
// name at an address that is not behind one.
func (ds *drafts) named(all []Destination) sites {
	names, of := roll{}, make([]*called, len(all))
	unnamed := 0
	for i := range all {
		if of[i] = names.call(&all[i]); of[i] == nil {
			unnamed++
		}
	}
	ds.news, ds.alarms = ds.widen(names)
	for i, c := range of {
		if c != nil {
			ds.join(c, &all[i])
		}
	}
	if unnamed == 0 {
		return sites{}
	}
	out := ds.sites(all, of)
	for i := range out.list {
		ds.behind(&out.list[i], all, of)
	}
	out.list = slices.DeleteFunc(out.list, func(p site) bool { return len(p.spots) == 0 })
	return out
}

// behind takes out of a place what is named, and joins what is not to the names
// behind whose addresses it is.
func (ds *drafts) behind(p *site, all []Destination, of []*called) {
	if !slices.ContainsFunc(p.spots, func(s spot) bool { return s.named }) {
		return
	}
	rest := p.spots[:0]
	for len(p.spots) > 0 {
		n := 1
		for n < len(p.spots) && p.same(p.spots[0], p.spots[n], all) {
			n++
		}
		rest = ds.behindOne(rest, p.spots[:n], all, of)
		p.spots = p.spots[n:]
	}
	p.spots = rest
}

// behindOne is behind for one address. It appends what no name is for to rest.
func (ds *drafts) behindOne(rest, spots []spot, all []Destination, of []*called) []spot {
	var rules []*draft
	for _, s := range spots {
		if s.named && !slices.Contains(rules, of[s.index].draft) {
			rules = append(rules, of[s.index].draft)
		}
	}
	if rules == nil {
		return append(rest, spots...)
	}
	for _, s := range spots {
		if s.named {
			continue
		}
		for _, r := range rules {
			r.join(&all[s.index])
		}
	}
	return rest
}

// join adds d to the rule for a name.
func (ds *drafts) join(c *called, d *Destination) {
	if c.draft == nil {
		c.draft = draftOf(ds.names, c.rule, subject{name: c.rule})
	}
	c.draft.join(d)
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
