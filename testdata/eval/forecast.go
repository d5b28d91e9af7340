package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"tripline/ipranges"
	"tripline/learn"
)

// forecast prints what the learned part makes one expect of the day and of the
// week after it, and what came. With rules, only what they do not admit counts.
func (e *evaluation) forecast(title string, s *sample, skip func(string) bool, rs rules) {
	level := learn.ByDestination
	if rs != nil {
		level = learn.ByRule
	}
	f := s.incidence(skip, rs).Forecast(level)
	fmt.Fprintf(e.out, "   forecast %s: ", title)
	if f.Instead != "" {
		fmt.Fprintf(e.out, "none, %s; %d hours more would do\n", f.Instead, f.More)
		return
	}
	for i, a := range f.Ahead {
		if i > 0 {
			fmt.Fprint(e.out, "; ")
		}
		fmt.Fprintf(e.out, "%d hours: %s", a.Hours, s.beside(a, skip, rs))
	}
	if f.Doubt != "" {
		fmt.Fprintf(e.out, "; in doubt: %s", f.Doubt)
	}
	fmt.Fprintln(e.out)
}

// beside returns what was expected and what came, in words.
func (s *sample) beside(a learn.Ahead, skip func(string) bool, rs rules) string {
	if a.More > 0 {
		return fmt.Sprintf("none, %d hours more would do", a.More)
	}
	until := s.cut.Add(time.Duration(a.Hours) * time.Hour)
	came := fmt.Sprintf("%d came", s.came(until, skip, rs))
	if until.After(s.end) {
		came += fmt.Sprintf(" in the %.0f that were seen", s.end.Sub(s.cut).Hours())
	}
	return fmt.Sprintf("%.1f expected, at most %d, %s", a.Expected, a.AtMost, came)
}

// came counts the new destinations until then that no rule admits.
func (s *sample) came(until time.Time, skip func(string) bool, rs rules) int {
	n := 0
	for g, addrs := range s.later {
		if skip != nil && skip(g) {
			continue
		}
		for a, first := range addrs {
			if _, admitted := ruleFor(rs[g], a); !admitted && !first.After(until) {
				n++
			}
		}
	}
	return n
}

// incidence is of destinations, or of the rules that admit them.
func (s *sample) incidence(skip func(string) bool, rs rules) *learn.Incidence {
	var ds []learn.Destination
	for t, d := range s.heard {
		if skip == nil || !skip(t.group) {
			ds = append(ds, *d)
			ds[len(ds)-1].Agent = t.group
		}
	}
	return learn.Hours(ds, func(d *learn.Destination) string {
		if i, admitted := ruleFor(rs[d.Agent], d.Addr); admitted {
			return d.Agent + " " + strconv.Itoa(i)
		}
		return d.Agent + " " + d.Addr.String()
	})
}

// ruleFor returns which of the sets holds a.
func ruleFor(sets []ipranges.Set, a netip.Addr) (index int, ok bool) {
	index = slices.IndexFunc(sets, func(s ipranges.Set) bool { return s.Contains(a) })
	return index, index >= 0
}
