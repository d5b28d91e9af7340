package main

import (
	"container/heap"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"net/netip"
	"slices"
	"text/tabwriter"
	"time"

	"tripline/ipranges"
	"tripline/learn"
)

// A way is one way to write the addresses with fewer prefixes.
type way struct {
	name     string
	prefixes int
	extra    uint64
}

// foldQuality holds each way against ours with as many prefixes.
func foldQuality(hosts []netip.Prefix, out io.Writer) error {
	slices.SortFunc(hosts, netip.Prefix.Compare)
	r := learn.Reduce(ipranges.NewSet(hosts...), ipranges.Set{})
	ways := append([]way{fixed(hosts, 24), fixed(hosts, 20), fixed(hosts, 16)}, greedy(hosts, []int{500_000, 100_000, 20_000, 5_000, 1_000})...)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "as many prefixes as\tprefixes\topens\ttripline opens\tratio\texact\tseconds\t")
	var worse []error
	for _, theirs := range ways {
		began := time.Now()
		ours, ok := r.MaxRules(theirs.prefixes)
		took := time.Since(began)
		extra := ours.Opens.Total()
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.3f\t%v\t%.2f\t\n", theirs.name, thousands(theirs.prefixes),
			ipranges.Thousands(theirs.extra), ipranges.Thousands(extra), float64(extra)/float64(theirs.extra), ours.Exact(), took.Seconds())
		if !ok || len(ours.Prefixes) > theirs.prefixes || extra > theirs.extra {
			worse = append(worse, fmt.Errorf("%s, %d prefixes: tripline opens %d with %d, want at most %d", theirs.name, theirs.prefixes, extra, len(ours.Prefixes), theirs.extra))
		}
	}
	return errors.Join(w.Flush(), errors.Join(worse...))
}

// fixed writes each address as the prefix of so many bits that holds it.
func fixed(hosts []netip.Prefix, length int) way {
	var all []netip.Prefix
	for _, h := range hosts {
		p := netip.PrefixFrom(h.Addr(), length).Masked()
		if n := len(all); n == 0 || all[n-1] != p {
			all = append(all, p)
		}
	}
	return way{fmt.Sprintf("fixed /%d", length), len(all), uint64(len(all))<<(32-length) - uint64(len(hosts))}
}

// greedy joins the two neighbours that are cheapest to join, again and again,
// and looks at what it has at each number of prefixes.
func greedy(hosts []netip.Prefix, counts []int) []way {
	g := newGreedy(hosts)
	var out []way
	for n := len(hosts); len(out) < len(counts) && g.Len() > 0; {
		j := heap.Pop(g).(joint)
		if j.stale(g) {
			continue
		}
		n -= g.join(j)
		if n <= counts[len(out)] {
			out = append(out, way{"greedy twin", n, g.size - uint64(len(hosts))})
		}
	}
	return out
}

// A joiner is a list of disjoint prefixes, each known by its first host.
type joiner struct {
	first      []uint32 // the first address of each prefix
	span       []uint64 // how many it has; 0 once it is part of another
	next, prev []int
	size       uint64 // of all prefixes
	joints     []joint
}

// A joint is two neighbours and what joining them costs; it is stale once one
// of them has become part of another.
type joint struct {
	cost         uint64
	left, right  int
	lspan, rspan uint64
}

func (j joint) stale(g *joiner) bool { return g.span[j.left] != j.lspan || g.span[j.right] != j.rspan }

func newGreedy(hosts []netip.Prefix) *joiner {
	n := len(hosts)
	g := &joiner{first: make([]uint32, n), span: make([]uint64, n), next: make([]int, n), prev: make([]int, n), size: uint64(n)}
	for i, h := range hosts {
		b := h.Addr().As4()
		g.first[i] = uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
		g.span[i], g.next[i], g.prev[i] = 1, i+1, i-1
	}
	for i := range n - 1 {
		g.joints = append(g.joints, g.joint(i, i+1))
	}
	heap.Init(g)
	return g
}

// joint prices the shortest prefix that holds two neighbours. That others lie
// in it as well is found once it is joined: it is then that much cheaper.
func (g *joiner) joint(left, right int) joint {
	cost := g.whole(left, right) - g.span[left] - g.span[right]
	return joint{cost, left, right, g.span[left], g.span[right]}
}

// whole returns the size of the shortest prefix that holds both.
func (g *joiner) whole(left, right int) uint64 {
	return 1 << bits.Len32(g.first[left]^(g.first[right]+uint32(g.span[right]-1)))
}

// join makes one prefix of both and of all that lie in it, and returns by how
// many there are fewer.
func (g *joiner) join(j joint) int {
	span := g.whole(j.left, j.right)
	first := g.first[j.left] &^ uint32(span-1)
	from, to := j.left, j.right
	for g.prev[from] >= 0 && g.first[g.prev[from]] >= first {
		from = g.prev[from]
	}
	for g.next[to] < len(g.first) && g.first[g.next[to]]-first <= uint32(span-1) {
		to = g.next[to]
	}
	fewer := 0
	for i := from; ; i = g.next[i] {
		g.size -= g.span[i]
		g.span[i] = 0
		if i == to {
			break
		}
		fewer++
	}
	g.put(from, to, first, span)
	return fewer
}

// put replaces the prefixes from to to by one.
func (g *joiner) put(from, to int, first uint32, span uint64) {
	g.first[from], g.span[from], g.size = first, span, g.size+span
	g.next[from] = g.next[to]
	if n := g.next[from]; n < len(g.first) {
		g.prev[n] = from
		heap.Push(g, g.joint(from, n))
	}
	if p := g.prev[from]; p >= 0 {
		heap.Push(g, g.joint(p, from))
	}
}

// Len, Less, Swap, Push and Pop make it a heap of joints, the cheapest on top.
func (g *joiner) Len() int { return len(g.joints) }

// Less orders equal costs by place, so that every run is the same.
func (g *joiner) Less(i, j int) bool {
	a, b := g.joints[i], g.joints[j]
	return a.cost < b.cost || a.cost == b.cost && a.left < b.left
}

// Swap exchanges two joints.
func (g *joiner) Swap(i, j int) { g.joints[i], g.joints[j] = g.joints[j], g.joints[i] }

// Push adds a joint.
func (g *joiner) Push(x any) { g.joints = append(g.joints, x.(joint)) }

// Pop takes the last joint.
func (g *joiner) Pop() any {
	last := g.joints[len(g.joints)-1]
	g.joints = g.joints[:len(g.joints)-1]
	return last
}
