package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"tripline/ipranges"
	"tripline/learn"
	"tripline/learn/source"
)

// A tally counts what a log held: nothing that was read is left unsaid.
type tally struct {
	records  uint64 // all, readable or not
	bad      map[source.Cause]*unreadable
	not      map[source.Why]uint64 // readable, not counted
	counted  uint64                // connections of anybody
	agents   map[string]uint64     // of them, claimed by an agent
	others   map[netip.Addr]uint64 // of them, by source that no agent claims
	passedIn bool                  // a passed connection was seen on the inside
	assumed  bool                  // a stamp had no zone
	timeless bool                  // a line had no stamp at all
}

type unreadable struct {
	n     uint64
	file  string
	first error
}

// mostOthers bounds how many sources are remembered that no agent claims.
const mostOthers = 1000

func newTally() *tally {
	return &tally{
		bad: map[source.Cause]*unreadable{}, not: map[source.Why]uint64{},
		agents: map[string]uint64{}, others: map[netip.Addr]uint64{},
	}
}

// error counts a record that could not be read.
func (t *tally) error(file string, err *source.RecordError) {
	t.records++
	u := t.bad[err.Cause]
	if u == nil {
		u = &unreadable{file: file, first: err}
		t.bad[err.Cause] = u
	}
	u.n++
}

// record counts a record and says whether it is a flow.
func (t *tally) record(r *source.Record) bool {
	t.records++
	t.assumed = t.assumed || r.ZoneAssumed
	t.timeless = t.timeless || r.TimeAssumed
	if !r.Counted {
		t.not[r.Why]++
		return false
	}
	t.counted++
	t.passedIn = t.passedIn || r.Why == source.Outbound
	return true
}

// claim counts a flow for its agent.
func (t *tally) claim(f *learn.Flow) {
	if f.Agent != "" {
		t.agents[f.Agent]++
		return
	}
	if _, known := t.others[f.Src]; known || len(t.others) < mostOthers {
		t.others[f.Src]++
	}
}

// claimed returns how many flows belong to any agent.
func (t *tally) claimed() uint64 {
	var n uint64
	for _, v := range t.agents {
		n += v
	}
	return n
}

// unread returns how many records could not be read.
func (t *tally) unread() uint64 {
	var n uint64
	for _, u := range t.bad {
		n += u.n
	}
	return n
}

// report says what was read and what was not, and why.
func (t *tally) report(a *app) {
	a.say("%s records: %s connections, %s not connections of a local host, %s unreadable", ipranges.Thousands(t.records),
		ipranges.Thousands(t.counted), ipranges.Thousands(t.records-t.counted-t.unread()), ipranges.Thousands(t.unread()))
	for _, c := range byCount(t.bad, func(u *unreadable) uint64 { return u.n }) {
		u := t.bad[c]
		a.warn("%s unreadable: %s; the first: %s: %v", ipranges.Thousands(u.n), c, u.file, u.first)
	}
	if t.timeless {
		a.warn("lines without a time stamp were given the time of their file")
	}
}

// whys says what the records were that were not counted.
func (t *tally) whys(a *app) {
	for _, w := range byCount(t.not, func(n uint64) uint64 { return n }) {
		a.say("    %9s  %s", ipranges.Thousands(t.not[w]), w)
	}
}

// byCount returns the keys of m, the largest count first.
func byCount[K cmp.Ordered, V any](m map[K]V, count func(V) uint64) []K {
	return slices.SortedFunc(maps.Keys(m), func(a, b K) int {
		if c := cmp.Compare(count(m[b]), count(m[a])); c != 0 {
			return c
		}
		return cmp.Compare(a, b)
	})
}

// howToLog is what turns a silent firewall into a source.
const howToLog = "pfSense: Firewall > Rules > LAN, edit each pass rule, tick \"Log packets that are handled by this rule\", save and apply; " +
	"OPNsense: Firewall > Rules, the same tick box. Then let the agent work and read the log again"

// errNothing says why a log told nothing of the agents; nil if it did.
func (t *tally) errNothing(what string, agents []learn.Agent) error {
	names := make([]string, len(agents))
	for i, a := range agents {
		names[i] = a.String()
	}
	who := strings.Join(names, " ")
	switch {
	case t.claimed() > 0:
		return nil
	case t.records == 0:
		return learn.WithHint(fmt.Errorf("%s is empty: it says nothing of %s", what, who), howToLog)
	case t.unread() == t.records:
		return learn.WithHint(fmt.Errorf("%s: none of its %s records could be read as a firewall log", what, ipranges.Thousands(t.records)),
			`"tripline flows --all %s" shows what was understood; "tripline sources" lists the formats`, what)
	case t.counted == 0:
		return learn.WithHint(fmt.Errorf("%s has %s readable records and no outbound connection of anybody: "+
			"the firewall logs none of the connections it passes. It is not known whether %s was silent", what, ipranges.Thousands(t.records-t.unread()), who), howToLog)
	case !t.passedIn:
		return learn.WithHint(fmt.Errorf("%s has %s outbound connections, but none logged on the inside, where %s could be told from others: "+
			"the firewall does not log what its LAN rules pass", what, ipranges.Thousands(t.counted), who), howToLog)
	}
	return learn.WithHint(fmt.Errorf("%s has %s outbound connections, but none of %s: they are of %s",
		what, ipranges.Thousands(t.counted), who, t.others3()), "check the address of the agent, and that the firewall rule it matches is logged: %s", howToLog)
}

// others3 names the sources with the most connections.
func (t *tally) others3() string {
	type seen struct {
		a netip.Addr
		n uint64
	}
	var all []seen
	for a, n := range t.others {
		all = append(all, seen{a, n})
	}
	slices.SortFunc(all, func(x, y seen) int { return cmp.Or(cmp.Compare(y.n, x.n), x.a.Compare(y.a)) })
	var texts []string
	for _, s := range all[:min(3, len(all))] {
		texts = append(texts, fmt.Sprintf("%s (%s)", s.a, ipranges.Thousands(s.n)))
	}
	if len(all) > 3 {
		texts = append(texts, fmt.Sprintf("and %d more", len(all)-3))
	}
	return strings.Join(texts, ", ")
}

// recordError returns err as one record that could not be read.
func recordError(err error) (*source.RecordError, bool) {
	return errors.AsType[*source.RecordError](err)
}
