package main

import (
	"fmt"

	"tripline/ipranges"
)

// A result is a set's line in the summary.
type result struct {
	title    string
	levels   []string // the fixed levels, in order
	inside   []int    // at each: destinations that folding covers at no more addresses, less those of the level
	fold     score
	expected float64 // alarms per host-day, by the model
}

// print writes one table. What was learned is folded whole, and what skip names
// is left out of the score.
func (e *evaluation) print(title string, s *sample, f *frontier, skip func(string) bool) {
	points := make([]score, len(f.points))
	for i, rs := range f.points {
		points[i] = s.score(rs, skip)
	}
	fmt.Fprintf(e.out, "\n%s: %d learned in %.1f days, %d later in %.1f days, %d hosts\n",
		title, count(s.known, skip), s.days(), count(s.later, skip), s.rest(), s.hosts)
	fmt.Fprintf(e.out, "   %-8s %5s %14s %8s %12s   %s\n", "", "rules", "admits", "covered", "alarms/day", "folding: at no more addresses, and what it takes to cover as much")
	r := result{title: title, fold: s.score(f.def, skip), expected: f.alarms / 7 / float64(s.hosts)}
	for _, l := range s.levels(e.options.Space) {
		u := s.score(l.rules, skip)
		most, least := beside(u, points)
		fmt.Fprintf(e.out, "   %-8s %s   %s\n", l.name, s.line(u), compared(u, most, least))
		r.levels, r.inside = append(r.levels, l.name), append(r.inside, most.hit-u.hit)
	}
	for _, p := range landmarks(points) {
		fmt.Fprintf(e.out, "   %-8s %s\n", "frontier", s.line(p))
	}
	fmt.Fprintf(e.out, "   %-8s %s", "default", s.line(r.fold))
	if skip == nil {
		fmt.Fprintf(e.out, "   %.2f expected by the model", r.expected)
	}
	fmt.Fprintln(e.out)
	e.forecast("new destinations", s, skip, nil)
	e.forecast("outside the default", s, skip, f.def)
	if s.bad != nil {
		fmt.Fprintf(e.out, "   malicious destinations admitted: %d of %d\n", s.malicious(f.def), len(s.bad))
	}
	e.results = append(e.results, r)
}

func (s *sample) line(p score) string {
	return fmt.Sprintf("%s %12.2f", p, float64(p.later-p.hit)/s.rest()/float64(s.hosts))
}

// beside finds on the frontier what covers most at no more addresses than u, and
// what covers as much with fewest.
func beside(u score, points []score) (most, least score) {
	for _, p := range points {
		if p.admitted <= u.admitted && p.hit > most.hit {
			most = p
		}
		if p.hit >= u.hit && (least.admitted == 0 || p.admitted < least.admitted) {
			least = p
		}
	}
	return most, least
}

func compared(u, most, least score) string {
	if least.admitted == 0 {
		return fmt.Sprintf("%5.1f%%, never as much", 100*most.covered())
	}
	return fmt.Sprintf("%5.1f%%, %s (%.2fx)", 100*most.covered(), ipranges.Thousands(least.admitted), float64(least.admitted)/float64(u.admitted))
}

// landmarks are the widest points below each power of ten addresses.
func landmarks(points []score) []score {
	var out []score
	for most := uint64(100); most <= 1e9; most *= 10 {
		var last score
		for _, p := range points {
			if p.admitted <= most && p.admitted > last.admitted {
				last = p
			}
		}
		if last.admitted > most/10 {
			out = append(out, last)
		}
	}
	return out
}

// summary says for each set where folding lies inside the fixed levels.
func (e *evaluation) summary() {
	fmt.Fprintf(e.out, "\nLater destinations that folding covers at no more addresses than a fixed level, less those of the level\n%-32s", "")
	for _, l := range e.results[0].levels {
		fmt.Fprintf(e.out, " %5s", l)
	}
	fmt.Fprintf(e.out, "   %s\n", "default: rules, admits, covered")
	for _, r := range e.results {
		fmt.Fprintf(e.out, "%-32s", r.title)
		for _, n := range r.inside {
			fmt.Fprintf(e.out, " %+5d", n)
		}
		fmt.Fprintf(e.out, "   %s\n", r.fold)
	}
}
