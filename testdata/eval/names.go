package main

import (
	"fmt"
	"math"
	"strings"

	"tripline/enforce"
	"tripline/learn"
)

// names prints a table for each set whose flows have names: how they are folded,
// how many rules and wildcards that makes, and what came of it later: of how many
// wildcards nothing, and how many are for a domain whose names are rented out.
// "by name" asks for the name alone; "by policy" is what enforcement says, which
// wants the address to agree as well.
func (e *evaluation) names() error {
	for i, set := range namedSets {
		lessons, err := e.lessons(i)
		if err != nil {
			return err
		}
		what := "new names admitted"
		if set.runs {
			what = "later runs with an alarm"
		}
		fmt.Fprintf(e.out, "\n%s, names: %d agents, %s\n", set.title, len(lessons), what)
		fmt.Fprintf(e.out, "   %-26s %6s %9s %9s %8s %14s %14s\n", "", "rules", "wildcards", "no use", "tenants", "by name", "by policy")
		for _, w := range e.ways() {
			s, err := e.tally(lessons, w)
			if err != nil {
				return err
			}
			fmt.Fprintf(e.out, "   %-26s %s\n", w.title, s.line(set.runs))
		}
	}
	return nil
}

// A way is one way to make rules of names.
type way struct {
	title string
	fold  func([]learn.Destination) []learn.Rule
	bare  bool // names are not known
}

func (e *evaluation) ways() []way {
	at := func(price float64) func([]learn.Destination) []learn.Rule {
		o := e.options
		o.Wildcard = price
		return func(ds []learn.Destination) []learn.Rule { return learn.Fold(ds, o) }
	}
	out := []way{
		{title: "exact address", fold: e.hosts, bare: true},
		{title: "exact name", fold: at(math.Inf(1))},
		{title: fmt.Sprintf("fold, wildcard %g, default", learn.DefaultWildcard), fold: at(0)},
	}
	for _, p := range prices {
		out = append(out, way{title: fmt.Sprintf("fold, wildcard %.2g", p), fold: at(p)})
	}
	for _, least := range []int{3, 2, 1} {
		out = append(out, way{title: fmt.Sprintf("owner of %d names", least), fold: owners(at(math.Inf(1)), least, learn.Registrable)})
	}
	return append(out, way{title: "last two labels", fold: owners(at(math.Inf(1)), 1, lastTwo)})
}

// prices are what a wildcard may cost, in alarms a week.
var prices = []float64{0.5, 1, 1.4, 2.8, 4}

// hosts admits each address that was seen.
func (e *evaluation) hosts(ds []learn.Destination) []learn.Rule {
	o := e.options
	o.Lambda = math.Inf(1)
	return learn.Fold(ds, o)
}

// lastTwo is a registrable domain as those see it who have no list of suffixes.
func lastTwo(name string) (string, bool) {
	labels := strings.Split(name, ".")
	if len(labels) < 2 {
		return "", false
	}
	return strings.Join(labels[len(labels)-2:], "."), true
}

// owners folds names, and makes a wildcard for each domain that has at least so
// many of them.
func owners(fold func([]learn.Destination) []learn.Rule, least int, owner func(string) (string, bool)) func([]learn.Destination) []learn.Rule {
	return func(ds []learn.Destination) []learn.Rule {
		rules := fold(ds)
		seen := map[string]int{}
		for i := range rules {
			if domain, ok := owner(rules[i].To.Name); ok && rules[i].To.Name != "" {
				seen[domain]++
			}
		}
		var out []learn.Rule
		wild := map[string]*learn.Rule{}
		for i := range rules {
			r := rules[i]
			domain, ok := owner(r.To.Name)
			if !ok || seen[domain] < least || r.To.Name == "" {
				out = append(out, r)
				continue
			}
			if w := wild[domain]; w != nil {
				w.Ports = append(w.Ports, r.Ports...)
				w.Addrs = append(w.Addrs, r.Addrs...)
				w.To.Within = append(w.To.Within, r.To.Within...)
				continue
			}
			r.To.Name = "*." + domain
			wild[domain] = &r
		}
		for _, domain := range sortedKeys(wild) {
			out = append(out, *wild[domain])
		}
		return out
	}
}

// A nameScore is what rules for names gave, over all agents.
type nameScore struct {
	rules, wildcards, idle, tenants int
	units, byName, byPolicy         int // runs with an alarm, or later names admitted
}

func (s nameScore) line(runs bool) string {
	share := func(n int) string {
		return fmt.Sprintf("%d/%d %3.0f%%", n, s.units, 100*float64(n)/float64(max(1, s.units)))
	}
	byName, byPolicy := s.byName, s.byPolicy
	if runs {
		byName, byPolicy = s.units-byName, s.units-byPolicy
	}
	return fmt.Sprintf("%6d %9d %9d %8d %14s %14s", s.rules, s.wildcards, s.idle, s.tenants, share(byName), share(byPolicy))
}

