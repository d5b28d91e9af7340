package learn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// small returns a tree of few names below one domain, and its service's spreads.
func small(r *rand.Rand) (*nameTree, *nameSpread) {
	labels := []string{"a", "b", "c"}
	names := map[string]bool{}
	for range 1 + r.IntN(7) {
		name := "example.com"
		for range r.IntN(4) {
			name = labels[r.IntN(len(labels))] + "." + name
		}
		names[name] = true
	}
	f := newFolding(nil, FoldOptions{Wildcard: math.Ldexp(1, r.IntN(6)-3), Beta: 0.1 * r.Float64()})
	f.weeks, f.early = 0.5+2*r.Float64(), 0.1+0.9*r.Float64()
	list := roll{}
	for name := range names {
		list.call(&Destination{Target: Target{Name: name}, Evidence: SNI, First: f.middle.Add(time.Duration(r.IntN(3)-1) * time.Hour)})
	}
	t := f.plantNames(list[Service{}])
	outer, inner := newNameSplits(), newNameSplits()
	t.count(outer, inner)
	over, below := newNameSpread(outer), newNameSpread(inner)
	t.inner = &below
	return t, &over
}

// A candidate is a wildcard that the tree could choose, and what it is worth.
type candidate struct {
	domain string
	value  float64
}

// candidates lists all wildcards by walking names, not paths.
func candidates(t *nameTree, over *nameSpread, names []*called) []candidate {
	var out []candidate
	var walk func(domain string, mass float64, depth int)
	walk = func(domain string, mass float64, depth int) {
		at := map[string][]*called{}
		for _, c := range names {
			rest, ok := strings.CutSuffix(c.name, "."+domain)
			if ok {
				label := rest[strings.LastIndexByte(rest, '.')+1:]
				at[label] = append(at[label], c)
			}
		}
		n, all := 0, 0.0
		for _, part := range at {
			m, w := weigh(part)
			n, all = n+m, all+w
		}
		if n > 1 {
			out = append(out, candidate{domain, t.news*mass - math.Ldexp(t.options.Wildcard, -depth) - 1.25*t.beta})
		}
		for label, part := range at {
			m, w := weigh(part)
			walk(label+"."+domain, mass*t.inner.part(m, w, n, all), depth+1)
		}
	}
	n, all := weigh(names)
	walk("example.com", over.part(n, all, n, all), 0)
	return out
}

// bruteForce tries every set of wildcards.
func bruteForce(t *nameTree, list []candidate, names []*called) float64 {
	best := math.Inf(-1)
	for chosen := range 1 << len(list) {
		value := 0.0
		for i := range list {
			if chosen>>i&1 == 1 {
				value += list[i].value
			}
		}
		if nested(list, chosen) {
			continue
		}
		for _, c := range names {
			if !slices.ContainsFunc(list, func(w candidate) bool {
				return chosen>>slices.Index(list, w)&1 == 1 && strings.HasSuffix(c.name, "."+w.domain)
			}) {
				value -= t.beta
			}
		}
		best = max(best, value)
	}
	return best
}

func nested(list []candidate, chosen int) bool {
	for i := range list {
		for j := range list {
			if i != j && chosen>>i&1 == 1 && chosen>>j&1 == 1 && strings.HasSuffix(list[i].domain, "."+list[j].domain) {
				return true
			}
		}
	}
	return false
}

// TestNamesAreTheOptimum compares the choice with every other one there is.
func TestNamesAreTheOptimum(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	wild := 0
	for n := range 400 {
		tree, over := small(r)
		names := tree.domains[0].names
		m, weight := weigh(names)
		got := tree.best(pathOf("example.com"), names, over.part(m, weight, m, weight), 0)
		list := candidates(tree, over, names)
		if want := bruteForce(tree, list, names); math.Abs(got-want) > 1e-9 {
			t.Fatalf("case %d: %v is worth %.6f, want %.6f", n, rulesOf(names), got, want)
		}
		if value := valueOf(tree, list, names); math.Abs(got-value) > 1e-9 {
			t.Fatalf("case %d: %v is worth %.6f, not %.6f as it says", n, rulesOf(names), value, got)
		}
		if slices.ContainsFunc(names, func(c *called) bool { return c.rule != c.name }) {
			wild++
		}
	}
	if wild < 40 || wild > 360 {
		t.Errorf("wildcards in %d of 400 cases: the other side was hardly tried", wild)
	}
}

// worth adds up what the chosen rules are worth.
func valueOf(t *nameTree, list []candidate, names []*called) float64 {
	value := 0.0
	for rule := range rulesOf(names) {
		domain, wildcard := Below(rule)
		if !wildcard {
			value -= t.beta
			continue
		}
		i := slices.IndexFunc(list, func(c candidate) bool { return c.domain == domain })
		value += list[i].value
	}
	return value
}

func rulesOf(names []*called) map[string]bool {
	out := map[string]bool{}
	for _, c := range names {
		out[c.rule] = true
	}
	return out
}

// The chances of all parts and of a new one add up to one.
func TestNameSpreadIsAProbability(t *testing.T) {
	seen := newNameSplits()
	for _, sizes := range [][]int{{1, 1, 1, 5}, {2, 9}, {1}, {40, 1, 1, 1, 1, 1}} {
		seen.add(sizes)
	}
	s := newNameSpread(seen)
	sum := 0.0
	for _, n := range []int{1, 1, 1, 5} {
		p := s.part(n, float64(n), 8, 8)
		if p <= 0 || p >= 1 {
			t.Errorf("a part of %d of 8 names has chance %v", n, p)
		}
		sum += p
	}
	if sum <= 0.2 || sum >= 1 {
		t.Errorf("all parts have chance %v, want something left for a new one", sum)
	}
}

// Where every name is in a part of its own, the next one is as well; where all
// are in one, so is the next.
func TestNameSpreadLearns(t *testing.T) {
	apart, together := newNameSplits(), newNameSplits()
	apart.add(slices.Repeat([]int{1}, 30))
	together.add([]int{30})
	a, b := newNameSpread(apart), newNameSpread(together)
	if p := a.part(1, 1, 30, 30) * 30; p > 0.2 {
		t.Errorf("30 names of 30 owners: a known owner has chance %.2f, want little", p)
	}
	if p := b.part(30, 30, 30, 30); p < 0.9 {
		t.Errorf("30 names of one owner: it has chance %.2f, want nearly all", p)
	}
}

func BenchmarkFoldNames(b *testing.B) {
	ds := make([]Destination, 100_000)
	start := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	for i := range ds {
		name := fmt.Sprintf("n%d.s%d.d%d.example", i, i%7, i%3_000)
		at := start.Add(time.Duration(i) * 5 * time.Second)
		ds[i] = Destination{Target: Target{Service: Service{TCP, 443}, Name: name}, Evidence: SNI, Flows: 1, First: at, Last: at, Blocks: []Block{BlockOf(at)}}
	}
	for b.Loop() {
		Fold(ds, FoldOptions{})
	}
}
