package learn

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// A nameSpread says how names fall into domains: a Pitman-Yor process. With n names
// in k domains, the next one falls into one that has m of them with probability
// (m - d) / (n + t), and into a new one with what is left. The discount d and the
// strength t are not chosen: all of a grid are believed as far as they explain
// what was seen, which holds for three names as for a million.
type nameSpread struct {
	points []namePoint
	known  map[int]nameShares
}

type namePoint struct{ discount, strength, belief float64 }

// NameShares are the expected 1/(1+t/n) and d/(1+t/n) at n names.
type nameShares struct{ all, discount float64 }

// A nameSplit is names that fall into parts: what the pattern of a spread is learned
// from. Parts of the same size are interchangeable.
type nameSplit struct{ names, parts int }

// A nameSplits counts patterns, over all groups that share a spread.
type nameSplits struct {
	of    map[nameSplit]int
	sizes map[int]int // of the parts
}

func newNameSplits() nameSplits { return nameSplits{map[nameSplit]int{}, map[int]int{}} }

// add counts one group by the sizes of its parts.
func (s nameSplits) add(sizes []int) {
	names := 0
	for _, n := range sizes {
		names += n
		s.sizes[n]++
	}
	s.of[nameSplit{names, len(sizes)}]++
}

// newNameSpread returns the beliefs after what was seen; before, every point of the
// grid is as good as the other.
func newNameSpread(seen nameSplits) nameSpread {
	s := nameSpread{known: map[int]nameShares{}}
	order := slices.SortedFunc(maps.Keys(seen.of), func(a, b nameSplit) int {
		return cmp.Or(cmp.Compare(a.names, b.names), cmp.Compare(a.parts, b.parts))
	})
	sizes := slices.Sorted(maps.Keys(seen.sizes))
	most := math.Inf(-1)
	for d := 0.0; d < 0.95; d += 0.1 {
		for e := -4; e <= 8; e++ {
			t, sum := math.Ldexp(1, e), 0.0
			for _, o := range order {
				sum += float64(seen.of[o]) * logParts(d, t, o)
			}
			for _, n := range sizes {
				sum += float64(seen.sizes[n]) * (lgamma(float64(n)-d) - lgamma(1-d))
			}
			s.points = append(s.points, namePoint{d, t, sum})
			most = max(most, sum)
		}
	}
	s.normalise(most)
	return s
}

// logParts returns the logarithm of the probability that so many names begin so
// many parts (Pitman 1995, without the factors of the sizes).
func logParts(d, t float64, o nameSplit) float64 {
	k, n := float64(o.parts), float64(o.names)
	sum := lgamma(t+1) - lgamma(t+n)
	if d == 0 {
		return sum + (k-1)*math.Log(t)
	}
	return sum + (k-1)*math.Log(d) + lgamma(t/d+k) - lgamma(t/d+1)
}

// normalise turns logarithms into beliefs.
func (s *nameSpread) normalise(most float64) {
	total := 0.0
	for i := range s.points {
		s.points[i].belief = math.Exp(s.points[i].belief - most)
		total += s.points[i].belief
	}
	for i := range s.points {
		s.points[i].belief /= total
	}
}

// part returns the probability that the next of the names of a group falls into
// a part of it: names and weight are those of the part, n and all of the group.
// What was first seen late weighs more.
func (s *nameSpread) part(names int, weight float64, n int, all float64) float64 {
	if names == 0 || weight == 0 {
		return 0
	}
	e := s.at(n)
	return weight / all * (e.all - e.discount/float64(names))
}

func (s *nameSpread) at(n int) nameShares {
	e, ok := s.known[n]
	if ok {
		return e
	}
	for _, p := range s.points {
		v := p.belief / (1 + p.strength/float64(n))
		e.all += v
		e.discount += p.discount * v
	}
	s.known[n] = e
	return e
}
