package learn

import (
	"cmp"
	"slices"

	"tripline/ipranges"
)

// A Mark says what a change is, as the review table shows it.
type Mark string

// The marks of a review.
const (
	Added   Mark = "+"
	Removed Mark = "-"
	Changed Mark = "~"
	Kept    Mark = " "
)

// A Change is one row of the difference between two baselines of an agent.
type Change struct {
	Mark     Mark
	Agent    string
	Old, New *Rule // nil where there is none
}

// Rule returns the rule a row is about: the new one, or the one that goes.
func (c *Change) Rule() *Rule {
	if c.New != nil {
		return c.New
	}
	return c.Old
}

// Diff compares what is approved (nil if nothing is) with what is proposed:
// first the rows of the proposal in its order, then what would go. Two rules are
// the same if they are for the same destination; one is changed if what it
// admits differs, not if it was only seen again.
func Diff(approved, proposed *Baseline) []Change {
	old := map[string]*Rule{}
	if approved != nil {
		for i := range approved.Rules {
			old[approved.Rules[i].To.String()] = &approved.Rules[i]
		}
	}
	var out []Change
	for i := range proposed.Rules {
		r := &proposed.Rules[i]
		was := old[r.To.String()]
		delete(old, r.To.String())
		out = append(out, Change{mark(was, r), proposed.Agent, was, r})
	}
	if approved == nil {
		return out
	}
	for i := range approved.Rules {
		if r := &approved.Rules[i]; old[r.To.String()] == r {
			out = append(out, Change{Removed, proposed.Agent, r, nil})
		}
	}
	return out
}

func mark(was, is *Rule) Mark {
	switch {
	case was == nil:
		return Added
	case slices.Equal(was.Ports, is.Ports) && was.Admits == is.Admits &&
		slices.Equal(was.To.Within, is.To.Within) && slices.Equal(was.Addrs, is.Addrs):
		return Kept
	}
	return Changed
}

// Propose returns what folding yields for one agent on top of what is approved:
// rules that a person asked for or wrote stay as they are, and so do learned ones
// that are as good as what folding yields. destinations are those of the agent.
// What the bounding set forbids, what the firewall only ever refused, and what
// [Life] holds back is left out and returned beside.
func Propose(agent string, approved *Baseline, destinations []Destination, never Never, o FoldOptions) (p *Baseline, left Left) {
	p = &Baseline{Agent: agent}
	if approved == nil {
		approved = &Baseline{}
	}
	p.Parent = approved.Digest
	l := newLiving(approved, newField(admissible(destinations, never, &left), o.Space, never), o.Life)
	left.Idle = l.idle(cmp.Or(o.Life.Expire, DefaultExpire))
	var gone []Expired
	if o.Life.Expire > 0 {
		gone = l.expire(left.Idle)
	}
	p.Expired = l.leave(approved.Expired, gone, &left)
	p.Rules = l.propose(o)
	for i := range p.Rules {
		if set, err := p.Rules[i].To.Set(o.Space, p.Rules[i].Addrs); err == nil {
			p.Rules[i].Admits = never.Bound(set, p.Rules[i].To.Single()).Exposure()
		}
	}
	return p, left
}

// admissible returns what may be proposed at all.
func admissible(ds []Destination, never Never, left *Left) (rest []Destination) {
	for _, d := range ds {
		switch _, forbidden := never.Forbids(d.Addr); {
		case forbidden || never.ForbidsName(d.Name):
			left.Forbidden = append(left.Forbidden, d)
		case !d.Admissible():
			left.Refused = append(left.Refused, d)
		default:
			rest = append(rest, d)
		}
	}
	return rest
}

// Left is what a proposal leaves out, and why.
type Left struct {
	Forbidden []Destination // in the bounding set
	Refused   []Destination // the firewall let none of their flows pass

	Quarantined []Destination // seen too seldom
	Expired     []Destination // not seen since their rule went
	Idle        []Idle        // approved rules that were not hit for long; they stay unless [Life] says otherwise
}

func byHand(b *Baseline) []Rule {
	var out []Rule
	for _, r := range b.Rules {
		if r.From != Learned {
			out = append(out, r)
		}
	}
	return out
}

// join adds folded rules to those written by hand: where both are for the same
// destination, the ports come together and the evidence is the fold's.
func join(hand, folded []Rule) []Rule {
	index := map[string]int{}
	for i := range hand {
		index[hand[i].To.String()] = i
	}
	for _, r := range folded {
		i, ok := index[r.To.String()]
		if !ok {
			hand = append(hand, r)
			continue
		}
		h := &hand[i]
		h.Ports = slices.Concat(h.Ports, r.Ports)
		slices.SortFunc(h.Ports, Service.Compare)
		h.Ports = slices.Compact(h.Ports)
		h.Seen, h.Addrs = r.Seen, r.Addrs
	}
	return hand
}

// Exposure returns what rules open together, less the bounding set.
func Exposure(rules []Rule, space ipranges.Space, never Never) ipranges.Exposure {
	var sets []ipranges.Set
	for i := range rules {
		if s, err := rules[i].To.Set(space, rules[i].Addrs); err == nil {
			sets = append(sets, never.Bound(s, rules[i].To.Single()))
		}
	}
	return unionOf(sets).Exposure()
}

// unionOf is the union of sets, by halves: one by one, each would be copied as
// often as others follow.
func unionOf(sets []ipranges.Set) ipranges.Set {
	switch n := len(sets); n {
	case 0:
		return ipranges.Set{}
	case 1:
		return sets[0]
	default:
		return unionOf(sets[:n/2]).Union(unionOf(sets[n/2:]))
	}
}
