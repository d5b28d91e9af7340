package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"

	"github.com/spf13/cobra"

	"tripline/ipranges"
	"tripline/learn"
	"tripline/store"
)

func newRangesLookupCommand(a *app) *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "lookup ADDRESS...",
		Short: "Say whose an address is, and what each level would open",
		Long: `lookup prints every published set that holds an address and the system that announces
it, smallest first, each with the addresses a rule for it would admit. Shared means
that anyone can rent a place there.

Exit status:
  0  printed
  2  it could not be; standard error says why`,
		Example: `  tripline ranges lookup 52.216.1.2
  tripline ranges lookup --format json 2600:1f00::1`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return learn.WithHint(errors.New("no address to look up"), "tripline ranges lookup 52.216.1.2")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			return a.read(func(s *store.Store) error { return a.lookup(s, args, format) })
		},
	}
	c.Flags().StringVar(&format, "format", "table", "`FORMAT` of output: table or json (one object a line)")
	return c
}

// A level is one set around an address.
type level struct {
	Address string `json:"address"`
	Set     string `json:"set"`
	Admits  admits `json:"admits"`
	Shared  bool   `json:"shared"`
	Org     string `json:"org,omitempty"`
}

func (a *app) lookup(s *store.Store, args []string, format string) error {
	space, _, err := loadSpace(s)
	if err != nil {
		return err
	}
	var levels []level
	for _, text := range args {
		ip, err := netip.ParseAddr(text)
		if err != nil {
			return learn.WithHint(fmt.Errorf("%q is no address", learn.Printable(text)), "tripline ranges lookup 52.216.1.2")
		}
		levels = append(levels, around(space, ip.Unmap())...)
	}
	if format == "json" {
		enc := json.NewEncoder(a.stdout)
		for _, l := range levels {
			if err := enc.Encode(l); err != nil {
				return fmt.Errorf("write: %w", err)
			}
		}
		return nil
	}
	if format != "table" {
		return fmt.Errorf("--format %q: want table or json", learn.Printable(format))
	}
	g := &grid{header: []string{"address", "set", "admits", "shared", "organisation"}, right: map[int]bool{2: true}}
	for _, l := range levels {
		shared := ""
		if l.Shared {
			shared = "yes"
		}
		g.rows = append(g.rows, []string{l.Address, l.Set, ipranges.Exposure{V4: l.Admits.V4, V6: l.Admits.V6}.String(), shared, l.Org})
	}
	g.fit(width(a.stdout), "organisation", "address")
	return g.write(a.stdout)
}

func around(space ipranges.Space, ip netip.Addr) []level {
	host := ipranges.NewSet(netip.PrefixFrom(ip, ip.BitLen()))
	out := []level{{Address: ip.String(), Set: "this address", Admits: newAdmits(host.Exposure())}}
	for _, l := range space.Table.Labels(ip) {
		set, _ := space.Table.Set(l)
		out = append(out, level{ip.String(), l.String(), newAdmits(set.Exposure()), ipranges.Shared(l), ""})
	}
	if as, ok := space.AS(ip); ok {
		prefix := ipranges.NewSet(as.Prefix)
		out = append(out, level{ip.String(), as.Prefix.String(), newAdmits(prefix.Exposure()), false, as.Org},
			level{ip.String(), fmt.Sprintf("AS%d", as.Number), newAdmits(space.ASNs.Announced(as.Number).Exposure()), false, as.Org})
	}
	return out
}
