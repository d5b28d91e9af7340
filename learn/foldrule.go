package learn

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"tripline/ipranges"
)

// A subject is a [To] that can be compared.
type subject struct {
	name   string
	label  ipranges.Label
	prefix netip.Prefix
}

// A draft is a rule while evidence for it is gathered.
type draft struct {
	subject

	ports []Service
	seen  []*Destination
}

// Drafts are the rules of one folding, by what they admit: what several ports
// have in common becomes one rule.
type drafts struct {
	*folding

	by map[subject]*draft

	// What names come to: new destinations expected in the coming week, and
	// of them outside the rules.
	news, alarms float64
}

func (f *folding) drafts() *drafts { return &drafts{folding: f, by: map[subject]*draft{}} }

// add notes that a rule admits d.
func (ds *drafts) add(s subject, d *Destination) {
	r := ds.by[s]
	if r == nil {
		r = &draft{subject: s}
		ds.by[s] = r
	}
	r.join(d)
}

func (r *draft) join(d *Destination) {
	if n := len(r.ports); n == 0 || r.ports[n-1] != d.Service {
		r.ports = append(r.ports, d.Service)
	}
	r.seen = append(r.seen, d)
}

func compareServices(a, b Service) int {
	return cmp.Or(cmp.Compare(a.Proto, b.Proto), cmp.Compare(a.Port, b.Port))
}

// service drafts the rules for one service. What is inside a wider choice, of
// another home or of the other family, needs no rule of its own.
func (ds *drafts) service(s *served) {
	labels := map[ipranges.Label]ipranges.Set{}
	for _, c := range s.choices {
		for _, l := range c.labels {
			labels[l], _ = ds.options.Space.Table.Set(l)
		}
	}
	maps.DeleteFunc(labels, func(l ipranges.Label, _ ipranges.Set) bool {
		for wider := range labels {
			if wider != l && wider.Covers(l) {
				return true
			}
		}
		return false
	})
	for i, g := range s.groups {
		ds.group(g, ds.widest(g, s.choices[i].nodes, labels), labels)
	}
}

// widest returns the nodes that are rules as prefixes, ascending: none inside
// another or inside a published set, and no network where hosts will do.
func (ds *drafts) widest(g *group, nodes []node, labels map[ipranges.Label]ipranges.Set) []netip.Prefix {
	slices.SortFunc(nodes, func(a, b node) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.bits, b.bits))
	})
	var out []netip.Prefix
	for _, n := range nodes {
		p := g.prefix(n)
		if len(out) > 0 && out[len(out)-1].Overlaps(p) || inside(p, labels) || ds.hostly(g, n) {
			continue
		}
		out = append(out, p)
	}
	return out
}

func inside(p netip.Prefix, labels map[ipranges.Label]ipranges.Set) bool {
	for _, set := range labels {
		if set.Contains(p.Addr()) && ipranges.NewSet(p).Subtract(set).IsEmpty() {
			return true
		}
	}
	return false
}

// hostly says whether a key of IPv6, a /64 network, is admitted host by host:
// where one host was seen in it, or where nothing wider is admitted.
func (ds *drafts) hostly(g *group, n node) bool {
	if g.v4 || n.bits < g.depth {
		return false
	}
	i, _ := slices.BinarySearch(g.keys, n.key)
	leaf := g.leaf(i)
	return leaf[0].Addr == leaf[len(leaf)-1].Addr || ds.hosts.Within(g.prefix(n)) > 0
}

// group drafts what admits the destinations of g: prefixes, which ascend and do
// not overlap, published sets, and hosts.
func (ds *drafts) group(g *group, prefixes []netip.Prefix, labels map[ipranges.Label]ipranges.Set) {
	for _, d := range g.seen {
		for len(prefixes) > 0 && !prefixes[0].Contains(d.Addr) && prefixes[0].Addr().Less(d.Addr) {
			prefixes = prefixes[1:]
		}
		ds.admit(d, prefixes, labels)
	}
}

// admit adds d to the first prefix and to all published sets that hold it. What
// is in none gets a rule of its own.
func (ds *drafts) admit(d *Destination, prefixes []netip.Prefix, labels map[ipranges.Label]ipranges.Set) {
	admitted := len(prefixes) > 0 && prefixes[0].Contains(d.Addr)
	if admitted {
		ds.add(subject{prefix: prefixes[0]}, d)
	}
	for l, set := range labels {
		if set.Contains(d.Addr) {
			ds.add(subject{label: l}, d)
			admitted = true
		}
	}
	if !admitted {
		ds.add(subject{prefix: netip.PrefixFrom(d.Addr, d.Addr.BitLen())}, d)
	}
}
