package learn

import (
	"fmt"
	"slices"

	"tripline/ipranges"
)

// A Part is one baseline of a merge.
type Part struct {
	Name     string // of the host, for people
	Baseline *Baseline
	Seen     []Destination // the evidence behind it, nil where only the baseline is known
}

// A Union is what several baselines admit together.
type Union struct {
	Rules   []Merging // in the order of folding
	Dropped []Merging // what a wider rule admits as well
	Admits  ipranges.Exposure
}

// A Merging is a rule of a union and the parts it comes from.
type Merging struct {
	Rule
	Of   []Share // ascending by part
	Note string  // what became of it or what it holds, "" if nothing
}

// A Share is a rule as one part has it.
type Share struct {
	Part int // index
	Rule *Rule
}

// A merger builds a union.
type merger struct {
	parts []Part
	space ipranges.Space
	never Never
	all   *field // what was seen by all parts together
	rules []*Merging
	sets  []ipranges.Set
}

// Merge returns what baselines admit together: each destination once, with the
// ports of all. What a rule admits is computed anew. The evidence is that of all
// parts, without counting twice where it is known; else it is the most that one
// of them had. A rule inside a wider one for its ports is dropped.
func Merge(parts []Part, space ipranges.Space, never Never) (*Union, error) {
	m := &merger{parts: parts, space: space, never: never}
	m.gather()
	m.unite()
	if err := m.measure(); err != nil {
		return nil, err
	}
	u := &Union{}
	m.nest(u)
	for _, r := range m.rules {
		m.evidence(r)
		u.Rules = append(u.Rules, *r)
	}
	u.Admits = m.admits()
	return u, nil
}

// gather puts the evidence of all parts together, each destination once.
func (m *merger) gather() {
	at := map[Target]int{}
	var all []Destination
	for _, p := range m.parts {
		for i := range p.Seen {
			d := p.Seen[i]
			if j, ok := at[d.Target]; ok {
				all[j].Merge(&d)
				continue
			}
			at[d.Target] = len(all)
			d.Blocks, d.Runs = slices.Clone(d.Blocks), slices.Clone(d.Runs)
			all = append(all, d)
		}
	}
	m.all = newField(all, m.space, m.never)
}

// unite makes one rule of all that are for the same destination.
func (m *merger) unite() {
	by := map[string]*Merging{}
	for i, p := range m.parts {
		for j := range p.Baseline.Rules {
			r := &p.Baseline.Rules[j]
			u := by[r.To.String()]
			if u == nil {
				u = &Merging{Rule: Rule{To: r.To, From: Merged}}
				u.To.Within = nil
				by[r.To.String()] = u
				m.rules = append(m.rules, u)
			}
			u.take(r)
			u.Of = append(u.Of, Share{i, r})
		}
	}
	slices.SortFunc(m.rules, func(a, b *Merging) int { return compareRules(a.Rule, b.Rule) })
}

// take adds the ports, the names' addresses and their sets.
func (u *Merging) take(r *Rule) {
	u.Ports = slices.Concat(u.Ports, r.Ports)
	slices.SortFunc(u.Ports, Service.Compare)
	u.Ports = slices.Compact(u.Ports)
	u.Addrs = bothAddrs(u.Addrs, r.Addrs)
	u.To.Within = bothLabels(u.To.Within, r.To.Within)
}

func (m *merger) measure() error {
	m.sets = make([]ipranges.Set, len(m.rules))
	for i, r := range m.rules {
		set, err := r.To.Set(m.space, r.Addrs)
		if err != nil {
			return fmt.Errorf("%s: rule %s: %w", m.parts[r.Of[0].Part].Name, r.To, err)
		}
		m.sets[i] = m.never.Bound(set, r.To.Single())
		r.Admits = m.sets[i].Exposure()
	}
	return nil
}

// nest drops what is inside a wider rule, for the ports of that one.
func (m *merger) nest(u *Union) {
	var rest []*Merging
	for i, r := range m.rules {
		for j, wider := range m.rules {
			if i != j && len(r.Ports) > 0 && m.inside(i, j) {
				m.drop(u, r, wider)
			}
		}
		if len(r.Ports) > 0 {
			rest = append(rest, r)
		}
	}
	m.rules = rest
}

// inside says whether all that rule i is for is in rule j. Of two that admit the
// same, the later one is inside.
func (m *merger) inside(i, j int) bool {
	r, wider := m.rules[i], m.rules[j]
	if r.To.Name != "" || wider.To.Name != "" {
		return r.To.Name != "" && r.To.Name != wider.To.Name && spans(r.To.Name, wider.To.Name)
	}
	if wider.To.Single() || m.sets[i].IsEmpty() {
		return false
	}
	if r.To.Single() {
		return m.sets[j].Contains(r.To.Prefix.Addr())
	}
	return m.sets[i].Subtract(m.sets[j]).IsEmpty() && (i > j || !m.sets[i].Equal(m.sets[j]))
}

// drop takes the ports of the wider rule from r.
func (m *merger) drop(u *Union, r, wider *Merging) {
	gone, rest := *r, []Service(nil)
	gone.Ports = nil
	for _, p := range r.Ports {
		if slices.Contains(wider.Ports, p) {
			gone.Ports = append(gone.Ports, p)
		} else {
			rest = append(rest, p)
		}
	}
	if len(gone.Ports) == 0 {
		return
	}
	r.Ports = rest
	if r.To.Name != "" {
		wider.Addrs, wider.To.Within = bothAddrs(wider.Addrs, r.Addrs), bothLabels(wider.To.Within, r.To.Within)
		wider.Admits = m.never.Bound(hosts(wider.Addrs), true).Exposure()
	}
	gone.Note = "inside " + wider.To.String()
	u.Dropped = append(u.Dropped, gone)
}

// admits returns what all rules open together.
func (m *merger) admits() ipranges.Exposure {
	rules := make([]Rule, len(m.rules))
	for i, r := range m.rules {
		rules[i] = r.Rule
	}
	return Exposure(rules, m.space, m.never)
}

// evidence says what was seen behind a rule: of the parts whose destinations are
// known exactly, of the others at least.
func (m *merger) evidence(u *Merging) {
	if members := m.all.admitted(&u.Rule); len(members) > 0 {
		ds := make([]*Destination, len(members))
		for i, d := range members {
			ds[i] = &m.all.ds[d]
		}
		u.Seen = seenOf(ds)
	}
	for _, s := range u.Of {
		if m.parts[s.Part].Seen == nil {
			u.Seen = u.Seen.and(s.Rule.Seen)
		}
	}
	if u.To.Name != "" && u.Seen.Destinations > 0 {
		u.Seen.Destinations = max(u.Seen.Destinations, len(u.Addrs))
	}
}
