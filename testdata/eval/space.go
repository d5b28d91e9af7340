package main

import (
	"fmt"
	"os"
	"path/filepath"

	"tripline/ipranges"
	"tripline/ipranges/feed"
	"tripline/ipranges/mmdb"
)

// feeds are the published ranges of the time the homelab was observed.
var feeds = map[string]string{
	"aws":   "feeds/aws/ip-ranges-2026-05-29.json",
	"gcp":   "feeds/gcp/cloud-2026-05-29.json",
	"azure": "feeds/azure/ServiceTags_Public_20250908.json",
}

func readSpace(data string) (ipranges.Space, error) {
	ranges := map[string][]ipranges.Range{}
	for name, file := range feeds {
		list, err := readFeed(name, filepath.Join(data, file))
		if err != nil {
			return ipranges.Space{}, fmt.Errorf("%s: %w", file, err)
		}
		ranges[name] = list
	}
	raw, err := os.ReadFile(filepath.Join(data, "asn/asn.mmdb"))
	if err != nil {
		return ipranges.Space{}, err
	}
	asns, err := mmdb.Open(raw)
	return ipranges.Space{Table: ipranges.NewTable(feed.Assemble(ranges)), ASNs: asns}, err
}

func readFeed(name, file string) ([]ipranges.Range, error) {
	parser, err := feed.Find(name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []ipranges.Range
	for r, err := range parser.Parse(f) {
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}
