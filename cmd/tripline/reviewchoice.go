package main

import (
	"fmt"
	"slices"
	"strings"

	"tripline/learn"
)

// decision makes a decision of a ruling, or says why it cannot be.
func (a *app) decision(r *reviewed, of *row, x ruling, by string) (*taken, error) {
	d := r.draft(of.Agent)
	out := &taken{Decision: learn.Decision{Verb: x.verb, To: of.rule.To, Ports: of.rule.Ports, By: by, At: a.now()}}
	out.Until, out.Runs = extent(d.seen)
	members := learn.Members(of.rule, d.seen, r.space)
	for i := range members {
		if members[i].Addr.IsValid() {
			out.Addrs = append(out.Addrs, members[i].Addr)
		}
	}
	if x.verb == "" || x.verb == learn.Accept && of.Mark == markRejected {
		out.Verb, out.back = "", d.behind(of, members, r)
		if len(out.back) == 0 {
			return nil, fmt.Errorf("nothing was decided of %s", of.To)
		}
		return out, nil
	}
	if err := of.allows(x.verb); err != nil {
		return nil, err
	}
	if x.verb == learn.Narrow || x.verb == learn.Widen {
		var err error
		if out.Choice, err = r.choice(d, of, members, x); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// behind returns the keys of the decisions that made a row what it is.
func (d *draft) behind(of *row, members []learn.Destination, r *reviewed) (keys []string) {
	skips, _ := r.options.skipped(d.agent) // they were read when this was folded
	for _, x := range slices.Concat(d.decisions, skips) {
		if x.Behind(of.rule, members, r.space) {
			keys = append(keys, x.Key())
		}
	}
	return keys
}

// allows says whether a decision makes sense for a row.
func (x *row) allows(verb learn.Verb) error {
	switch {
	case verb == learn.Accept:
		return nil
	case x.Mark == markRejected && verb != learn.Forbid:
		return learn.WithHint(fmt.Errorf("%s is rejected already", x.To), "tripline review --accept %d proposes it again", x.Row)
	case x.Mark == string(learn.Removed) && verb != learn.Skip && verb != learn.Forbid:
		return learn.WithHint(fmt.Errorf("%s would go: there is nothing to %s", x.To, verb), "tripline review --skip %d leaves it approved", x.Row)
	case x.Mark == "=" && verb == learn.Skip:
		return fmt.Errorf("%s does not change: there is nothing to skip", x.To)
	}
	return nil
}

// choice reads what a rule is narrowed or widened to. Without one it is narrowed
// by a step.
func (r *reviewed) choice(d *draft, of *row, members []learn.Destination, x ruling) (learn.Choice, error) {
	all := r.alternatives(d, of, members)
	if x.choice == "" {
		for _, alt := range slices.Backward(all) {
			if !alt.Wider {
				return alt.Choice, nil
			}
		}
		return learn.Choice{}, fmt.Errorf("nothing is narrower than %s", of.To)
	}
	c, err := learn.ParseChoice(x.choice)
	if err != nil {
		return c, err
	}
	for i := range all { // as its publisher writes it
		if strings.EqualFold(all[i].Choice.String(), c.String()) {
			c = all[i].Choice
		}
	}
	if err := r.fits(d, of, members, c, x.verb == learn.Widen); err != nil || x.verb == learn.Narrow {
		return c, err
	}
	return c, r.below(d, of, c)
}

// fits says whether a choice is narrower or wider than the rule of a row.
func (r *reviewed) fits(d *draft, of *row, members []learn.Destination, c learn.Choice, wider bool) error {
	if c.Bits > 32 && !slices.ContainsFunc(members, func(m learn.Destination) bool { return m.Addr.Is6() }) {
		return fmt.Errorf("%s: an IPv4 address has 32 bits", c)
	}
	a, err := learn.Weigh(of.rule, members, c, r.space, d.never)
	switch {
	case err != nil:
		return learn.WithHint(fmt.Errorf("%s: %w", c, err), "tripline review --row %d shows what is narrower and wider", of.Row)
	case a.Wider != wider && wider:
		return learn.WithHint(fmt.Errorf("%s is not wider than %s", c, of.To), "tripline review --row %d shows what is", of.Row)
	case a.Wider != wider:
		return learn.WithHint(fmt.Errorf("%s is not narrower than %s", c, of.To), "tripline review --row %d shows what is", of.Row)
	case a.Admits.IsZero():
		return fmt.Errorf("%s admits nothing: it is never to be admitted, or it is private space", c)
	}
	return nil
}

func (r *reviewed) alternatives(d *draft, of *row, members []learn.Destination) []learn.Alternative {
	since, until := sightings(d.seen)
	return learn.Alternatives(of.rule, members, r.space, d.never, since, until)
}
