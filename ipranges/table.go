package ipranges

import (
	"iter"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/gaissmai/bart"
)

// A Range is one published prefix.
type Range struct {
	Prefix netip.Prefix
	Label  Label
}

// A Table holds published ranges. A nil Table is empty. Safe for concurrent
// use. Labels are found without regard to case and returned as published.
type Table struct {
	trie  bart.Table[*place]
	all   []*entry         // published labels, in order
	names map[Label]*entry // published labels and those above them, in every spelling seen
	folds map[Label]*entry // the same in lower case
	tags  map[step]*tags   // while it is made
}

// tags are the labels that some prefix is published for. There are ten times as
// many prefixes as different tags, so that equal ones are kept once.
type tags []*entry

// A step is from tags to those with one label more.
type step struct {
	from *tags
	to   *entry
}

// An entry is a label and everything published for it or below it. The union is
// computed when it is first wanted: one command seldom needs all of them.
type entry struct {
	label Label
	v4    []pair         // published for exactly this label
	v6    []netip.Prefix // the same
	parts []*entry       // the published labels it covers, itself too
	once  sync.Once
	union Set // of parts, once it was wanted
}

// A pair is the first and the last address of an IPv4 prefix, in a quarter of
// the memory of one: most prefixes are of IPv4.
type pair struct{ lo, hi a4 }

// NewTable returns a table of ranges. Invalid prefixes are left out.
func NewTable(ranges []Range) *Table { return Collect(slices.Values(ranges)) }

// Collect is NewTable for ranges that are nowhere in one list.
func Collect(ranges iter.Seq[Range]) *Table {
	t := &Table{names: map[Label]*entry{}, folds: map[Label]*entry{}, tags: map[step]*tags{}}
	for r := range ranges {
		if p := unmap(r.Prefix); p.IsValid() {
			t.add(p, r.Label)
		}
	}
	t.tags = nil
	slices.SortFunc(t.all, func(a, b *entry) int { return a.label.Compare(b.label) })
	return t
}

func (t *Table) add(p netip.Prefix, l Label) {
	e := t.names[l]
	if e == nil || e.none() {
		e = t.publish(l)
	}
	e.take(p)
	t.trie.Modify(p, func(have *place, _ bool) (*place, bool) {
		if have == nil {
			have = &place{}
		}
		have.own = t.plus(have.own, e)
		return have, false
	})
}

// plus returns from with e, which may be in it already. from is nil for none.
func (t *Table) plus(from *tags, e *entry) *tags {
	if from != nil && slices.Contains(*from, e) {
		return from
	}
	next := t.tags[step{from, e}]
	if next == nil {
		all := tags{e}
		if from != nil {
			all = append(slices.Clip(*from), e)
		}
		next = &all
		t.tags[step{from, e}] = next
	}
	return next
}

// publish returns the entry of l, which is made known to all labels above it
// the first time.
func (t *Table) publish(l Label) *entry {
	e := t.entry(l)
	fresh := e.none()
	if fresh {
		t.all = append(t.all, e)
	}
	for above := range ancestors(l) {
		if a := t.entry(above); fresh {
			a.parts = append(a.parts, e)
		}
	}
	return e
}

// ancestors yields l and every label that covers it.
func ancestors(l Label) iter.Seq[Label] {
	return func(yield func(Label) bool) {
		for up, ok := l, true; ok; up, ok = up.Parent() {
			if !yield(up) {
				return
			}
		}
		if l.Service != "" && l.Region != "" {
			yield(Label{Provider: l.Provider, Region: l.Region})
		}
	}
}

// entry returns the entry of l, made if there is none. Where a publisher spells
// a label in two ways, the first in order is kept: equal ranges give an equal
// table.
func (t *Table) entry(l Label) *entry {
	e := t.folds[fold(l)]
	if e == nil {
		e = &entry{label: l}
		t.folds[fold(l)] = e
	}
	t.names[l] = e
	if l.Compare(e.label) < 0 {
		e.label = l
	}
	return e
}

// none says whether nothing is published for exactly this label.
func (e *entry) none() bool { return e.v4 == nil && e.v6 == nil }

func (e *entry) take(p netip.Prefix) {
	if p.Addr().Is4() {
		lo := num4(p.Addr())
		e.v4 = append(e.v4, pair{lo, last4(lo, p.Bits())})
		return
	}
	e.v6 = append(e.v6, p)
}

// set returns everything published for the label or below it.
func (e *entry) set() Set {
	e.once.Do(func() { e.union = e.unite() })
	return e.union
}

func (e *entry) unite() Set {
	var s Set
	for _, part := range e.parts {
		for _, p := range part.v4 {
			s.v4 = append(s.v4, span[a4]{lo: p.lo, hi: p.hi})
		}
		for _, p := range part.v6 {
			lo := num6(p.Addr())
			s.v6 = append(s.v6, span[a6]{lo: lo, hi: last6(lo, p.Bits())})
		}
	}
	return Set{v4: join(s.v4), v6: join(s.v6)}
}

func fold(l Label) Label {
	return Label{strings.ToLower(l.Provider), strings.ToLower(l.Service), strings.ToLower(l.Region)}
}

// Set returns what l admits, the union of all labels it covers; ok is false if
// nothing with that name is published. The union is computed once.
func (t *Table) Set(l Label) (set Set, ok bool) {
	if t == nil {
		return Set{}, false
	}
	e := t.names[l]
	if e == nil {
		e = t.folds[fold(l)]
	}
	if e == nil {
		return Set{}, false
	}
	return e.set(), true
}

// All returns every published label in order.
func (t *Table) All() []Label {
	if t == nil {
		return nil
	}
	out := make([]Label, len(t.all))
	for i, e := range t.all {
		out[i] = e.label
	}
	return out
}

// Entries yields every published label in order, with what it admits.
func (t *Table) Entries() iter.Seq2[Label, Set] {
	return func(yield func(Label, Set) bool) {
		if t == nil {
			return
		}
		for _, e := range t.all {
			if !yield(e.label, e.set()) {
				return
			}
		}
	}
}
