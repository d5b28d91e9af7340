package learn

import (
	"slices"

	"tripline/ipranges"
)

// vouched returns what was seen. What was only ever refused counts as let through
// where an approved rule has nothing else to stand on: a person approved it all the
// same, and it stays until a person drops it. Names stand for themselves, addresses by
// their port: what is refused widens no rule.
func vouched(approved *Baseline, ds []Destination, space ipranges.Space, never Never) []Destination {
	if approved == nil || !slices.ContainsFunc(ds, func(d Destination) bool { return !d.Admissible() }) {
		return ds
	}
	f := newField(slices.Clone(ds), space, never)
	for i := range approved.Rules {
		if r := &approved.Rules[i]; r.From == Learned {
			f.vouch(f.admitted(r))
		}
	}
	return f.ds
}

// vouch takes the destinations that a rule admits.
func (f *field) vouch(members []int32) {
	key := func(d *Destination) Target { return Target{Service: d.Service, Name: d.Name} }
	passed := map[Target]bool{}
	for _, i := range members {
		if d := &f.ds[i]; d.Admissible() {
			passed[key(d)] = true
		}
	}
	for _, i := range members {
		if d := &f.ds[i]; !passed[key(d)] {
			d.Blocked = 0
		}
	}
}

// unadmitted returns those of ds that no rule admits.
func unadmitted(rules []Rule, ds []Destination, space ipranges.Space, never Never) (out []Destination) {
	if len(ds) == 0 {
		return nil
	}
	f := newField(ds, space, never)
	admitted := make([]bool, len(ds))
	for i := range rules {
		for _, d := range f.admitted(&rules[i]) {
			admitted[d] = true
		}
	}
	for i := range ds {
		if !admitted[i] {
			out = append(out, ds[i])
		}
	}
	return out
}
