package main

import (
	"net/netip"
	"slices"
	"time"

	"tripline/ipranges"
	"tripline/learn"
)

// A sample is traffic cut in two: what is learned and what came later. Groups
// are folded on their own; a group is a service of the homelab, or protocol and
// port of a host.
type sample struct {
	since, cut, end time.Time
	hosts           int
	known           map[string]map[netip.Addr]time.Time // by group: first seen
	later           map[string]map[netip.Addr]time.Time // by group: first seen, what was not known
	heard           map[target]*learn.Destination       // what is known, with all hours it was seen in
	bad             map[target]bool                     // labelled malicious; nil if nothing is labelled
}

type target struct {
	group string
	addr  netip.Addr
}

// A rules is what is admitted, by group: one set for each rule.
type rules map[string][]ipranges.Set

func (s *sample) days() float64 { return s.cut.Sub(s.since).Hours() / 24 }

// rest is how many days came after what was learned.
func (s *sample) rest() float64 { return s.end.Sub(s.cut).Hours() / 24 }

// know notes that a group talked to an address.
func (s *sample) know(group string, a netip.Addr, at time.Time) {
	if s.known[group] == nil {
		s.known[group] = map[netip.Addr]time.Time{}
	}
	if first, ok := s.known[group][a]; !ok || at.Before(first) {
		s.known[group][a] = at
	}
	t := target{group, a}
	if s.heard[t] == nil {
		s.heard[t] = &learn.Destination{Target: learn.Target{Addr: a}}
	}
	s.heard[t].Add(&learn.Flow{Time: at}, "")
}

// meet notes that a group talked to an address after the cut. Everything that
// is known must be noted before.
func (s *sample) meet(group string, a netip.Addr, at time.Time) {
	if _, ok := s.known[group][a]; ok {
		return
	}
	if s.later[group] == nil {
		s.later[group] = map[netip.Addr]time.Time{}
	}
	if first, ok := s.later[group][a]; !ok || at.Before(first) {
		s.later[group][a] = at
	}
}

func newSample() *sample {
	return &sample{
		hosts: 1, known: map[string]map[netip.Addr]time.Time{}, later: map[string]map[netip.Addr]time.Time{},
		heard: map[target]*learn.Destination{},
	}
}

// A frontier is a sample folded at many widths.
type frontier struct {
	points []rules
	def    rules   // what folding proposes without being asked
	alarms float64 // a week, that the model expects outside it
}

// frontier folds all groups as the services of one agent: a group is a port.
func (s *sample) frontier(o learn.FoldOptions) *frontier {
	groups := sortedKeys(s.known)
	o.Since, o.Until = s.since, s.cut
	f := learn.NewFrontier(s.destinations(groups), o)
	out := &frontier{def: sets(groups, f.Fold(f.Default).To, o.Space), alarms: f.Default.Alarms}
	for _, p := range f.Points {
		out.points = append(out.points, sets(groups, f.Fold(p).To, o.Space))
	}
	return out
}

func (s *sample) destinations(groups []string) []learn.Destination {
	var ds []learn.Destination
	for i, g := range groups {
		for a, first := range s.known[g] {
			t := learn.Target{Service: learn.Service{Proto: learn.TCP, Port: uint16(i)}, Addr: a}
			ds = append(ds, learn.Destination{Target: t, Flows: 1, First: first, Last: first})
		}
	}
	return ds
}

// sets returns what rules admit, by group.
func sets(groups []string, list []learn.Rule, space ipranges.Space) rules {
	out := rules{}
	for _, r := range list {
		set := ipranges.NewSet(r.To.Prefix)
		if labelled, ok := space.Table.Set(r.To.Label); ok {
			set = labelled
		}
		for _, p := range r.Ports {
			out[groups[p.Port]] = append(out[groups[p.Port]], set)
		}
	}
	return out
}

func count[V any](groups map[string]map[netip.Addr]V, skip func(string) bool) int {
	n := 0
	for g, addrs := range groups {
		if skip == nil || !skip(g) {
			n += len(addrs)
		}
	}
	return n
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
