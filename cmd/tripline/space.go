package main

import (
	"bytes"
	"fmt"

	"tripline/ipranges"
	"tripline/ipranges/feed"
	"tripline/ipranges/mmdb"
	"tripline/store"
)

// asnName is what the snapshot of an ASN database is called.
const asnName = "asn"

// loadSpace reads the stored range data: everything that is known of addresses.
// digests are by name, for baselines to cite.
func loadSpace(s *store.Store) (space ipranges.Space, digests map[string]string, err error) {
	list, err := s.Snapshots()
	if err != nil || len(list) == 0 {
		return space, nil, err
	}
	digests = map[string]string{}
	feeds := map[string][]ipranges.Range{}
	for _, head := range list {
		n, err := s.Snapshot(head.Name)
		if err != nil {
			return space, nil, err
		}
		digests[n.Name] = "sha256:" + n.SHA256
		if n.Name == asnName {
			db, err := mmdb.Open(n.Data)
			if err != nil {
				return space, nil, fmt.Errorf("stored ranges %s: %w", n.Name, err)
			}
			space.ASNs = db
			continue
		}
		if feeds[n.Name], err = parseFeed(n.Name, n.Data); err != nil {
			return space, nil, fmt.Errorf("stored ranges %s: %w", n.Name, err)
		}
	}
	space.Table = ipranges.NewTable(feed.Assemble(feeds))
	return space, digests, nil
}

func parseFeed(name string, data []byte) (ranges []ipranges.Range, err error) {
	f, err := feed.Find(name)
	if err != nil {
		return nil, err
	}
	for r, err := range f.Parse(bytes.NewReader(data)) {
		if err != nil {
			return nil, err
		}
		ranges = append(ranges, r)
	}
	return ranges, nil
}
