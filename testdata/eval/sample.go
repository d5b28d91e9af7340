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
	since, cut time.Time
	known      map[string]map[netip.Addr]time.Time // by group: first seen
	later      map[string]map[netip.Addr]bool      // by group: not known
	bad        map[target]bool                     // labelled malicious; nil if nothing is labelled
}

type target struct {
	group string
	addr  netip.Addr
}

// A rules is what is admitted, by group: one set for each rule.
type rules map[string][]ipranges.Set

func (s *sample) days() float64 { return s.cut.Sub(s.since).Hours() / 24 }

// know notes that a group talked to an address.
func (s *sample) know(group string, a netip.Addr, at time.Time) {
	if s.known[group] == nil {
		s.known[group] = map[netip.Addr]time.Time{}
	}
	if first, ok := s.known[group][a]; !ok || at.Before(first) {
		s.known[group][a] = at
	}
}

// meet notes that a group talked to an address after the cut. Everything that
// is known must be noted before.
func (s *sample) meet(group string, a netip.Addr) {
	if _, ok := s.known[group][a]; ok {
		return
	}
	if s.later[group] == nil {
		s.later[group] = map[netip.Addr]bool{}
	}
	s.later[group][a] = true
}

func newSample() *sample {
	return &sample{known: map[string]map[netip.Addr]time.Time{}, later: map[string]map[netip.Addr]bool{}}
}

// fold folds all groups as the services of one agent: a group is a port.
func (s *sample) fold(o learn.FoldOptions) rules {
	groups := sortedKeys(s.known)
	var ds []learn.Destination
	for i, g := range groups {
		for a, first := range s.known[g] {
			t := learn.Target{Service: learn.Service{Proto: learn.TCP, Port: uint16(i)}, Addr: a}
			ds = append(ds, learn.Destination{Target: t, Flows: 1, First: first, Last: first})
		}
	}
	o.Since, o.Until = s.since, s.cut
	out := rules{}
	for _, r := range learn.Fold(ds, o) {
		set := ipranges.NewSet(r.To.Prefix)
		if labelled, ok := o.Space.Table.Set(r.To.Label); ok {
			set = labelled
		}
		for _, p := range r.Ports {
			out[groups[p.Port]] = append(out[groups[p.Port]], set)
		}
	}
	return out
}

// uniform admits the prefix of the given length around each known address.
func (s *sample) uniform(length int) rules {
	out := rules{}
	for g, addrs := range s.known {
		nets := map[netip.Prefix]bool{}
		for a := range addrs {
			nets[netip.PrefixFrom(a, length).Masked()] = true
		}
		for p := range nets {
			out[g] = append(out[g], ipranges.NewSet(p))
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
