package learn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"tripline/ipranges"
)

// The twin of a list of widths: the least that any choice costs that opens no
// more than a size.
func leastCost(c *chooser, members []uint64, size float64) float64 {
	least := math.Inf(1)
	for _, nodes := range antichains(c, node{}, members) {
		if sizeOf(c, nodes) <= size {
			least = min(least, -worth(c, nodes))
		}
	}
	return least
}

func sizeOf(c *chooser, nodes []node) float64 {
	sum := 0.0
	for _, n := range nodes {
		sum += math.Ldexp(1, len(c.model.strength)-n.bits)
	}
	return sum
}

func TestWidthsCostTheLeastAtEverySize(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	wide := 0
	for range 60 {
		c, members := smallChooser(r)
		c.lambda = 0 // what an address costs is for whoever picks a width
		list := c.widths(exact, members)
		wide += len(list)
		for size := float64(len(members)); size <= 64; size++ {
			got := math.Inf(1)
			for _, w := range list {
				if w.size <= size {
					got = w.cost
				}
			}
			if want := leastCost(c, members, size); math.Abs(got-want) > 1e-9 {
				t.Fatalf("at most %v: costs %v, want %v\nmembers %v\n%+v", size, got, want, members, c)
			}
		}
	}
	if wide < 120 {
		t.Errorf("%d widths in 60 problems: the test says little", wide)
	}
}

func TestWidthsAreWhatTheirPiecesAre(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	for range 60 {
		c, members := smallChooser(r)
		c.lambda = 0
		for _, s := range []scale{exact, fine, coarse} {
			for _, w := range c.widths(s, members) {
				var nodes []node
				w.pieces(func(p *width) { nodes = append(nodes, p.piece.node) })
				if math.Abs(w.cost+worth(c, nodes)) > 1e-9 || w.size != sizeOf(c, nodes) {
					t.Fatalf("%+v says size %v and cost %v, its pieces have %v and %v", nodes, w.size, w.cost, sizeOf(c, nodes), -worth(c, nodes))
				}
				for _, m := range members {
					if !slices.ContainsFunc(nodes, func(n node) bool { return len(below([]uint64{m}, n, 6)) == 1 }) {
						t.Fatalf("%+v admits no %d", nodes, m)
					}
				}
			}
		}
	}
}

// A coarse list has nothing that a fine one beats by more than its step at each
// join allows.
func TestCoarseWidthsAreNearTheFineOnes(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	for range 60 {
		c, members := smallChooser(r)
		c.lambda = 0
		all, some := c.widths(exact, members), c.widths(coarse, members)
		first, last := some[0], some[len(some)-1]
		if best := all[len(all)-1]; math.Abs(last.cost-best.cost) > 1e-9 {
			t.Errorf("the widest of few costs %v, of all %v: cost decides, not size", last.cost, best.cost)
		}
		if first.size > 2*all[0].size {
			t.Errorf("the narrowest of few opens %v, of all %v", first.size, all[0].size)
		}
	}
}

// shelves are two services of a provider, each in two regions, and one more
// provider: 16 addresses each, at the addresses 0 to 79 of 203.0.113.0/24.
func shelves() *ipranges.Table {
	var ranges []ipranges.Range
	for i := range 5 {
		l := ipranges.Label{Provider: "p", Service: fmt.Sprint("s", i/2), Region: fmt.Sprint("r", i%2)}
		if i == 4 {
			l = ipranges.Label{Provider: "q"}
		}
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(16 * i)}), 28)
		ranges = append(ranges, ipranges.Range{Prefix: p, Label: l})
	}
	return ipranges.NewTable(ranges)
}

// smallForest makes a problem of published sets that can be searched completely.
func smallForest(r *rand.Rand) forest {
	begin := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	var ds []Destination
	for range 3 + r.IntN(12) {
		a := netip.AddrFrom4([4]byte{203, 0, 113, byte(r.IntN(80))})
		d := Destination{Target: Target{Service: Service{TCP, 443}, Addr: a}}
		d.Add(&Flow{Time: begin.Add(time.Duration(r.IntN(14*24)) * time.Hour)}, "")
		ds = append(ds, d)
	}
	o := FoldOptions{
		Space: ipranges.Space{Table: shelves()}, Since: begin, Until: begin.AddDate(0, 0, 14),
		Lambda: math.Exp(-4 - 9*r.Float64()), Beta: 0.001 + r.Float64()/4,
	}
	f := newFolding(ds, o)
	return forest{f, f.services(f.drafts().named(ds))[0].groups[0]}
}

// best is what the sets in chosen and the prefixes for the rest are worth.
func (t forest) worthOf(chosen []ipranges.Label) float64 {
	value := 0.0
	for _, l := range chosen {
		value += t.news*t.candidates[l].mass - t.lambda*t.candidates[l].size - t.price()
	}
	for l, own := range t.at {
		if !covered(l, chosen) {
			v, _ := t.chooser(t.evenOf(l)).choose(own)
			value += v
		}
	}
	return value
}

func TestLabelsAreTheExactOptimum(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	whole := 0
	for range 200 {
		f := smallForest(r)
		all := sortedLabels(f.candidates)
		best := math.Inf(-1)
		for mask := range 1 << len(all) {
			var chosen []ipranges.Label
			for i, l := range all {
				if mask>>i&1 == 1 {
					chosen = append(chosen, l)
				}
			}
			if !cover(chosen) {
				best = max(best, f.worthOf(chosen))
			}
		}
		got := f.labels().labels
		if w := f.worthOf(got); math.Abs(w-best) > 1e-9 {
			t.Fatalf("%v is worth %v, the best %v", got, w, best)
		}
		whole += len(got)
	}
	if whole < 8 {
		t.Errorf("%d sets in 200 problems: the test says little", whole)
	}
}

func cover(labels []ipranges.Label) bool {
	return slices.ContainsFunc(labels, func(a ipranges.Label) bool {
		return slices.ContainsFunc(labels, func(b ipranges.Label) bool { return a != b && a.Covers(b) })
	})
}

// All that a group expects is expected somewhere: near known keys or in a set.
func TestDensityIsOne(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	everything := published{ipranges.NewSet(families[0].space()), math.Ldexp(1, 32)}
	for range 50 {
		f := smallForest(r)
		sum := f.bitsIn(everything)
		for _, s := range f.sets {
			sum += s.share
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Fatalf("the density sums to %v", sum)
		}
	}
}
