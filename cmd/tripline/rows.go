package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tripline/ipranges"
	"tripline/learn"
)

// A row is one rule of a review, every figure of the table.
type row struct {
	Row      int      `json:"row"`  // its number in this review
	Mark     string   `json:"mark"` // + new, - would go, ~ changed, = kept, x rejected
	Agent    string   `json:"agent"`
	To       string   `json:"to"`
	Kind     string   `json:"kind"` // name, label, asn or prefix
	Owner    string   `json:"owner,omitempty"`
	Ports    []string `json:"ports"`
	Seen     int      `json:"seen"`
	Admits   admits   `json:"admits"`
	Before   *admits  `json:"admitted_before,omitempty"`
	First    string   `json:"first,omitempty"`
	Last     string   `json:"last,omitempty"`
	Blocks   int      `json:"blocks"`
	Runs     int      `json:"runs"`
	Flags    []string `json:"flags,omitempty"`
	From     string   `json:"from"`
	Decision string   `json:"decision,omitempty"` // accept, reject or never, in this review or an earlier one
	exposure ipranges.Exposure
	rule     *learn.Rule
}

// markRejected stands for a row that a person rejected.
const markRejected = "x"

type admits struct {
	V4 uint64 `json:"ipv4"`
	V6 uint64 `json:"ipv6_64"`
}

func newAdmits(e ipranges.Exposure) admits { return admits{e.V4, e.V6} }

// rows returns all rows of a review, numbered by how much attention they deserve.
func (r *reviewed) rows() []row {
	var out []row
	for _, d := range r.drafts {
		for i := range d.changes {
			x := r.row(&d.changes[i])
			x.Flags = append(x.Flags, d.flagsAround(x.rule, r.space)...)
			x.Flags = append(x.Flags, d.notHit(&d.changes[i])...)
			x.decided(d, r)
			out = append(out, x)
		}
		out = append(out, r.rejectedRows(d)...)
	}
	slices.SortStableFunc(out, attention)
	for i := range out {
		out[i].Row = i + 1
	}
	return out
}

func (r *reviewed) row(c *learn.Change) row {
	rule := c.Rule()
	out := row{
		Mark: string(c.Mark), Agent: c.Agent, To: rule.To.String(), Kind: kind(rule.To), Owner: r.owner(rule.To),
		Seen: rule.Seen.Destinations, Admits: newAdmits(rule.Admits), exposure: rule.Admits,
		First: day(rule.Seen.First), Last: day(rule.Seen.Last), Blocks: rule.Seen.Blocks, Runs: rule.Seen.Runs,
		Flags: r.flags(rule), From: rule.From, rule: rule,
	}
	if c.Mark == learn.Kept {
		out.Mark = "="
	}
	for _, p := range rule.Ports {
		out.Ports = append(out.Ports, p.String())
	}
	if c.Mark == learn.Changed && c.Old.Admits != rule.Admits {
		before := newAdmits(c.Old.Admits)
		out.Before = &before
	}
	return out
}

func kind(t learn.To) string {
	switch {
	case t.Name != "":
		return "name"
	case t.Label != (ipranges.Label{}):
		return "label"
	case t.ASN != 0:
		return "asn"
	}
	return "prefix"
}

// owner says whose a prefix is: the published set around it, or the system that
// announces its first address.
func (r *reviewed) owner(t learn.To) string {
	if !t.Prefix.IsValid() {
		return ""
	}
	if l, ok := r.space.Table.Home(t.Prefix.Addr()); ok {
		if set, _ := r.space.Table.Set(l); !ipranges.NewSet(t.Prefix).Subtract(set).IsEmpty() {
			return l.String() + " and others"
		}
		return l.String()
	}
	if as, ok := r.space.AS(t.Prefix.Addr()); ok {
		return strings.TrimSpace(fmt.Sprintf("AS%d %s", as.Number, as.Org))
	}
	if r.never.Private(t.Prefix.Addr()) {
		return "private"
	}
	return ""
}

// usual are ports that need no second look.
var usual = []uint16{22, 25, 53, 80, 123, 143, 443, 465, 587, 853, 993, 995, 8080, 8443}

func (r *reviewed) flags(rule *learn.Rule) []string {
	var flags []string
	if r.shared(rule) {
		flags = append(flags, "shared")
	}
	if rule.Admits.V4 > 1<<24 || rule.Admits.V6 > 1<<32 {
		flags = append(flags, "wide")
	}
	if rule.Seen.Blocks == 1 {
		flags = append(flags, "once")
	}
	if rule.To.Prefix.IsValid() && r.owner(rule.To) == "" {
		flags = append(flags, "raw address")
	}
	if slices.ContainsFunc(rule.Ports, func(s learn.Service) bool {
		return s.Proto.HasPorts() && !slices.Contains(usual, s.Port)
	}) {
		flags = append(flags, "unusual port")
	}
	if _, wildcard := learn.Below(rule.To.Name); wildcard && rule.Seen.Names > 0 {
		flags = append(flags, fmt.Sprintf("%d names, last new %s", rule.Seen.Names, short(day(rule.Seen.New))))
	}
	if rule.From != learn.Learned {
		flags = append(flags, rule.From)
	}
	return flags
}

// shared says whether anyone can rent a place at what a rule admits.
func (r *reviewed) shared(rule *learn.Rule) bool {
	if rule.To.Label != (ipranges.Label{}) {
		return ipranges.Shared(rule.To.Label)
	}
	if rule.To.Single() {
		return slices.ContainsFunc(hostsOf(rule), func(a netip.Addr) bool {
			return slices.ContainsFunc(r.space.Table.Labels(a), ipranges.Shared)
		})
	}
	// A rule whose ranges are not known is told elsewhere.
	set, err := rule.To.Set(r.space, nil)
	return err == nil && !set.Intersect(r.rented()).IsEmpty()
}

func hostsOf(rule *learn.Rule) []netip.Addr {
	if rule.To.Prefix.IsValid() {
		return []netip.Addr{rule.To.Prefix.Addr()}
	}
	return rule.Addrs
}

// rentable returns all published sets where anyone can rent a place.
func rentable(t *ipranges.Table) ipranges.Set {
	var all []netip.Prefix
	for l, set := range t.Entries() {
		if ipranges.Shared(l) {
			all = append(all, set.Prefixes()...)
		}
	}
	return ipranges.NewSet(all...)
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

func short(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.Format("2 Jan")
}
