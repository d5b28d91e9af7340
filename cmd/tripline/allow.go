package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/spf13/cobra"

	"tripline/learn"
	"tripline/store"
)

type allowOptions struct {
	addresses []string
	format    string
}

func newAllowCommand(a *app) *cobra.Command {
	var o allowOptions
	c := &cobra.Command{
		Use:   "allow AGENT TO:PORT[/PROTO]",
		Short: "Propose one more rule on top of what is approved",
		Long: `allow adds exactly one rule to the approved baseline of an agent and shows what it
would open. Nothing holds until it is approved with the digest that is shown. TO is
an address, a prefix, a published set such as aws/S3/us-east-1, an AS number or a
name.

Exit status:
  0  shown
  2  it was not; standard error says why`,
		Example: `  tripline allow bot 203.0.113.7:443
  tripline allow bot aws/S3/us-east-1:443`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return learn.WithHint(errors.New("want an agent and a destination"), "tripline allow bot 203.0.113.7:443")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return o.run(c.Context(), a, args[0], args[1]) },
	}
	c.Flags().StringArrayVar(&o.addresses, "address", nil, "with a name: an `ADDRESS` it has; repeatable")
	c.Flags().StringVar(&o.format, "format", "table", "`FORMAT` of what is shown: table, json, markdown or yaml")
	return c
}

func (o *allowOptions) run(_ context.Context, a *app, agent, text string) error {
	to, service, err := destinationIn(text)
	if err != nil {
		return err
	}
	rule := learn.Rule{To: to, Ports: []learn.Service{service}, From: learn.Allowed}
	for _, text := range o.addresses {
		ip, err := netip.ParseAddr(text)
		if err != nil {
			return fmt.Errorf("--address %q: want an address", learn.Printable(text))
		}
		rule.Addrs = append(rule.Addrs, ip.Unmap())
	}
	if to.Name != "" && len(rule.Addrs) == 0 {
		rule.Addrs = []netip.Addr{learn.StandIn(to.Name)}
	}
	var r *reviewed
	err = a.read(func(s *store.Store) error {
		r, err = a.allow(s, agent, rule)
		return err
	})
	if err != nil {
		return err
	}
	if to.Name != "" && len(o.addresses) == 0 {
		a.warn("no address of %s is given: a firewall is told none until one is seen (--address ADDRESS says one)", to)
	}
	show := reviewOptions{format: o.format, sort: "attention"}
	return show.show(a, r)
}

// addrsWith are the addresses of a rule with those that are added: what only stands for a
// name adds nothing to a name that is known.
func addrsWith(has, added []netip.Addr) []netip.Addr {
	if len(has) > 0 {
		added = slices.DeleteFunc(added, learn.IsStandIn)
	}
	all := slices.Concat(has, added)
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}

// allow makes a review of the approved baseline with one more rule.
func (a *app) allow(s *store.Store, agent string, rule learn.Rule) (*reviewed, error) {
	if _, err := agentNames(s, []string{agent}); err != nil {
		return nil, err
	}
	approved, err := baseline(s, agent)
	if err != nil {
		return nil, err
	}
	if approved == nil {
		return nil, unapproved([]string{agent}, nil)
	}
	next := &learn.Baseline{Agent: agent, Parent: approved.Digest, Ranges: approved.Ranges, Rules: slices.Clone(approved.Rules), Expired: approved.Expired}
	i := slices.IndexFunc(next.Rules, func(r learn.Rule) bool { return r.To.String() == rule.To.String() })
	if i < 0 {
		next.Rules = append(next.Rules, rule)
	} else {
		was := &next.Rules[i]
		was.Ports = slices.Concat(was.Ports, rule.Ports)
		slices.SortFunc(was.Ports, learn.Service.Compare)
		was.Ports = slices.Compact(was.Ports)
		was.From, was.Addrs = learn.Allowed, addrsWith(was.Addrs, rule.Addrs)
	}
	text, err := learn.Encode([]*learn.Baseline{next})
	if err != nil {
		return nil, err
	}
	return a.byHand(s, "the new baseline", text)
}
