package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tripline/ipranges/feed"
	"tripline/store"
)

var rangesCheck = check{name: "ranges", short: "what providers publish is there and fresh", stored: true, look: lookRanges}

// rangesOld is when a list is too old: providers add ranges every few weeks.
const rangesOld = 30 * 24 * time.Hour

// providersOf are the AS numbers under which those who publish ranges announce
// most of them. Sources: the registries, by the name of the holder.
var providersOf = map[uint32]string{
	14618: "aws", 16509: "aws", 8075: "azure", 13335: "cloudflare", 14061: "digitalocean", 54113: "fastly",
	15169: "google", 396982: "gcp", 36459: "github", 63949: "linode", 31898: "oci", 133530: "atlassian",
}

func lookRanges(_ context.Context, d *doctor) error {
	return d.a.read(func(s *store.Store) error {
		have, err := heads(s)
		if err != nil {
			return err
		}
		var old, fresh []string
		for _, f := range feed.All {
			if n, ok := have[f.Name]; ok && !f.Fixed {
				if d.a.now().Sub(n.Fetched) > rangesOld {
					old = append(old, f.Name)
				} else {
					fresh = append(fresh, f.Name)
				}
			}
		}
		d.ageOfRanges(have, old, fresh)
		if err := d.citedRanges(s, have); err != nil {
			return err
		}
		return d.providersSeen(s, have)
	})
}

func (d *doctor) ageOfRanges(have map[string]store.Snapshot, old, fresh []string) {
	for _, name := range old {
		d.warn(name, "tripline ranges pull "+name, "fetched %s ago: what the provider added since is reported as drift or unexpected", d.a.age(have[name].Fetched))
	}
	switch {
	case len(fresh) > 0:
		d.ok("", "fetched in the last 30 days: %s", strings.Join(fresh, ", "))
	case len(old) == 0:
		d.warn("", "tripline ranges pull", "nothing was ever fetched: only the small lists that come with tripline are known, and rules are mostly prefixes")
	}
	if asn, ok := have[asnName]; !ok {
		d.warn(asnName, "tripline ranges import FILE.mmdb", "no AS numbers: a new address of the same owner is unexpected and not drift")
	} else if d.a.now().Sub(dated(asn)) > 6*rangesOld {
		d.warn(asnName, "tripline ranges import FILE.mmdb", "the AS numbers are %s old", d.a.age(dated(asn)))
	} else {
		d.ok(asnName, "AS numbers of %s", day(dated(asn)))
	}
}

// citedRanges notes lists that a baseline was folded with and that are gone.
func (d *doctor) citedRanges(s *store.Store, have map[string]store.Snapshot) error {
	list, err := baselines(s)
	if err != nil {
		return err
	}
	for _, b := range list {
		for _, name := range slices.Sorted(maps.Keys(b.Ranges)) {
			if _, ok := have[name]; ok || builtin(name) {
				continue
			}
			d.fail(b.Agent, "tripline ranges pull "+name, "its baseline was folded with the ranges %s, which are gone: rules that name them cannot be compiled", name)
		}
	}
	return nil
}

func builtin(name string) bool {
	f, err := feed.Find(name)
	if err != nil {
		return false
	}
	_, ok := f.Builtin()
	return ok
}

// providersSeen notes providers that agents talk to and whose list is not there.
func (d *doctor) providersSeen(s *store.Store, have map[string]store.Snapshot) error {
	space, _, err := loadSpace(s)
	if err != nil {
		return err
	}
	names, err := agentNames(s, nil)
	if err != nil {
		return nil //nolint:nilerr // no agents, so nothing was seen
	}
	missing := map[string]int{}
	for _, name := range names {
		ds, err := s.Destinations(name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for i := range ds {
			as, ok := space.AS(ds[i].Addr)
			if provider := providersOf[as.Number]; ok && provider != "" && have[provider].Name == "" && !builtin(provider) {
				missing[provider]++
			}
		}
	}
	for _, provider := range slices.Sorted(maps.Keys(missing)) {
		d.warn(provider, "tripline ranges pull "+provider, "agents talk to %s of it, and its list is not kept",
			count(uint64(missing[provider]), "destination", "destinations"))
	}
	return nil
}
