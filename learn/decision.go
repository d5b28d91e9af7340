package learn

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"tripline/ipranges"
)

// A Verb is what a person decided of one row of a review.
type Verb string

// The decisions of a review. All but [Skip] hold in later reviews as well.
const (
	Accept Verb = "accept" // looked at, and right
	Narrow Verb = "narrow" // a part of it will do
	Widen  Verb = "widen"  // more than it
	Reject Verb = "reject" // not on this evidence
	Forbid Verb = "never"  // not on any
	Skip   Verb = "skip"   // as it was approved, this once
)

// A Decision is what a person decided of the rule of one row, and the evidence
// it was decided on.
type Decision struct {
	Verb   Verb
	To     To // of the row
	Ports  []Service
	Addrs  []netip.Addr // where its destinations were
	Choice Choice       // what takes the place of the rule: with Narrow and Widen
	By     string
	At     time.Time
	Until  time.Time // when the agent was last seen
	Runs   []string  // the runs it was seen in, sorted
}

// Key names the row: a later decision with the same key takes the place of an
// earlier one.
func (d *Decision) Key() string { return rowKey(d.To, d.Ports) }

func rowKey(to To, ports []Service) string {
	words := []string{to.String()}
	for _, p := range ports {
		words = append(words, p.String())
	}
	return strings.Join(words, " ")
}

// changed says whether a destination was seen again since: on a later day than
// all that the decision was taken on, or in a run it did not know.
func (d *Decision) changed(seen *Destination) bool {
	if dayOf(seen.Last).After(dayOf(d.Until)) {
		return true
	}
	return slices.ContainsFunc(seen.Runs, func(run string) bool {
		_, known := slices.BinarySearch(d.Runs, run)
		return !known
	})
}

// Behind says whether the decision is why a row is what it is: it was taken of this
// row, or it is how the members of its rule are admitted.
func (d *Decision) Behind(r *Rule, members []Destination, space ipranges.Space) bool {
	if d.Key() == rowKey(r.To, r.Ports) {
		return true
	}
	g := d.region(space)
	return d.claims() && slices.ContainsFunc(members, func(m Destination) bool { return g.holds(&m.Target) })
}

// Of says whether the decision was taken of the row for r.
func (d *Decision) Of(r *Rule) bool { return d.Key() == rowKey(r.To, r.Ports) }

// A region is what a decision is about: names by name, and what has none by
// address.
type region struct {
	name  string
	set   ipranges.Set
	ports []Service
}

func (d *Decision) region(space ipranges.Space) region {
	g := regionOf(d.To, d.Ports, d.Addrs, space)
	if d.Verb == Widen && d.Choice.whole() {
		if set, err := d.Choice.To.Set(space, nil); err == nil {
			g.set = g.set.Union(set)
		}
		if d.Choice.To.Name != "" {
			g.name = d.Choice.To.Name
		}
	}
	return g
}

// regionOf returns what a rule is about. Where its ranges are unknown by now, the
// addresses that were seen are left.
func regionOf(to To, ports []Service, addrs []netip.Addr, space ipranges.Space) region {
	set, err := to.Set(space, addrs)
	if err != nil {
		set = ipranges.Set{}
	}
	return region{to.Name, set.Union(hosts(addrs)), ports}
}

func (g *region) holds(t *Target) bool {
	switch {
	case !slices.Contains(g.ports, t.Service):
		return false
	case t.Name != "":
		return AdmitsName(g.name, t.Name)
	}
	return t.Addr.IsValid() && g.set.Contains(t.Addr)
}

// Members returns those of ds that a rule is for: with its name, or without one
// at its addresses.
func Members(r *Rule, ds []Destination, space ipranges.Space) []Destination {
	g := regionOf(r.To, r.Ports, r.Addrs, space)
	var out []Destination
	for i := range ds {
		if g.holds(&ds[i].Target) {
			out = append(out, ds[i])
		}
	}
	return out
}

// With returns the bounding set with what a person said is never to be admitted.
func (n Never) With(decisions []Decision, space ipranges.Space) Never {
	var all ipranges.Set
	names := map[string]bool{}
	for i := range decisions {
		d := &decisions[i]
		if d.Verb != Forbid {
			continue
		}
		if d.To.Name != "" {
			names[d.To.Name] = true
		} else {
			all = all.Union(regionOf(d.To, nil, d.Addrs, space).set)
		}
	}
	if len(names) == 0 && all.IsEmpty() {
		return n
	}
	for name := range n.names {
		names[name] = true
	}
	n.names = names
	if !all.IsEmpty() {
		n.reasons = append(slices.Clip(n.reasons), reason{"decided in a review", translated(all)})
	}
	return n
}
