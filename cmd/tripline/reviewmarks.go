package main

import (
	"fmt"
	"slices"
	"strings"

	"tripline/learn"
	"tripline/store"
)

// A markedJSON is a mark that may be why destinations came.
type markedJSON struct {
	Mark  string `json:"mark"`
	Hours int    `json:"first_seen_in_its_hours"` // destinations
	Runs  int    `json:"seen_in_its_runs_only"`
}

// marked returns the marks that were set in the hour in which a destination was
// first seen, and those of all runs that it was seen in, if there are others.
func (d *draft) marked(members []learn.Destination) (out []markedJSON) {
	names, all := map[string]bool{}, runsOf(d.seen)
	for i := range d.marks {
		names[d.marks[i].Name] = true
	}
	for _, name := range sorted(names) {
		hours, runs := markedAs(d.marks, name)
		m := markedJSON{Mark: name}
		for i := range members {
			if b := members[i].Blocks; len(b) > 0 && hours[b[0]] {
				m.Hours++
			}
			if len(runs) < len(all) && inAll(members[i].Runs, runs) {
				m.Runs++
			}
		}
		if m.Hours+m.Runs > 0 {
			out = append(out, m)
		}
	}
	return out
}

// markedAs returns the hours and the runs that have a mark.
func markedAs(marks []store.Mark, name string) (hours map[learn.Block]bool, runs map[string]bool) {
	hours, runs = map[learn.Block]bool{}, map[string]bool{}
	for i := range marks {
		if marks[i].Name != name {
			continue
		}
		hours[learn.BlockOf(marks[i].At)] = true
		if marks[i].Run != "" {
			runs[marks[i].Run] = true
		}
	}
	return hours, runs
}

// inAll says whether all of some runs are in a set.
func inAll(list []string, set map[string]bool) bool {
	return !slices.ContainsFunc(list, func(run string) bool { return !set[run] })
}

// words says so of a row with so many destinations.
func (m *markedJSON) words(of int) string {
	var parts []string
	if m.Hours > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d first seen in an hour with this mark", m.Hours, of))
	}
	if m.Runs > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d seen only in runs with it", m.Runs, of))
	}
	return m.Mark + ": " + strings.Join(parts, "; ")
}

// A namesJSON says how an agent's flows came by their names.
type namesJSON struct {
	Flows     uint64            `json:"flows"`
	Named     uint64            `json:"named"`
	By        map[string]uint64 `json:"by_evidence"`
	Encrypted uint64            `json:"encrypted_dns_suspected"`
	Hidden    uint64            `json:"hidden_by_ech,omitempty"`
	Ambiguous uint64            `json:"several_names_in_dns,omitempty"`
	Conflicts uint64            `json:"other_name_than_dns,omitempty"`
	Stale     uint64            `json:"answer_had_run_out,omitempty"`
}

func namesOf(d *draft) *namesJSON {
	n := learn.NamesOf(d.seen)
	if n.Flows == 0 {
		return nil
	}
	return newNames(&n)
}

func newNames(n *learn.Names) *namesJSON {
	out := &namesJSON{
		Flows: n.Flows, Named: n.Named(), By: map[string]uint64{}, Encrypted: n.Encrypted,
		Hidden: n.Hidden, Ambiguous: n.Ambiguous, Conflicts: n.Conflicts, Stale: n.Stale,
	}
	for e := learn.DNS; e <= learn.Proxy; e++ {
		if n.By[e] > 0 {
			out.By[e.String()] = n.By[e]
		}
	}
	return out
}
