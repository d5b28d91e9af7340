package feed

import (
	"iter"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"tripline/ipranges"
)

// azureCloud is the tag that has all of a region, without the region.
const azureCloud = "AzureCloud"

// regional returns ranges with a region for services that are published without
// one: the part of each that is in AzureCloud of that region. Half of the
// services are published so, those of language models among them.
func regional(ranges iter.Seq[ipranges.Range]) iter.Seq[ipranges.Range] {
	clouds, split := azureRegions(ranges)
	return func(yield func(ipranges.Range) bool) {
		rest := map[ipranges.Label][]netip.Prefix{}
		for r := range ranges {
			if r.Label.Region != "" || r.Label.Service == azureCloud || split[strings.ToLower(r.Label.Service)] {
				continue
			}
			region, ok := around(clouds, r.Prefix)
			if !ok {
				rest[r.Label] = append(rest[r.Label], r.Prefix)
			} else if !yield(ipranges.Range{Prefix: r.Prefix, Label: at(r.Label, region)}) {
				return
			}
		}
		all(slices.Values(divided(rest, clouds)), yield)
	}
}

// azureRegions returns the clouds by region, and the services, in lower case,
// that are published by region.
func azureRegions(ranges iter.Seq[ipranges.Range]) (clouds *ipranges.Table, split map[string]bool) {
	split = map[string]bool{}
	for r := range ranges {
		if r.Label.Region != "" && r.Label.Service != azureCloud {
			split[strings.ToLower(r.Label.Service)] = true
		}
	}
	return ipranges.Collect(func(yield func(ipranges.Range) bool) {
		for r := range ranges {
			if r.Label.Region != "" && r.Label.Service == azureCloud && !yield(r) {
				return
			}
		}
	}), split
}

// around returns the region all of p is in.
func around(clouds *ipranges.Table, p netip.Prefix) (region string, ok bool) {
	for _, r := range clouds.Published(p.Addr()) {
		if r.Prefix.Bits() <= p.Bits() {
			return r.Label.Region, true
		}
	}
	return "", false
}

// divided returns the parts of prefixes that are in one region each. Most of
// what comes here is in none.
func divided(rest map[ipranges.Label][]netip.Prefix, clouds *ipranges.Table) []ipranges.Range {
	var out []ipranges.Range
	for _, l := range slices.SortedFunc(maps.Keys(rest), ipranges.Label.Compare) {
		set := ipranges.NewSet(rest[l]...)
		for cloud, all := range clouds.Entries() {
			for _, p := range set.Intersect(all).Prefixes() {
				out = append(out, ipranges.Range{Prefix: p, Label: at(l, cloud.Region)})
			}
		}
	}
	return out
}

func at(l ipranges.Label, region string) ipranges.Label {
	l.Region = region
	return l
}
