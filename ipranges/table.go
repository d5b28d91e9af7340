package ipranges

import "net/netip"

// A Range is one published prefix.
type Range struct {
	Prefix netip.Prefix
	Label  Label
}

// A Table holds published ranges. A nil Table is empty. Safe for concurrent use.
type Table struct{}

func NewTable(ranges []Range) *Table { return &Table{} }

// Labels returns every published label that covers a, smallest set first.
func (t *Table) Labels(a netip.Addr) []Label { return nil }

// Home returns the smallest published set that holds a and is narrow enough to fold
// to: a provider's catch-all (AMAZON, AzureCloud) only where nothing else covers a.
func (t *Table) Home(a netip.Addr) (Label, bool) { return Label{}, false }

// Set returns what l admits, the union of all labels it covers; ok is false if nothing
// with that name is published.
func (t *Table) Set(l Label) (set Set, ok bool) { return Set{}, false }

// All returns every published label in order.
func (t *Table) All() []Label { return nil }

// Shared says whether anyone can rent a place at addresses of l.
func Shared(l Label) bool { return false }
