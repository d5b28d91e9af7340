package main

import (
	"errors"
	"fmt"

	"tripline/enforce"
	"tripline/ipranges"
	"tripline/learn"
	"tripline/store"
)

// lately is how many days an approved baseline is tried on.
const lately = 7

// A tested is what the recorded traffic says of a draft.
type tested struct {
	short   *learn.ShortError // why the rules could not be learned on a part
	missed  error             // the limits, where the first days give no rules that keep them
	without int               // single days left out for the same
	split   *trial            // learned on the first days, replayed on the others
	rolling []*trial          // each day, learned on all before it
	rules   *trial            // the approved baseline, or rules by hand, on the last days
	pruned  bool              // whether older flows are gone
	full    bool              // whether everything is to be shown
}

// A trial is rules and what they would have raised.
type trial struct {
	learn.Trial
	of     *learn.Baseline
	opens  ipranges.Exposure
	policy *enforce.Policy
	unseen int // days of those replayed that the rules were not learned from
}

// backtest replays what was recorded of each agent: for one line of a review on
// the hours that destinations were seen in, else flow by flow. days is how many
// single days are to be replayed.
func (a *app) backtest(s *store.Store, r *reviewed, days int) error {
	dropped, err := s.Pruned()
	if err != nil {
		return err
	}
	for _, d := range r.drafts {
		h, err := recorded(s, d, learn.Since(dropped), days > 0 || a.quarantine(r.options).Runs > 0)
		if err != nil {
			return err
		}
		d.tested = &tested{pruned: !dropped.IsZero(), full: days > 0}
		if err := a.try(r, d, h, days); err != nil {
			return fmt.Errorf("back-test of %s: %w", d.agent, err)
		}
	}
	return nil
}

// recorded returns the history of an agent. Its destinations tell it at once;
// where they leave a doubt, or where that is not exact enough, the flows do.
func recorded(s *store.Store, d *draft, since learn.Block, exact bool) (h *learn.History, err error) {
	seen := d.seen
	if seen == nil {
		if seen, err = s.Destinations(d.agent); err != nil {
			return nil, err
		}
	}
	if !exact {
		h = learn.HistoryOf(d.agent, since, seen)
		if border, err := h.Split(); err != nil || !h.Doubtful(border) {
			return h, nil //nolint:nilerr // the caller asks again and says so
		}
	}
	h = learn.NewHistory(d.agent, since)
	return h, s.Replay(d.agent, h.Add)
}

// try replays what there is to be replayed for a draft.
func (a *app) try(r *reviewed, d *draft, h *learn.History, days int) error {
	rules := d.approved
	if r.kind == kindByHand {
		rules = d.proposed
	}
	if rules != nil {
		if err := a.tryRules(r, d, h, rules); err != nil {
			return err
		}
	}
	if r.kind == kindByHand {
		return nil // nobody learned them, so there is nothing to hold out
	}
	border, err := h.Split()
	if errors.As(err, &d.tested.short) {
		return nil
	}
	d.tested.split, err = a.learnAndTry(r, d, h, border, h.All().To)
	if errors.Is(err, learn.ErrLimits) {
		d.tested.missed = fmt.Errorf("what was seen on %s gives no such rules: %w", spell(1, h.Stretch(0, border).Days), err)
		return nil
	}
	if err != nil {
		return err
	}
	borders, err := h.Rolling(days)
	if err != nil {
		return err
	}
	for _, b := range borders[:min(days, len(borders))] {
		t, err := a.learnAndTry(r, d, h, b, b+dayLong)
		switch {
		case errors.Is(err, learn.ErrLimits):
			d.tested.without++
		case err != nil:
			return err
		default:
			d.tested.rolling = append(d.tested.rolling, t)
		}
	}
	return nil
}

// dayLong is a day in blocks.
const dayLong = learn.Block(24)

// learnAndTry proposes rules from what was seen before a border, as the review
// would have then, and replays what came after it. It returns no trial with an
// error.
func (a *app) learnAndTry(r *reviewed, d *draft, h *learn.History, border, to learn.Block) (*trial, error) {
	t := &trial{}
	var err error
	t.Trial, err = h.Backtest(border, to, func(seen []learn.Destination) (learn.Judge, error) {
		s, err := a.proposal(d, seen, r.options, r.space)
		if err != nil {
			return nil, err
		}
		t.of = s.Proposal
		return t.judge(r.space, s.Never, d.boxed)
	})
	if err != nil {
		return nil, err
	}
	t.unseen = t.Replayed.Days
	return t, nil
}

// handwritten is what a back-test may know of a baseline: the rules that were
// learned may be from the days that are held out.
func handwritten(b *learn.Baseline) *learn.Baseline {
	if b == nil {
		return nil
	}
	out := &learn.Baseline{Agent: b.Agent}
	for _, rule := range b.Rules {
		if rule.From != learn.Learned {
			out.Rules = append(out.Rules, rule)
		}
	}
	return out
}

// tryRules replays the last days against rules as they are.
func (a *app) tryRules(r *reviewed, d *draft, h *learn.History, rules *learn.Baseline) error {
	t := &trial{of: rules}
	judge, err := t.judge(r.space, d.never, d.boxed)
	if err != nil {
		return err
	}
	last := h.Last(lately)
	t.Trial = h.Replay(last.From, last.To, judge)
	t.unseen = h.Stretch(learnedUntil(rules), last.To).Days
	d.tested.rules = t
	return nil
}

// learnedUntil returns the beginning of the first day that no rule was learned
// from.
func learnedUntil(b *learn.Baseline) (next learn.Block) {
	for _, rule := range b.Rules {
		if !rule.Seen.Last.IsZero() {
			next = max(next, learn.BlockOf(rule.Seen.Last.AddDate(0, 0, 1)))
		}
	}
	return next
}

// judge compiles the rules as enforce does. What a sandbox saw was where its resolver
// said, which is not kept of what was seen.
func (t *trial) judge(space ipranges.Space, never learn.Never, boxed bool) (learn.Judge, error) {
	p, err := enforce.Compile([]*learn.Baseline{t.of}, space, never)
	if err != nil {
		return nil, err
	}
	t.policy, t.opens = p, learn.Exposure(t.of.Rules, space, never)
	return func(f *learn.Flow) bool {
		g := *f
		g.Resolved = g.Resolved || boxed && g.Name != ""
		return p.Check(&g) == enforce.Allowed
	}, nil
}
