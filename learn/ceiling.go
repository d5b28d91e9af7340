package learn

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"tripline/ipranges"
)

// HeldBack returns the published sets that the ceiling alone keeps from being
// rules for ds, in the order of their labels.
func HeldBack(ds []Destination, o FoldOptions) []Held {
	f := newFolding(ds, o)
	var held []Held
	for _, s := range f.services(f.drafts().named(ds)) {
		for _, g := range s.groups {
			if f.crosses(g) {
				held = append(held, f.choose(g).held...)
			}
		}
	}
	return summed(held)
}

// crosses says whether any candidate of a group is over the ceiling.
func (f *folding) crosses(g *group) bool {
	for l, c := range g.candidates {
		if f.over(l, c.set.Exposure()) {
			return true
		}
	}
	return false
}

// Opens returns what one rule of a choice opens at most. A length is taken as
// one of IPv4, if it can be; names open no range.
func (c Choice) Opens(space ipranges.Space, never Never) ipranges.Exposure {
	switch {
	case !c.whole():
		if c.Bits > 0 && c.Bits <= 32 {
			return ipranges.Exposure{V4: 1 << (32 - c.Bits)}
		}
		return ipranges.Exposure{}
	case c.To.Single():
		return ipranges.Exposure{}
	}
	set, err := c.To.Set(space, nil)
	if err != nil {
		return ipranges.Exposure{} // it cannot be chosen
	}
	return never.Bound(set, false).Exposure()
}

// ParseCount reads a number of addresses: 65536, 400k, 1.5M or 2G.
func ParseCount(text string) (uint64, error) {
	number, factor := text, 1.0
	for suffix, f := range map[string]float64{"k": 1e3, "M": 1e6, "G": 1e9} {
		if rest, ok := strings.CutSuffix(text, suffix); ok {
			number, factor = rest, f
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	if v := n * factor; err != nil || math.IsNaN(v) || v < 1 || v > 1<<53 || v != math.Trunc(v) {
		return 0, fmt.Errorf("%q: want a number of addresses, such as 65536, 400k or 1.5M", Printable(text))
	}
	return uint64(n * factor), nil
}

// ceiling reads what one rule may open, and what may open more.
func (d *configDoc) ceiling(c *Config, node *yaml.Node) error {
	if d.Ceiling != "" {
		n, err := ParseCount(d.Ceiling)
		if err != nil {
			return at(node, "ceiling").wrap(err)
		}
		c.Ceiling = n
	}
	for i, text := range d.AllowWide {
		choice, err := ParseChoice(text)
		if err != nil || choice.To.Label == (ipranges.Label{}) {
			return at(node, "allow_wide", i).errorf("%q: want a published set such as aws/EC2/us-east-1", text)
		}
		c.AllowWide = append(c.AllowWide, choice)
	}
	return nil
}

// Wide returns those of choices that are published sets, as folding has them.
func Wide(choices []Choice) (out []ipranges.Label) {
	for _, c := range choices {
		if c.To.Label != (ipranges.Label{}) && !slices.Contains(out, c.To.Label) {
			out = append(out, c.To.Label)
		}
	}
	return out
}
