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
			region, ok := clouds.around(r.Prefix)
			if !ok {
				rest[r.Label] = append(rest[r.Label], r.Prefix)
			} else if !yield(ipranges.Range{Prefix: r.Prefix, Label: at(r.Label, region)}) {
				return
			}
		}
		all(clouds.divided(rest), yield)
	}
}

// regions are the prefixes of AzureCloud in each region, by address. They are
// few beside all others, and wanted once.
type regions []ipranges.Range

// azureRegions returns the clouds by region, and the services, in lower case,
// that are published by region.
func azureRegions(ranges iter.Seq[ipranges.Range]) (clouds regions, split map[string]bool) {
	split = map[string]bool{}
	for r := range ranges {
		switch {
		case r.Label.Region == "":
		case r.Label.Service == azureCloud:
			clouds = append(clouds, r)
		default:
			split[strings.ToLower(r.Label.Service)] = true
		}
	}
	slices.SortStableFunc(clouds, func(a, b ipranges.Range) int { return a.Prefix.Addr().Compare(b.Prefix.Addr()) })
	return clouds, split
}

// around returns the region all of p is in. It looks at one prefix alone: what
// it does not find is found in parts.
func (c regions) around(p netip.Prefix) (region string, ok bool) {
	i, same := slices.BinarySearchFunc(c, p.Addr(), func(r ipranges.Range, a netip.Addr) int { return r.Prefix.Addr().Compare(a) })
	if !same {
		i--
	}
	if i < 0 || !c[i].Prefix.Contains(p.Addr()) || c[i].Prefix.Bits() > p.Bits() {
		return "", false
	}
	return c[i].Label.Region, true
}

// divided yields the parts of prefixes that are in one region each. Most of what
// comes here is in none.
func (c regions) divided(rest map[ipranges.Label][]netip.Prefix) iter.Seq[ipranges.Range] {
	return func(yield func(ipranges.Range) bool) {
		sets := c.sets()
		for _, l := range slices.SortedFunc(maps.Keys(rest), ipranges.Label.Compare) {
			set := ipranges.NewSet(rest[l]...)
			for _, region := range slices.Sorted(maps.Keys(sets)) {
				for _, p := range set.Intersect(sets[region]).Prefixes() {
					if !yield(ipranges.Range{Prefix: p, Label: at(l, region)}) {
						return
					}
				}
			}
		}
	}
}

// sets returns what is in each region.
func (c regions) sets() map[string]ipranges.Set {
	prefixes := map[string][]netip.Prefix{}
	for _, r := range c {
		prefixes[r.Label.Region] = append(prefixes[r.Label.Region], r.Prefix)
	}
	out := map[string]ipranges.Set{}
	for region, all := range prefixes {
		out[region] = ipranges.NewSet(all...)
	}
	return out
}

func at(l ipranges.Label, region string) ipranges.Label {
	l.Region = region
	return l
}
