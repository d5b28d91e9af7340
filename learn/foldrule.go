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

	names    map[string]*draft
	labels   map[ipranges.Label]*draft
	prefixes map[netip.Prefix]*draft
	counted  bool // only what is admitted is asked, no evidence gathered

	// What names come to: new destinations expected in the coming week, and
	// of them outside the rules.
	news, alarms float64
}

func (f *folding) drafts() *drafts {
	return &drafts{folding: f, names: map[string]*draft{}, labels: map[ipranges.Label]*draft{}, prefixes: map[netip.Prefix]*draft{}}
}

// draftOf returns the draft of what s is in all, made if there is none.
func draftOf[K comparable](all map[K]*draft, k K, s subject) *draft {
	r := all[k]
	if r == nil {
		r = &draft{subject: s}
		all[k] = r
	}
	return r
}

// prefix notes that a rule for p admits seen, which are of one service.
func (ds *drafts) prefix(p netip.Prefix, seen []*Destination) {
	if ds.counted {
		ds.prefixes[p] = nil
		return
	}
	draftOf(ds.prefixes, p, subject{prefix: p}).joinAll(seen)
}

// label notes that a rule for l admits d.
func (ds *drafts) label(l ipranges.Label, d *Destination) {
	if r := draftOf(ds.labels, l, subject{label: l}); !ds.counted {
		r.join(d)
	}
}

func (r *draft) join(d *Destination) {
	if n := len(r.ports); n == 0 || r.ports[n-1] != d.Service {
		r.ports = append(r.ports, d.Service)
	}
	r.seen = append(r.seen, d)
}

// joinAll is join for destinations of one service. It keeps the slice.
func (r *draft) joinAll(seen []*Destination) {
	r.join(seen[0])
	if len(r.seen) == 1 {
		r.seen = slices.Clip(seen)
		return
	}
	r.seen = append(r.seen, seen[1:]...)
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
func (ds *drafts) widest(g *group, nodes []node, labels map[ipranges.Label]ipranges.Set) []node {
	slices.SortFunc(nodes, compareNodes)
	out := make([]node, 0, len(nodes))
	for _, n := range nodes {
		if len(out) > 0 && n.key <= g.last(out[len(out)-1]) || inside(g.prefix(n), labels) || ds.hostly(g, n) {
			continue
		}
		out = append(out, n)
	}
	return out
}

func compareNodes(a, b node) int {
	if a.key != b.key {
		return cmp.Compare(a.key, b.key)
	}
	return a.bits - b.bits
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

// group drafts what admits the destinations of g: nodes as prefixes, which ascend
// and do not overlap, published sets, and hosts.
func (ds *drafts) group(g *group, nodes []node, labels map[ipranges.Label]ipranges.Set) {
	at := 0
	for _, n := range nodes {
		from := at
		for at < len(g.keys) && g.keys[at] < n.key {
			at++
		}
		ds.loose(g, from, at, labels)
		from = at
		for at < len(g.keys) && g.keys[at] <= g.last(n) {
			at++
		}
		if from < at {
			ds.prefix(g.prefix(n), g.between(from, at))
			ds.labelled(g, from, at, labels)
		}
	}
	ds.loose(g, at, len(g.keys), labels)
}

// labelled adds the destinations of some keys to all published sets that hold
// them.
func (ds *drafts) labelled(g *group, from, to int, labels map[ipranges.Label]ipranges.Set) {
	if len(labels) == 0 {
		return
	}
	for _, d := range g.between(from, to) {
		for l, set := range labels {
			if set.Contains(d.Addr) {
				ds.label(l, d)
			}
		}
	}
}

// loose is labelled for what is in no prefix: what is in no published set either
// gets a rule of its own.
func (ds *drafts) loose(g *group, from, to int, labels map[ipranges.Label]ipranges.Set) {
	ds.labelled(g, from, to, labels)
	for i := from; i < to; i++ {
		seen := g.leaf(i)
		for j := range seen {
			a := g.addrOf(i, j)
			if !within(a, labels) {
				ds.prefix(netip.PrefixFrom(a, a.BitLen()), seen[j:j+1])
			}
		}
	}
}

func within(a netip.Addr, labels map[ipranges.Label]ipranges.Set) bool {
	for _, set := range labels {
		if set.Contains(a) {
			return true
		}
	}
	return false
}
