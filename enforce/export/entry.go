package export

import (
	"net/netip"
	"slices"

	"tripline/enforce"
	"tripline/ipranges"
)

// An entry is one line of a table, and the rules it stands for.
type entry struct {
	prefix netip.Prefix
	first  *enforce.Rule
	rules  int
	latest int // the rule counted last, so that none is counted twice
}

// String returns an address, or a prefix where it holds more than one.
func (e *entry) String() string {
	if e.prefix.IsSingleIP() {
		return e.prefix.Addr().String()
	}
	return e.prefix.String()
}

// descr says in words of at most n bytes which rules the entry stands for.
func (e *entry) descr(t *table, n int) string {
	text := plain(t.agent.Name + ": " + e.first.To.String() + " " + t.service())
	if e.rules == 1 {
		return clip(text, n)
	}
	more := " and " + count(e.rules-1, "more rule", "more rules")
	return clip(text, n-len(more)) + more
}

// entries returns the smallest list of prefixes that is the table's set, IPv4
// first. Each prefix of a rule is within one of them: they are the largest ones
// that fit into the union.
func (t *table) entries() []entry {
	prefixes := t.set.Prefixes()
	out := make([]entry, len(prefixes))
	for i, p := range prefixes {
		out[i] = entry{prefix: p, latest: -1}
	}
	for i, r := range t.rules {
		for _, p := range r.Set.Prefixes() {
			at, found := slices.BinarySearchFunc(prefixes, p.Addr(), compareStart)
			if !found {
				at--
			}
			out[at].add(i, r)
		}
	}
	return out
}

func (e *entry) add(i int, r *enforce.Rule) {
	if e.latest == i {
		return
	}
	if e.first == nil {
		e.first = r
	}
	e.rules, e.latest = e.rules+1, i
}

func compareStart(p netip.Prefix, a netip.Addr) int { return p.Addr().Compare(a) }

func thousands(n int) string { return ipranges.Thousands(uint64(max(0, n))) }
