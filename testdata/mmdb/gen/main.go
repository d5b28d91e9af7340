// Command gen writes the small AS databases that tests and the demo use:
// asn-test.mmdb in the schema of GeoLite2-ASN, and asn-text-test.mmdb, IPv4
// only, in that of publishers who write "AS64496". The same program writes the
// same bytes.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"go4.org/netipx"
)

// systems are documentation networks with numbers of RFC 5398, and a few real
// ones so that the demo shows names people know.
var systems = []struct {
	network string
	number  uint32
	org     string
}{
	{"192.0.2.0/24", 64496, "Example Transit"},
	{"198.51.100.0/24", 64497, "Example Hosting"},
	{"198.51.100.255/32", 0, "nobody"},
	{"203.0.113.0/25", 64498, "Example Cloud"},
	{"203.0.113.128/25", 64499, "Evil\x1b[2J\nCorp \u202egnp.exe"},
	{"2001:db8::/33", 64496, "Example Transit"},
	{"2001:db8:8000::/33", 64511, "Example Six"},
	{"104.16.0.0/13", 13335, "Cloudflare, Inc."},
	{"162.158.0.0/15", 13335, "Cloudflare, Inc."},
	{"172.64.0.0/13", 13335, "Cloudflare, Inc."},
	{"3.5.0.0/19", 14618, "Amazon.com, Inc."},
	{"16.182.0.0/16", 14618, "Amazon.com, Inc."},
	{"44.192.0.0/12", 14618, "Amazon.com, Inc."},
	{"52.216.0.0/15", 14618, "Amazon.com, Inc."},
	{"54.231.0.0/16", 14618, "Amazon.com, Inc."},
	{"3.5.128.0/17", 16509, "Amazon.com, Inc."},
	{"18.164.0.0/15", 16509, "Amazon.com, Inc."},
	{"52.219.64.0/19", 16509, "Amazon.com, Inc."},
}

func main() {
	if err := run(os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: gen DIRECTORY")
	}
	if err := write(filepath.Join(args[1], "asn-test.mmdb"), 6, numbered); err != nil {
		return err
	}
	return write(filepath.Join(args[1], "asn-text-test.mmdb"), 4, spelled)
}

func numbered(number uint32, org string) mmdbtype.Map {
	return mmdbtype.Map{
		"autonomous_system_number":       mmdbtype.Uint32(number),
		"autonomous_system_organization": mmdbtype.String(org),
	}
}

func spelled(number uint32, org string) mmdbtype.Map {
	return mmdbtype.Map{
		"asn":     mmdbtype.String(fmt.Sprintf("AS%d", number)),
		"as_name": mmdbtype.String(org),
	}
}

func write(file string, version int, record func(uint32, string) mmdbtype.Map) error {
	tree, err := mmdbwriter.New(mmdbwriter.Options{
		BuildEpoch:              1767225600, // 2026-01-01
		DatabaseType:            "Tripline-Test-ASN",
		Description:             map[string]string{"en": "AS numbers for the tests of tripline"},
		IncludeReservedNetworks: true,
		IPVersion:               version,
		RecordSize:              24,
	})
	if err != nil {
		return err
	}
	for _, s := range systems {
		p := netip.MustParsePrefix(s.network)
		if version == 4 && p.Addr().Is6() {
			continue
		}
		if err := tree.Insert(netipx.PrefixIPNet(p), record(s.number, s.org)); err != nil {
			return fmt.Errorf("%s: %w", s.network, err)
		}
	}
	var out bytes.Buffer
	if _, err := tree.WriteTo(&out); err != nil {
		return err
	}
	return os.WriteFile(file, out.Bytes(), 0o644)
}
