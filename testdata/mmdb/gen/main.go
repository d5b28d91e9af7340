// Command gen writes asn-test.mmdb, the small AS database that tests and the
// demo use. The same program writes the same bytes.
package main

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"

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
		return fmt.Errorf("usage: gen FILE")
	}
	tree, err := mmdbwriter.New(mmdbwriter.Options{
		BuildEpoch:              1767225600, // 2026-01-01
		DatabaseType:            "Tripline-Test-ASN",
		Description:             map[string]string{"en": "AS numbers for the tests of tripline"},
		IncludeReservedNetworks: true,
		RecordSize:              24,
	})
	if err != nil {
		return err
	}
	for _, s := range systems {
		record := mmdbtype.Map{
			"autonomous_system_number":       mmdbtype.Uint32(s.number),
			"autonomous_system_organization": mmdbtype.String(s.org),
		}
		if err := tree.Insert(netipx.PrefixIPNet(netip.MustParsePrefix(s.network)), record); err != nil {
			return fmt.Errorf("%s: %w", s.network, err)
		}
	}
	var out bytes.Buffer
	if _, err := tree.WriteTo(&out); err != nil {
		return err
	}
	return os.WriteFile(args[1], out.Bytes(), 0o644)
}
