package ipranges

import (
	"maps"
	"slices"
)

// A Change is what became of one label between two tables: addresses, not
// prefixes, which publishers cut anew without any change.
type Change struct {
	Label          Label
	Added, Removed Exposure
	Before, After  Exposure
}

// IsZero says whether the label has the same addresses as before.
func (c Change) IsZero() bool { return c.Added.IsZero() && c.Removed.IsZero() }

// Diff returns what changed for each label that either table can answer for,
// services and providers too, in order. Labels without a change are left out.
func Diff(before, after *Table) []Change {
	labels := map[Label]Label{} // by how they compare; spelled as they are now
	for _, t := range []*Table{before, after} {
		for _, l := range t.known() {
			labels[fold(l)] = l
		}
	}
	var out []Change
	for _, l := range slices.SortedFunc(maps.Values(labels), Label.Compare) {
		if c := change(l, before, after); !c.IsZero() {
			out = append(out, c)
		}
	}
	return out
}

func change(l Label, before, after *Table) Change {
	old, _ := before.Set(l)
	now, _ := after.Set(l)
	c := Change{Label: l, Before: old.Exposure(), After: now.Exposure()}
	if !old.Equal(now) {
		c.Added, c.Removed = now.Subtract(old).Exposure(), old.Subtract(now).Exposure()
	}
	return c
}

// known returns every label that t can answer for and that has a name of its
// own: a region of all services together has none.
func (t *Table) known() []Label {
	if t == nil {
		return nil
	}
	var out []Label
	for _, e := range t.folds {
		if e.label.Service != "" || e.label.Region == "" {
			out = append(out, e.label)
		}
	}
	return out
}
