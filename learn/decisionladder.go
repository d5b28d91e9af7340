package learn

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tripline/ipranges"
)

// An Alternative is what could take the place of a rule, and what that would
// have cost.
type Alternative struct {
	Choice Choice
	Wider  bool // it admits all that the rule does; else nothing that the rule does not
	Rules  int
	Admits ipranges.Exposure // all its rules together
	Alarms float64           // a week; negative if the observation was too short to say
}

// shortest is the observation below which nothing is said of alarms.
const shortest = 24 * time.Hour

// Alternatives returns what could take the place of a rule, from the narrowest to
// the widest. members are the destinations it is for, since and until say when
// the agent was observed. Alarms are counted, not modelled: of the members first
// seen in the later half, those that the choice would not have admitted, made
// from the earlier half.
func Alternatives(r *Rule, members []Destination, space ipranges.Space, never Never, since, until time.Time) []Alternative {
	l := ladder{rule: r, space: space, never: never, middle: since.Add(until.Sub(since) / 2), half: until.Sub(since) / 2}
	for i := range members {
		l.members = append(l.members, &members[i])
	}
	l.is = l.opens([]Rule{*r})
	var out []Alternative
	for _, c := range l.choices() {
		if a, ok := l.alternative(c); ok {
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(a, b Alternative) int {
		return compareExposures(a.Admits, b.Admits)
	})
	return slices.CompactFunc(out, func(a, b Alternative) bool {
		return a.Admits == b.Admits && a.Rules == b.Rules && a.Choice.To.Name == b.Choice.To.Name
	})
}

func compareExposures(a, b ipranges.Exposure) int {
	switch x, y := a.Total(), b.Total(); {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// A ladder is one rule and what is narrower and wider.
type ladder struct {
	rule    *Rule
	members []*Destination
	is      ipranges.Set
	space   ipranges.Space
	never   Never
	middle  time.Time
	half    time.Duration
}

func (l *ladder) opens(rules []Rule) ipranges.Set {
	var single, ranges []netip.Prefix
	var rest ipranges.Set
	for i := range rules {
		switch to := &rules[i].To; {
		case to.Prefix.IsValid() && to.Single():
			single = append(single, to.Prefix)
		case to.Prefix.IsValid():
			ranges = append(ranges, to.Prefix)
		default:
			if set, err := to.Set(l.space, rules[i].Addrs); err == nil {
				rest = rest.Union(l.never.Bound(set, to.Single()))
			}
		}
	}
	return rest.Union(l.never.Bound(ipranges.NewSet(single...), true)).Union(l.never.Bound(ipranges.NewSet(ranges...), false))
}

// The lengths of prefixes that are offered.
var prefixLengths = [...]int{28, 26, 24, 22, 20, 18, 16, 14, 12, 64, 56, 48, 40, 32}

// choices returns what there could be, in no order: for a name, the names it
// holds; for addresses, hosts, networks, published sets and systems.
func (l *ladder) choices() []Choice {
	out := []Choice{{}}
	if name := l.rule.To.Name; name != "" {
		return append(out, parents(strings.TrimPrefix(name, "*."))...)
	}
	for i, bits := range prefixLengths {
		if v6 := i > 8; v6 == l.sixes() {
			out = append(out, Choice{Bits: bits})
			if p := l.rule.To.Prefix; p.IsValid() && bits < p.Bits() {
				out = append(out, Choice{To: To{Prefix: netip.PrefixFrom(p.Addr(), bits).Masked()}})
			}
		}
	}
	for _, to := range l.owners() {
		out = append(out, Choice{To: to})
	}
	return out
}

// parents returns the wildcards around a name, up to the domain of its owner.
func parents(name string) (out []Choice) {
	for {
		_, parent, ok := strings.Cut(name, ".")
		if _, one := Registrable(parent); !ok || !one {
			return out
		}
		out = append(out, Choice{To: To{Name: "*." + parent}})
		name = parent
	}
}

// sixes says whether the rule is for IPv6 addresses alone.
func (l *ladder) sixes() bool {
	return !slices.ContainsFunc(l.members, func(d *Destination) bool { return d.Addr.Is4() }) && len(l.members) > 0 ||
		l.rule.To.Prefix.IsValid() && l.rule.To.Prefix.Addr().Is6()
}

// owners returns the published sets around any member, what the system around
// the first one announces there, and all it announces.
func (l *ladder) owners() (out []To) {
	var labels []ipranges.Label
	for _, d := range l.members {
		for _, label := range l.space.Table.Labels(d.Addr) {
			for ok := true; ok; label, ok = label.Parent() {
				labels = insertLabel(labels, label)
			}
		}
	}
	for _, label := range labels {
		out = append(out, To{Label: label})
	}
	if len(l.members) == 0 {
		return out
	}
	if as, ok := l.space.AS(l.members[0].Addr); ok {
		if as.Prefix.IsValid() {
			out = append(out, To{Prefix: as.Prefix.Masked()})
		}
		out = append(out, To{ASN: as.Number})
	}
	return out
}

// alternative weighs a choice. One that is neither inside the rule nor around it
// is none, and neither is the rule itself.
func (l *ladder) alternative(c Choice) (Alternative, bool) {
	if c.To.String() == l.rule.To.String() {
		return Alternative{}, false
	}
	rules := c.rules(l.members, l.rule.Ports, l.space, l.never)
	set := l.opens(rules)
	a := Alternative{Choice: c, Rules: len(rules), Admits: set.Exposure(), Alarms: l.alarms(c)}
	if name := l.rule.To.Name; name != "" { // by its names, not by the addresses behind them
		a.Wider = spans(name, c.To.Name)
		return a, a.Wider || strings.HasPrefix(name, "*.") && len(l.members) > 0 && (c.To.Name == "" && !c.whole() || spans(c.To.Name, name) || name == c.To.Name)
	}
	it := set // what was chosen, without the hosts beside it
	if c.whole() {
		it = l.opens([]Rule{{To: c.To}})
	}
	inside, around := it.Subtract(l.is).IsEmpty(), l.is.Subtract(it).IsEmpty()
	a.Wider = around
	return a, inside != around && !it.IsEmpty()
}

// errBeside is returned by [Weigh] for what is neither inside a rule nor around
// it.
var errBeside = errors.New("it is neither inside the rule nor around it, or it is the rule itself")

// Weigh returns what a choice would be in place of a rule, without the alarms.
func Weigh(r *Rule, members []Destination, c Choice, space ipranges.Space, never Never) (Alternative, error) {
	if c.whole() {
		_, err := c.To.Set(space, nil)
		if err != nil && c.To.Label.Provider != "" && c.To.Label.Service == "" {
			return Alternative{}, fmt.Errorf("no provider of that name is known: want %s", thereIs)
		}
		if err != nil {
			return Alternative{}, err
		}
	}
	l := ladder{rule: r, space: space, never: never}
	for i := range members {
		l.members = append(l.members, &members[i])
	}
	l.is = l.opens([]Rule{*r})
	a, ok := l.alternative(c)
	if !ok {
		return Alternative{}, errBeside
	}
	return a, nil
}

// alarms counts what c would have missed, a week.
func (l *ladder) alarms(c Choice) float64 {
	if 2*l.half < shortest {
		return -1
	}
	var early, late []*Destination
	for _, d := range l.members {
		if d.First.After(l.middle) {
			late = append(late, d)
		} else {
			early = append(early, d)
		}
	}
	was := l.admitting(c.rules(early, l.rule.Ports, l.space, l.never))
	missed := map[netip.Addr]bool{}
	names := map[string]bool{}
	for _, d := range late {
		switch at := was[d.Service]; {
		case d.Name != "" && !slices.ContainsFunc(at.names, func(n string) bool { return AdmitsName(n, d.Name) }):
			names[d.Name] = true
		case d.Name == "" && !at.set.Contains(d.Addr):
			missed[d.Addr] = true
		}
	}
	return float64(len(missed)+len(names)) * float64(week) / float64(l.half)
}

// An admitting is what rules admit of one service.
type admitting struct {
	names []string
	set   ipranges.Set
}

func (l *ladder) admitting(rules []Rule) map[Service]admitting {
	out := map[Service]admitting{}
	for _, s := range l.rule.Ports {
		var at admitting
		var of []Rule
		for i := range rules {
			if !slices.Contains(rules[i].Ports, s) {
				continue
			}
			of = append(of, rules[i])
			if name := rules[i].To.Name; name != "" {
				at.names = append(at.names, name)
			}
		}
		at.set = l.opens(of)
		out[s] = at
	}
	return out
}
