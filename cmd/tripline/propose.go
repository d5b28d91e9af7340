package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"tripline/ipranges"
	"tripline/learn"
	"tripline/store"
)

// A draft is what may be approved for one agent, beside what is.
type draft struct {
	agent    string
	approved *learn.Baseline // nil if nothing is
	proposed *learn.Baseline
	left     learn.Left
	changes  []learn.Change
	tested   *tested
	outlook  *outlook // what is still unseen

	seen      []learn.Destination // all that was seen of the agent
	marks     []store.Mark
	detours   []*detour // what went around names
	boxed     bool      // all of it was seen in a sandbox
	decisions []learn.Decision
	rejected  []learn.Destination // left out because a person rejected them
	again     []learn.Destination // rejected, and seen again
	never     learn.Never         // the bounding set of the agent
	life      learn.Life          // of its approved rules
	folded    []learn.Destination // what is left to fold
	pick      *learn.Pick         // where limits were asked for
	held      []learn.Held        // what the ceiling kept from being proposed
	wide      []learn.Choice      // what may open more than the ceiling
}

// pending says whether there is anything to approve.
func (d *draft) pending() bool {
	return d.approved == nil || slices.ContainsFunc(d.changes, func(c learn.Change) bool { return c.Mark != learn.Kept })
}

// A reviewed is the drafts of all agents that are shown together, with what
// figures are computed from. The digest is of exactly this.
type reviewed struct {
	kind    string // learned, edited or allowed
	options foldFlags
	drafts  []*draft
	space   ipranges.Space
	never   learn.Never
	ceiling ipranges.Exposure   // of one rule
	rented  func() ipranges.Set // where anyone can rent a place
	text    []byte
	digest  string
}

// foldFlags are the flags that change a proposal.
type foldFlags struct {
	Agents  []string `json:"agents,omitempty"`
	Alarms  float64  `json:"lambda,omitempty"`
	Refused bool     `json:"refused,omitempty"`

	Expire   dayCount `json:"expire,omitempty"`
	MinHours int      `json:"min_hours,omitempty"`
	MinRuns  int      `json:"min_runs,omitempty"`

	Skips []skip `json:"skips,omitempty"`

	Ceiling   uint64   `json:"ceiling,omitempty"`
	AllowWide []string `json:"allow_wide,omitempty"`

	MaxRules    *int     `json:"max_rules,omitempty"`
	MaxExposure *uint64  `json:"max_exposure,omitempty"`
	MaxAlarms   *float64 `json:"alarms_per_week,omitempty"`

	life learn.Life // of the approved rules of the agent
}

// A skip is a row that is left as it is approved, in this review.
type skip struct {
	Agent    string          `json:"agent"`
	Decision json.RawMessage `json:"decision"`
}

// A shownDoc is what is kept of a review, to be approved as it was shown.
type shownDoc struct {
	Kind    string    `json:"kind"`
	Options foldFlags `json:"options"`
	Text    []byte    `json:"text"`
}

// The kinds of a review.
const (
	kindLearned = "learned"
	kindByHand  = "by hand" // edited, or a line was allowed
)

// check says whether the flags can be what a proposal is made with.
func (o *foldFlags) check() error {
	if math.IsNaN(o.Alarms) || math.IsInf(o.Alarms, 0) || o.Alarms <= 0 {
		return learn.WithHint(fmt.Errorf("--lambda %g: want a number above 0", o.Alarms), "--lambda %g is what holds without it", learn.DefaultLambda)
	}
	return nil
}

// fold proposes rules for the agents from what was learned.
func (a *app) fold(s *store.Store, o foldFlags) (*reviewed, error) {
	space, digests, err := loadSpace(s)
	if err != nil {
		return nil, err
	}
	r := a.reviewed(kindLearned, space)
	r.options, r.ceiling = o, a.ceiling(o)
	if err := o.published(space); err != nil {
		return nil, err
	}
	names, err := agentNames(s, o.Agents)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		d, err := a.foldAgent(s, name, o, space, digests)
		if err != nil {
			return nil, err
		}
		r.drafts = append(r.drafts, d)
	}
	return r, errors.Join(findDetours(s, r.drafts), r.seal())
}

func (a *app) reviewed(kind string, space ipranges.Space) *reviewed {
	rented := sync.OnceValue(func() ipranges.Set { return rentable(space.Table) })
	return &reviewed{kind: kind, space: space, never: a.config.Never, ceiling: a.ceiling(foldFlags{}), rented: rented}
}

func (a *app) foldAgent(s *store.Store, name string, o foldFlags, space ipranges.Space, digests map[string]string) (*draft, error) {
	head, err := baseline(s, name)
	if err != nil {
		return nil, err
	}
	ds, err := s.Destinations(name)
	if err != nil {
		return nil, err
	}
	d := &draft{agent: name, approved: head, seen: ds}
	if d.decisions, err = decisionsOf(s, name); err != nil {
		return nil, err
	}
	if d.marks, err = s.Marks(name); err != nil {
		return nil, err
	}
	if d.life, err = life(s, head, name, o); err != nil {
		return nil, err
	}
	return d, a.afterDecisions(d, o, space, digests)
}