func (e *evaluation) tally(lessons []lesson, w way) (nameScore, error) {
	var s nameScore
	for _, l := range lessons {
		if w.bare {
			l = l.unnamed()
		}
		rules := w.fold(l.destinations())
		j, err := newJudge(rules, e.options)
		if err != nil {
			return s, err
		}
		s.rules += len(rules)
		s.count(j, l)
		s.weighRules(j)
	}
	return s, nil
}

// weighRules counts wildcards once it is known which admitted something later.
func (s *nameScore) weighRules(j *judge) {
	for i := range j.rules {
		domain, wildcard := learn.Below(j.rules[i].To.Name)
		if !wildcard {
			continue
		}
		s.wildcards++
		if !j.used[j.rules[i].To.Name] {
			s.idle++
		}
		if _, owned := learn.Registrable(domain); !owned {
			s.tenants++
		}
	}
}

func (s *nameScore) count(j *judge, l lesson) {
	if len(l.later) != 1 {
		for _, run := range l.later {
			s.units++
			byName, byPolicy := true, true
			for i := range run {
				byName = j.byName(&run[i]) && byName
				byPolicy = j.byPolicy(&run[i]) && byPolicy
			}
			s.tell(byName, byPolicy)
		}
		return
	}
	known := map[learn.Target]bool{}
	for i := range l.learned {
		known[nameOf(&l.learned[i])] = true
	}
	for i := range l.later[0] {
		f := &l.later[0][i]
		if known[nameOf(f)] {
			continue
		}
		known[nameOf(f)] = true
		s.units++
		s.tell(j.byName(f), j.byPolicy(f))
	}
}

func (s *nameScore) tell(byName, byPolicy bool) {
	if byName {
		s.byName++
	}
	if byPolicy {
		s.byPolicy++
	}
}

func nameOf(f *learn.Flow) learn.Target {
	if f.Name == "" {
		return learn.Target{Service: f.Service(), Addr: f.Dst}
	}
	return learn.Target{Service: f.Service(), Name: f.Name}
}

func (l lesson) unnamed() lesson {
	strip := func(flows []learn.Flow) []learn.Flow {
		out := make([]learn.Flow, len(flows))
		for i, f := range flows {
			f.Name, f.Evidence = "", learn.Unnamed
			out[i] = f
		}
		return out
	}
	out := lesson{learned: strip(l.learned)}
	for _, run := range l.later {
		out.later = append(out.later, strip(run))
	}
	return out
}

func (l lesson) destinations() []learn.Destination {
	at := map[learn.Target]int{}
	var out []learn.Destination
	for i := range l.learned {
		f := &l.learned[i]
		t := learn.Target{Service: f.Service(), Addr: f.Dst, Name: f.Name}
		n, ok := at[t]
		if !ok {
			n = len(out)
			at[t] = n
			out = append(out, learn.Destination{Agent: "all", Target: t})
		}
		out[n].Add(f, "")
	}
	return out
}

// A judge says what rules admit, by name alone and as enforcement does.
type judge struct {
	rules  []learn.Rule
	names  map[learn.Target]string // by service and name
	policy *enforce.Policy
	used   map[string]bool // wildcards that admitted something later
}

func newJudge(rules []learn.Rule, o learn.FoldOptions) (*judge, error) {
	j := &judge{rules: rules, names: map[learn.Target]string{}, used: map[string]bool{}}
	for i := range rules {
		for _, s := range rules[i].Ports {
			j.names[learn.Target{Service: s, Name: rules[i].To.Name}] = rules[i].To.Name
		}
	}
	base := &learn.Baseline{Agent: "all", Rules: rules}
	var err error
	j.policy, err = enforce.Compile([]*learn.Baseline{base}, o.Space, learn.Never{})
	return j, err
}

func (j *judge) byPolicy(f *learn.Flow) bool { return j.policy.Check(f) == enforce.Allowed }

// byName knows no public suffixes: "last two labels" is judged as it is meant.
func (j *judge) byName(f *learn.Flow) bool {
	if f.Name == "" {
		return j.byPolicy(f)
	}
	if j.names[nameOf(f)] != "" {
		return true
	}
	for name := f.Name; strings.Contains(name, "."); {
		_, name, _ = strings.Cut(name, ".")
		if w := j.names[learn.Target{Service: f.Service(), Name: "*." + name}]; w != "" {
			j.used[w] = true
			return true
		}
	}
	// "last two labels" takes its apex in as well.
	w := j.names[learn.Target{Service: f.Service(), Name: "*." + f.Name}]
	return w != "" || j.byPolicy(f)
}
