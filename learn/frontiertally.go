package learn

import (
	"net/netip"
	"slices"

	"tripline/ipranges"
)

// A tally is the rules of a point without the evidence for them: how many there
// are and what they admit.
type tally struct {
	labels map[ipranges.Label]bool
	nodes  map[family][][]node // of each group, ascending
	hosts  [][]netip.Addr      // of IPv6, of each group, ascending
}

// tally counts what a folding drafts for some services.
func (f *folding) tally(all []*served) *tally {
	t := &tally{labels: map[ipranges.Label]bool{}, nodes: map[family][][]node{}}
	for _, s := range all {
		w := f.wholes(s)
		for l := range w.sets {
			t.labels[l] = true
		}
		for i, g := range s.groups {
			t.add(g, f.ruling(g, s.choices[i].nodes, w), w)
		}
	}
	return t
}

func (t *tally) add(g *group, nodes []node, w wholes) {
	var out []node
	var hosts []netip.Addr
	for part := range g.along(nodes) {
		if part.in {
			out = append(out, part.node)
			continue
		}
		for i := part.from; i < part.to; i++ {
			for j := range g.leaf(i) {
				switch a := g.addrOf(i, j); {
				case w.all.Contains(a):
				case g.v4 && j == 0:
					out = append(out, node{g.keys[i], g.depth})
				case !g.v4 && (j == 0 || a != g.addrOf(i, j-1)):
					hosts = append(hosts, a)
				}
			}
		}
	}
	t.nodes[g.family], t.hosts = append(t.nodes[g.family], out), append(t.hosts, hosts)
}

// prefixes returns what is admitted as prefixes and hosts, and how many they are.
func (t *tally) prefixes() (all ipranges.Set, count int) {
	for _, fam := range families {
		list := merged(t.nodes[fam], compareNodes)
		out := make([]netip.Prefix, len(list))
		for i, n := range list {
			out[i] = fam.prefix(n)
		}
		all, count = all.Union(ipranges.NewSet(out...)), count+len(out)
	}
	single := merged(t.hosts, netip.Addr.Compare)
	return all.Union(hosts(single)), count + len(single)
}

// merged returns what is in any of lists, ascending, once.
func merged[T comparable](lists [][]T, compare func(T, T) int) []T {
	switch n := len(lists); n {
	case 0:
		return nil
	case 1:
		return lists[0]
	default:
		return merge(merged(lists[:n/2], compare), merged(lists[n/2:], compare), compare)
	}
}

func merge[T comparable](a, b []T, compare func(T, T) int) []T {
	out := make([]T, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch c := compare(a[0], b[0]); {
		case c < 0:
			out, a = append(out, a[0]), a[1:]
		case c > 0:
			out, b = append(out, b[0]), b[1:]
		default:
			a = a[1:]
		}
	}
	return slices.Concat(out, a, b)
}
