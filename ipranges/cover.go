package ipranges

import (
	"cmp"
	"net/netip"
	"slices"
	"sync/atomic"
)

// A place is a published prefix. What is said of its addresses is the same for
// all that have no longer prefix, so it is worked out once, when it is first
// asked for.
type place struct {
	own    *tags // published for exactly this prefix
	answer atomic.Pointer[answer]
}

// An answer is what a table says of an address.
type answer struct {
	labels []Label
	home   int // index of the label to fold to, -1 for none
}

// Labels returns every published label that covers a, smallest set first (of
// the family of a), labels of equal size in their order. The slice belongs to
// the table and must not be changed.
func (t *Table) Labels(a netip.Addr) []Label {
	if found := t.about(a); found != nil {
		return found.labels
	}
	return nil
}

// Home returns the smallest published set that holds a and is one to fold to:
// never one of callers ([Inbound]), a provider's catch-all (AMAZON, AzureCloud)
// only where nothing else covers a.
func (t *Table) Home(a netip.Addr) (Label, bool) {
	if found := t.about(a); found != nil && found.home >= 0 {
		return found.labels[found.home], true
	}
	return Label{}, false
}

// about returns what is said of a, nil if nothing is.
func (t *Table) about(a netip.Addr) *answer {
	if t == nil {
		return nil
	}
	a = a.Unmap().WithZone("")
	longest, ok := t.trie.Lookup(a)
	if !ok {
		return nil
	}
	if known := longest.answer.Load(); known != nil {
		return known
	}
	fresh := t.work(a)
	longest.answer.Store(fresh)
	return fresh
}

// A sized is an entry and how much of one family it opens.
type sized struct {
	*entry
	size uint64
}

// work finds what is said of a, which some prefix holds.
func (t *Table) work(a netip.Addr) *answer {
	var found []sized
	for _, p := range t.trie.Supernets(netip.PrefixFrom(a, a.BitLen())) {
		for _, e := range *p.own {
			if !slices.ContainsFunc(found, func(s sized) bool { return s.entry == e }) {
				found = append(found, sized{e, e.size(a.Is4())})
			}
		}
	}
	slices.SortFunc(found, func(a, b sized) int {
		return cmp.Or(cmp.Compare(a.size, b.size), a.label.Compare(b.label))
	})
	out := &answer{labels: make([]Label, len(found))}
	for i, f := range found {
		out.labels[i] = f.label
	}
	out.home = home(out.labels)
	return out
}

// home returns the index of the label to fold to, -1 if there is none.
func home(labels []Label) int {
	i := slices.IndexFunc(labels, func(l Label) bool { return !catchAll(l) && !Inbound(l) })
	if i < 0 {
		return slices.IndexFunc(labels, func(l Label) bool { return !Inbound(l) })
	}
	if l, ok := front(labels[i]); ok {
		if j := slices.IndexFunc(labels, l.Covers); j >= 0 {
			return j
		}
	}
	return i
}

func (e *entry) size(v4 bool) uint64 {
	x := e.set().Exposure()
	if v4 {
		return x.V4
	}
	return x.V6
}

// Published returns the published ranges that cover a, longest prefix first,
// ranges of one prefix in the order of their labels.
func (t *Table) Published(a netip.Addr) []Range {
	a = a.Unmap().WithZone("")
	if t == nil || !a.IsValid() {
		return nil
	}
	var out []Range
	for prefix, p := range t.trie.Supernets(netip.PrefixFrom(a, a.BitLen())) {
		for _, e := range *p.own {
			out = append(out, Range{Prefix: prefix, Label: e.label})
		}
	}
	slices.SortFunc(out, func(a, b Range) int {
		return cmp.Or(cmp.Compare(b.Prefix.Bits(), a.Prefix.Bits()), a.Label.Compare(b.Label))
	})
	return out
}
