package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tripline/ipranges"
	"tripline/learn"
)

// ceilingFlags are what one rule may open, as it was written.
type ceilingFlags struct {
	most string
	wide []string
}

func (l *ceilingFlags) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&l.most, "ceiling", "", fmt.Sprintf("no rule opens more than `N` IPv4 addresses, such as 1.5M (default %s; of IPv6 a /32)", ipranges.Thousands(learn.DefaultCeilingV4)))
	f.StringSliceVar(&l.wide, "allow-wide", nil, "this `SET` may open more than the ceiling, such as aws/EC2; repeatable")
}

// read notes what was given.
func (l *ceilingFlags) read(o *foldFlags) error {
	if l.most != "" {
		n, err := learn.ParseCount(l.most)
		if err != nil {
			return fmt.Errorf("--ceiling %w", err)
		}
		o.Ceiling = n
	}
	for _, text := range l.wide {
		c, err := learn.ParseChoice(text)
		if err != nil || c.To.Name != "" || c.String() == "hosts" {
			return learn.WithHint(fmt.Errorf("--allow-wide %q: want a published set", learn.Printable(text)), "--allow-wide aws/EC2/us-east-1")
		}
		o.AllowWide = append(o.AllowWide, c.String())
	}
	return nil
}

// allowed takes up the flags of the review that was shown, and beside them what
// this command allows.
func (o *reviewOptions) allowed(r *reviewed) {
	wide := slices.Clone(r.options.AllowWide)
	for _, text := range o.fold.AllowWide {
		if !slices.Contains(wide, text) {
			wide = append(wide, text)
		}
	}
	o.fold = r.options
	o.fold.AllowWide = wide
	for _, d := range r.drafts {
		d.wide = append(d.wide, choicesOf(wide)...)
	}
}

// choicesOf reads what was read before.
func choicesOf(texts []string) (out []learn.Choice) {
	for _, text := range texts {
		if c, err := learn.ParseChoice(text); err == nil {
			out = append(out, c)
		}
	}
	return out
}

// wide returns what may open more than the ceiling: by the flags, by the
// configuration, and what was approved already.
func (a *app) wide(o foldFlags, approved *learn.Baseline) []learn.Choice {
	out := append(slices.Clone(a.config.AllowWide), choicesOf(o.AllowWide)...)
	if approved != nil {
		for i := range approved.Rules {
			out = append(out, learn.Choice{To: approved.Rules[i].To})
		}
	}
	return out
}

// ceiling returns what one rule may open; nothing is what holds by default.
func (a *app) ceiling(o foldFlags) ipranges.Exposure {
	if o.Ceiling > 0 {
		return ipranges.Exposure{V4: o.Ceiling}
	}
	return ipranges.Exposure{V4: a.config.Ceiling}
}

// published says whether all sets that were named are known.
func (o *foldFlags) published(space ipranges.Space) error {
	for _, text := range o.AllowWide {
		c, err := learn.ParseChoice(text)
		if err != nil {
			return err
		}
		if _, known := space.Table.Set(c.To.Label); !known && c.To.Label != (ipranges.Label{}) {
			return learn.WithHint(fmt.Errorf("--allow-wide %s: no such set is published", text), "tripline ranges lookup ADDRESS names those around an address")
		}
	}
	return nil
}

// leave says whether a choice may open what it does: below the ceiling, or with
// leave.
func (r *reviewed) leave(d *draft, c learn.Choice) bool {
	most := r.ceiling
	if most.V4 == 0 {
		most.V4 = learn.DefaultCeilingV4
	}
	opens := c.Opens(r.space, d.never)
	return opens.V4 <= most.V4 && opens.V6 <= learn.DefaultCeilingV6 ||
		slices.ContainsFunc(d.wide, func(w learn.Choice) bool { return strings.EqualFold(w.String(), c.String()) })
}

// below refuses to widen beyond the ceiling without leave.
func (r *reviewed) below(d *draft, of *row, c learn.Choice) error {
	if r.leave(d, c) {
		return nil
	}
	return learn.WithHint(fmt.Errorf("%s opens %s, more than one rule may; --allow-wide %s lets it", c, opened(c.Opens(r.space, d.never)), c),
		"tripline review --widen %d=%s --allow-wide %s", of.Row, c, c)
}

// A heldJSON is a published set that the ceiling kept from being proposed.
type heldJSON struct {
	To     string  `json:"to"`
	Admits admits  `json:"admits"`
	Alarms float64 `json:"fewer_alarms_per_week"`
	Shared string  `json:"shared_because,omitempty"`
}

func heldOf(d *draft) (out []heldJSON) {
	for _, h := range d.held {
		out = append(out, heldJSON{h.Label.String(), newAdmits(h.Admits), h.Alarms, ipranges.SharedBecause(h.Label)})
	}
	return out
}

// mostHeld is how many sets are named that the ceiling kept.
const mostHeld = 3

// heldLines says what the ceiling kept from being proposed, what saves most first.
func (a *app) heldLines(d *draft) {
	list := slices.Clone(d.held)
	slices.SortStableFunc(list, func(x, y learn.Held) int { return cmp.Compare(y.Alarms, x.Alarms) })
	for _, h := range list[:min(mostHeld, len(list))] {
		fmt.Fprintf(a.stdout, "Held back: %s: %s would open %s and save %.1f alarms a week: --allow-wide %s\n", d.agent, h.Label, opened(h.Admits), h.Alarms, h.Label)
	}
	if n := len(list) - mostHeld; n > 0 {
		fmt.Fprintf(a.stdout, "Held back: %s: %d more; --format json has them\n", d.agent, n)
	}
}
