package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"tripline/ipranges"
	"tripline/learn"
	"tripline/learn/source"
)

// A tally counts what a log held: nothing that was read is left unsaid.
type tally struct {
	src      source.Source
	records  uint64 // all, readable or not
	foreign  uint64 // lines that other programs wrote into the log; nothing is wrong with them
	bad      map[source.Cause]*unreadable
	not      map[source.Why]uint64 // readable, not counted
	counted  uint64                // connections of anybody
	agents   map[string]uint64     // of them, claimed by an agent
	others   map[netip.Addr]uint64 // of them, by source that no agent claims
	programs map[string]uint64     // and by executable, where that is seen
	passedIn bool                  // a passed connection was seen on the inside
	assumed  bool                  // a stamp had no zone
	timeless bool                  // a line had no stamp at all
	torn     bool                  // a file ends in the middle of a line
	missing  bool                  // a file that was waited for never came
	deaf     []string              // files of which no record could be read
	lost     int64                 // gaps between files
	gone     int64                 // records that were dropped or are missing
	sampled  uint64                // one packet in so many was looked at
	both     uint64                // connections that two agents claim: they count for neither
	overlap  error                 // of the first of them
}

type unreadable struct {
	n     uint64
	file  string
	first *source.RecordError
}

// mostOthers bounds how many sources are remembered that no agent claims.
const mostOthers = 1000

func newTally() *tally {
	return &tally{
		bad: map[source.Cause]*unreadable{}, not: map[source.Why]uint64{},
		agents: map[string]uint64{}, others: map[netip.Addr]uint64{}, programs: map[string]uint64{},
	}
}

// error counts a record that could not be read, or is not meant to be.
func (t *tally) error(file string, err *source.RecordError) {
	t.records++
	if err.Cause == source.OtherProgram {
		t.foreign++
		return
	}
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
	another(t.others, f.Src)
	if f.Process != nil && f.Process.Exe != "" {
		another(t.programs, f.Process.Exe)
	}
}

// another counts one of those that are remembered.
func another[K comparable](of map[K]uint64, key K) {
	if _, known := of[key]; known || len(of) < mostOthers {
		of[key]++
	}
}

// owner returns whose flow it is, "" if nobody's. One that two agents claim
// counts for neither, and ends nothing: the next one may be clear.
func (t *tally) owner(a *app, agents *learn.Agents, f *learn.Flow) string {
	agent, err := a.ownerOf(agents, f)
	if err == nil {
		return agent
	}
	if t.both++; t.overlap == nil {
		t.overlap = err
		a.warn("%v: it counts for neither, nor do others like it", err)
	}
	return ""
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

// readable returns how many records were read, of interest or not.
func (t *tally) readable() uint64 { return t.records - t.unread() - t.foreign }

// report says what was read and what was not, and why.
func (t *tally) report(a *app) {
	aside := t.readable() - t.counted
	parts := []string{count(t.counted, "connection", "connections"), ipranges.Thousands(aside) + " not connections of a local host"}
	if t.foreign > 0 {
		parts = append(parts, t.aside())
	}
	parts = append(parts, ipranges.Thousands(t.unread())+" unreadable")
	a.say("%s: %s", count(t.records, "record", "records"), strings.Join(parts, ", "))
	for _, c := range byCount(t.bad, func(u *unreadable) uint64 { return u.n }) {
		a.warn("%s unreadable: %s (the first: %s)", ipranges.Thousands(t.bad[c].n), c, place(t.bad[c].file, t.bad[c].first))
	}
	if t.both > 0 {
		a.warn("%s of two agents at once: counted for neither. %s", count(t.both, "connection", "connections"), learn.HintOf(t.overlap))
	}
	if t.timeless {
		a.warn("lines without a time stamp were given the time of their file")
	}
}

// aside says how many records were none of the source's own.
func (t *tally) aside() string {
	if words := t.src.Speaks.Aside; words[0] != "" {
		return count(t.foreign, words[0], words[1])
	}
	return count(t.foreign, "line", "lines") + " of other programs"
}

// place says where a record is that could not be read, and what was found there.
func place(file string, bad *source.RecordError) string {
	text := fmt.Sprintf("%s line %d", file, bad.Line)
	if bad.Field != "" {
		text += ", " + bad.Field
	}
	if bad.Text != "" {
		text += ": " + strconv.Quote(bad.Text)
	}
	return text
}

// count writes how many of something there are.
func count(n uint64, one, many string) string {
	if n == 1 {
		many = one
	}
	return ipranges.Thousands(n) + " " + many
}

// deafTo notes a file of which nothing could be read, when there was something to be
// read: one that could be, beside it, does not speak for it.
func (t *tally) deafTo(path string, records, readable uint64) {
	if t.records > records && t.readable() == readable {
		t.deaf = append(t.deaf, path)
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

// recordError returns err as one record that could not be read.
func recordError(err error) (*source.RecordError, bool) {
	return errors.AsType[*source.RecordError](err)
}
