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
}

// An entry is a label and everything published for it or below it. The union is
// computed when it is first wanted: one command seldom needs all of them.
type entry struct {
	label    Label
	prefixes []netip.Prefix // for exactly this label
	parts    []*entry       // the published labels it covers, itself too
	set      func() Set
}

// NewTable returns a table of ranges. Invalid prefixes are left out.
func NewTable(ranges []Range) *Table { return Collect(slices.Values(ranges)) }

// Collect is NewTable for ranges that are nowhere in one list.
func Collect(ranges iter.Seq[Range]) *Table {
	t := &Table{names: map[Label]*entry{}, folds: map[Label]*entry{}}
	for r := range ranges {
		if p := unmap(r.Prefix); p.IsValid() {
			t.add(p, r.Label)
		}
	}
	slices.SortFunc(t.all, func(a, b *entry) int { return a.label.Compare(b.label) })
	return t
}

func (t *Table) add(p netip.Prefix, l Label) {
	e := t.names[l]
	if e == nil || e.prefixes == nil {
		e = t.publish(l)
	}
	e.prefixes = append(e.prefixes, p)
	t.trie.Modify(p, func(have *place, _ bool) (*place, bool) {
		if have == nil {
			have = &place{}
		}
		if !slices.Contains(have.own, e) {
			have.own = append(have.own, e)
		}
		return have, false
	})
}

// publish returns the entry of l, which is made known to all labels above it
// the first time.
func (t *Table) publish(l Label) *entry {
	e := t.entry(l)
	fresh := e.prefixes == nil
	if fresh {
		t.all = append(t.all, e)
	}
	for _, above := range ancestors(l) {
		if a := t.entry(above); fresh {
			a.parts = append(a.parts, e)
		}
	}
	return e
}

// ancestors returns l and every label that covers it.
func ancestors(l Label) []Label {
	out := []Label{l}
	for up, ok := l.Parent(); ok; up, ok = up.Parent() {
		out = append(out, up)
	}
	if l.Service != "" && l.Region != "" {
		out = append(out, Label{Provider: l.Provider, Region: l.Region})
	}
	return out
}

// entry returns the entry of l, made if there is none. Where a publisher spells
// a label in two ways, the first in order is kept: equal ranges give an equal
// table.
func (t *Table) entry(l Label) *entry {
	e := t.folds[fold(l)]
	if e == nil {
		e = &entry{label: l}
		e.set = sync.OnceValue(e.union)
		t.folds[fold(l)] = e
	}
	t.names[l] = e
	if l.Compare(e.label) < 0 {
		e.label = l
	}
	return e
}

func (e *entry) union() Set {
	var all []netip.Prefix
	for _, part := range e.parts {
		all = append(all, part.prefixes...)
	}
	return NewSet(all...)
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
