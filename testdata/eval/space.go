package main

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"

	"tripline/ipranges"
	"tripline/ipranges/feed"
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
	asns, err := readASNs(filepath.Join(data, "asn/asn.csv.gz"))
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

type asns map[netip.Prefix]uint32

func (t asns) AS(a netip.Addr) (ipranges.AS, bool) {
	for l := a.BitLen(); l > 0; l-- {
		p, _ := a.Prefix(l)
		if n, ok := t[p]; ok {
			return ipranges.AS{Number: n, Prefix: p}, true
		}
	}
	return ipranges.AS{}, false
}

func (t asns) Announced(uint32) ipranges.Set { return ipranges.Set{} }

func readASNs(file string) (asns, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(z).ReadAll()
	if err != nil {
		return nil, err
	}
	out := asns{}
	for _, r := range rows[1:] {
		if p, err := netip.ParsePrefix(r[0]); err == nil && p.Addr().Is4() {
			n, _ := strconv.ParseUint(r[1], 10, 32)
			out[p] = uint32(n)
		}
	}
	return out, nil
}