// afterDecisions proposes rules for an agent after what was decided.
func (a *app) afterDecisions(d *draft, o foldFlags, space ipranges.Space, digests map[string]string) error {
	skips, err := o.skipped(d.agent)
	if err != nil {
		return err
	}
	all := slices.Concat(d.decisions, skips)
	o.life = d.life
	s, err := learn.Decide(d.agent, d.approved, o.evidence(d.seen), all, a.config.Never, a.foldOptions(o, d.approved, space), o.limits())
	if err != nil {
		return learn.WithHint(fmt.Errorf("agent %s: %w", d.agent, err), "tripline review --show frontier shows what there is")
	}
	d.folded, d.pick, d.held, d.wide = s.Folded, s.Pick, s.Held, a.wide(o, d.approved)
	d.proposed, d.left, d.rejected, d.again, d.never = s.Proposal, s.Left, s.Rejected, s.Again, s.Never
	d.proposed.Ranges = digests
	d.changes = learn.Diff(d.approved, d.proposed)
	return nil
}

// evidence returns what is folded: what was only ever refused counts if it was
// asked for.
func (o *foldFlags) evidence(ds []learn.Destination) []learn.Destination {
	if !o.Refused {
		return ds
	}
	ds = slices.Clone(ds)
	for i := range ds {
		ds[i].Blocked = 0
	}
	return ds
}

func (a *app) foldOptions(o foldFlags, approved *learn.Baseline, space ipranges.Space) learn.FoldOptions {
	o.life.Quarantine = a.quarantine(o)
	return learn.FoldOptions{
		Space: space, Lambda: o.Alarms, Hosts: a.config.Never.Hosts(), Life: o.life,
		Ceiling: a.ceiling(o), AllowWide: learn.Wide(a.wide(o, approved)),
	}
}

func (o *foldFlags) skipped(agent string) (out []learn.Decision, err error) {
	for _, s := range o.Skips {
		if s.Agent != agent {
			continue
		}
		d, err := learn.DecodeDecision(s.Decision)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// proposal folds destinations of one agent as its draft was: those seen up to a
// day for a back-test. The limits and what was decided hold there too, or it
// would tell of other rules than those that are shown.
func (a *app) proposal(d *draft, ds []learn.Destination, o foldFlags, space ipranges.Space) (learn.Settled, error) {
	head := handwritten(d.approved)
	return learn.Decide(d.agent, head, o.evidence(ds), d.decisions, a.config.Never, a.foldOptions(o, head, space), o.limits())
}

// seal computes the text and the digest of what is shown.
func (r *reviewed) seal() error {
	list := make([]*learn.Baseline, len(r.drafts))
	for i, d := range r.drafts {
		list[i] = d.proposed
	}
	text, err := learn.Encode(list)
	if err != nil {
		return err
	}
	r.text, r.digest = text, learn.Digest(text)
	return nil
}

// remember keeps what is shown, so that it can be approved. Where the database
// cannot be written the review is still shown.
func (a *app) remember(r *reviewed) error {
	doc, err := r.doc()
	if err != nil {
		return err
	}
	return a.write("review", func(s *store.Store) error {
		return errors.Join(s.PutShown(r.digest, a.now(), doc), a.keepForecasts(s, r))
	})
}

// doc is what is kept of a review that was shown.
func (r *reviewed) doc() ([]byte, error) {
	doc, err := json.Marshal(shownDoc{r.kind, r.options, r.text})
	if err != nil {
		return nil, fmt.Errorf("keep what was shown: %w", err)
	}
	return doc, nil
}

// baseline returns the approved baseline of an agent, nil if there is none.
func baseline(s *store.Store, agent string) (*learn.Baseline, error) {
	digest, doc, err := s.Baseline(agent)
	if errors.Is(err, store.ErrNoBaseline) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	list, err := learn.Decode("baseline "+digest[:12], doc)
	if err != nil {
		return nil, err
	}
	list[0].Digest = digest
	return list[0], nil
}

// baselines returns the approved baselines of all agents that have one.
func baselines(s *store.Store) (list []*learn.Baseline, err error) {
	agents, err := s.Agents()
	if err != nil {
		return nil, err
	}
	for _, agent := range agents {
		b, err := baseline(s, agent.Name)
		if err != nil {
			return nil, err
		}
		if b != nil {
			list = append(list, b)
		}
	}
	return list, nil
}

// agentNames returns the known agents, or those of them that were asked for.
func agentNames(s *store.Store, only []string) ([]string, error) {
	stored, err := s.Agents()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, agent := range stored {
		if len(only) == 0 || slices.Contains(only, agent.Name) {
			names = append(names, agent.Name)
		}
	}
	for _, name := range only {
		if !slices.Contains(names, name) {
			return nil, unknownAgent(name, stored)
		}
	}
	if len(names) == 0 {
		return nil, learn.WithHint(errors.New("nothing was learned yet"), "%s", learnFirst)
	}
	return names, nil
}

func unknownAgent(name string, stored []store.Agent) error {
	known := "none; tripline learn --agent NAME=ADDRESS begins one"
	for i, agent := range stored {
		if i == 0 {
			known = agent.Name
		} else {
			known += ", " + agent.Name
		}
	}
	return learn.WithHint(fmt.Errorf("no agent called %q", learn.Printable(name)), "known agents: %s", known)
}
