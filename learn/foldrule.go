package learn

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"
	"sort"

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
	draftOf(ds.prefixes, p, subject{prefix: p}).joinAll(seen)
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

// service drafts the rules for one service.
func (ds *drafts) service(s *served) {
	w := ds.wholes(s)
	for i, g := range s.groups {
		ds.group(g, ds.ruling(g, s.choices[i].nodes, w), w)
	}
}

// ruling returns which nodes, ascending, are rules as prefixes: none inside
// another or inside a published set, and no network where hosts will do.
func (f *folding) ruling(g *group, nodes []node, w wholes) []node {
	if !slices.IsSortedFunc(nodes, compareNodes) {
		nodes = slices.SortedFunc(slices.Values(nodes), compareNodes)
	}
	out := make([]node, 0, len(nodes))
	for _, n := range nodes {
		if len(out) > 0 && n.key <= g.last(out[len(out)-1]) || w.hold(g.prefix(n)) || f.hostly(g, n) {
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

// hostly says whether a key of IPv6, a /64 network, is admitted host by host:
// where one host was seen in it, or where nothing wider is admitted.
func (f *folding) hostly(g *group, n node) bool {
	if g.v4 || n.bits < g.depth {
		return false
	}
	i, _ := slices.BinarySearch(g.keys, n.key)
	leaf := g.leaf(i)
	return leaf[0].Addr == leaf[len(leaf)-1].Addr || f.hosts.Within(g.prefix(n)) > 0
}

// A stretch is keys of a group that are in the same node, or in none.
type stretch struct {
	from, to int
	node     node
	in       bool
}

// along yields the stretches of a group by nodes, which ascend and do not
// overlap.
func (g *group) along(nodes []node) iter.Seq[stretch] {
	return func(yield func(stretch) bool) {
		at := 0
		upTo := func(key uint64) int {
			from := at
			at += sort.Search(len(g.keys)-at, func(i int) bool { return g.keys[from+i] >= key })
			return from
		}
		for _, n := range nodes {
			if from := upTo(n.key); from < at && !yield(stretch{from: from, to: at}) {
				return
			}
			from := at
			for at < len(g.keys) && g.keys[at] <= g.last(n) {
				at++
			}
			if from < at && !yield(stretch{from, at, n, true}) {
				return
			}
		}
		if at < len(g.keys) {
			yield(stretch{from: at, to: len(g.keys)})
		}
	}
}

// group drafts what admits the destinations of g: nodes as prefixes, published
// sets, and hosts.
func (ds *drafts) group(g *group, nodes []node, w wholes) {
	for part := range g.along(nodes) {
		ds.labelled(g, part, w)
		if part.in {
			ds.prefix(g.prefix(part.node), g.between(part.from, part.to))
		} else {
			ds.loose(g, part, w)
		}
	}
}

// labelled adds destinations to all published sets that hold them.
func (ds *drafts) labelled(g *group, part stretch, w wholes) {
	if len(w.sets) == 0 {
		return
	}
	for _, d := range g.between(part.from, part.to) {
		if !w.all.Contains(d.Addr) {
			continue
		}
		for l, set := range w.sets {
			if set.Contains(d.Addr) {
				draftOf(ds.labels, l, subject{label: l}).join(d)
			}
		}
	}
}

// loose drafts what admits destinations that are in no prefix: those in no
// published set either get rules of their own.
func (ds *drafts) loose(g *group, part stretch, w wholes) {
	for i := part.from; i < part.to; i++ {
		seen := g.leaf(i)
		for j := range seen {
			if a := g.addrOf(i, j); !w.all.Contains(a) {
				ds.prefix(netip.PrefixFrom(a, a.BitLen()), seen[j:j+1])
			}
		}
	}
}
