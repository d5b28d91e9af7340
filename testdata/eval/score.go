package main

import (
	"fmt"

	"tripline/ipranges"
)

// A score is what rules admit, and how many of the later destinations.
type score struct {
	rules      int
	admitted   uint64
	hit, later int
}

// covered returns which share of the later destinations was admitted.
func (s score) covered() float64 { return float64(s.hit) / float64(max(1, s.later)) }

func (s score) String() string {
	return fmt.Sprintf("%5d %14s %7.1f%%", s.rules, ipranges.Thousands(s.admitted), 100*s.covered())
}

func (s *sample) score(rs rules, skip func(string) bool) score {
	var out score
	for g, sets := range rs {
		if skip != nil && skip(g) {
			continue
		}
		out.rules += len(sets)
		out.admitted += union(sets).Exposure().V4
	}
	for g, addrs := range s.later {
		if skip != nil && skip(g) {
			continue
		}
		all := union(rs[g])
		for a := range addrs {
			out.later++
			if all.Contains(a) {
				out.hit++
			}
		}
	}
	return out
}

func union(sets []ipranges.Set) ipranges.Set {
	var out ipranges.Set
	for _, s := range sets {
		out = out.Union(s)
	}
	return out
}

// malicious counts the malicious destinations that rules admit.
func (s *sample) malicious(rs rules) int {
	n := 0
	for t := range s.bad {
		if union(rs[t.group]).Contains(t.addr) {
			n++
		}
	}
	return n
}
