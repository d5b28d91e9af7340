package feed

import (
	"iter"
	"maps"
	"slices"

	"tripline/ipranges"
)

// Assemble makes one list of what several feeds say, by feed name, in the order
// of the names; lists of the user's own come last.
//
// What Google publishes as its own contains its cloud, where anyone can rent an
// address. The cloud is taken out by addresses, not by equal prefixes, which
// differ. Without the cloud's list that cannot be done; the label is then
// google/goog, a wide and shared one.
//
// Azure says of many services only that they are somewhere; the region is added
// where the addresses are in one (see regional).
func Assemble(feeds map[string][]ipranges.Range) []ipranges.Range {
	lists := map[string]iter.Seq[ipranges.Range]{}
	for name, ranges := range feeds {
		lists[name] = slices.Values(ranges)
	}
	return slices.Collect(assemble(lists, nil))
}

// Space makes what is known of addresses from feeds, see [Assemble], and
// autonomous systems, which may be nil. With them, addresses that Google calls
// its own and announces as its cloud are not taken for its services either:
// they are next month's rented ones.
func Space(feeds map[string]*ipranges.List, asns ipranges.ASNs) ipranges.Space {
	lists := map[string]iter.Seq[ipranges.Range]{}
	for name, list := range feeds {
		lists[name] = list.All()
	}
	return ipranges.Space{Table: ipranges.Collect(assemble(lists, asns)), ASNs: asns}
}

func assemble(feeds map[string]iter.Seq[ipranges.Range], asns ipranges.ASNs) iter.Seq[ipranges.Range] {
	return func(yield func(ipranges.Range) bool) {
		for _, name := range slices.SortedFunc(maps.Keys(feeds), ownLast) {
			ranges, more := feeds[name], iter.Seq[ipranges.Range](none)
			switch name {
			case azure.Name:
				more = regional(ranges)
			case google.Name:
				ranges = withoutCloud(ranges, feeds[gcp.Name], asns)
			}
			if !all(ranges, yield) || !all(more, yield) {
				return
			}
		}
	}
}

// none yields no range.
func none(func(ipranges.Range) bool) {}

func all(ranges iter.Seq[ipranges.Range], yield func(ipranges.Range) bool) bool {
	for r := range ranges {
		if !yield(r) {
			return false
		}
	}
	return true
}

// ownLast orders names of feeds, then those of lists of the user's own.
func ownLast(a, b string) int {
	rank := func(name string) int {
		i := slices.IndexFunc(All, func(f Feed) bool { return f.Name == name })
		if i < 0 {
			return len(All)
		}
		return i
	}
	if ra, rb := rank(a), rank(b); ra != rb {
		return ra - rb
	}
	if a < b {
		return -1
	}
	return 1
}
