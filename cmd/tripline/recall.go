package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tripline/learn"
	"tripline/store"
)

// recall returns what was shown with a digest, if it is still what would be
// shown now: for rules that were learned, folding again has to give the same.
func (a *app) recall(s *store.Store, prefix string) (*reviewed, string, error) {
	digest, at, _, err := s.Shown(strings.ToLower(prefix))
	if errors.Is(err, store.ErrNotShown) {
		return nil, "", learn.WithHint(fmt.Errorf("nothing was shown with the digest %q", learn.Printable(prefix)), "tripline review shows what there is, with its digest")
	}
	if err != nil {
		return nil, "", err
	}
	if done, err := approvedAs(s, digest); err != nil {
		return nil, "", err
	} else if done != nil {
		return nil, "", done
	}
	r, err := a.shownAs(s, digest)
	if err != nil {
		return nil, "", err
	}
	if r.kind == kindLearned {
		if r.digest != digest {
			return nil, "", stale(digest, at, "the proposal has changed since")
		}
		return r, digest, nil
	}
	for _, d := range r.drafts {
		if was, is := d.proposed.Parent, head(d.approved); was != is {
			return nil, "", stale(digest, at, "the baseline of "+d.agent+" has changed since")
		}
	}
	if r.digest != digest {
		return nil, "", stale(digest, at, "what its rules admit has changed since")
	}
	return r, digest, nil
}

// shownLast returns the review whose rows were numbered for a person: the one
// that was shown last, if it is still what would be shown. Without any it is the
// one that the flags ask for.
func (o *reviewOptions) shownLast(a *app, s *store.Store) (*reviewed, error) {
	digest, at, err := s.LastShown()
	if err != nil {
		return nil, err
	}
	if digest == "" {
		return nil, learn.WithHint(errors.New("no review was shown yet, so no row has a number"), "tripline review")
	}
	r, err := a.shownAs(s, digest)
	switch {
	case err != nil:
		return nil, err
	case r.digest != digest:
		return nil, learn.WithHint(fmt.Errorf("%s was shown on %s, and what is proposed has changed since: its rows have other numbers", digest[:12], at.Format("2006-01-02 15:04 MST")),
			"look at what it is now: tripline review")
	case o.asked && !o.fold.same(r.options):
		return nil, learn.WithHint(errors.New("the rows were numbered in a review with other flags"), "leave the flags out, or look at it first with tripline review")
	}
	return r, nil
}

// same says whether two reviews were asked for with the same flags.
func (o *foldFlags) same(p foldFlags) bool {
	return slices.Equal(o.Agents, p.Agents) && o.Alarms == p.Alarms && o.Refused == p.Refused &&
		o.Expire == p.Expire && o.MinHours == p.MinHours && o.MinRuns == p.MinRuns && o.Ceiling == p.Ceiling && o.words() == p.words()
}

// shownAs makes the review that was shown with a digest again, of what there is
// now.
func (a *app) shownAs(s *store.Store, digest string) (*reviewed, error) {
	_, _, doc, err := s.Shown(digest)
	if err != nil {
		return nil, err
	}
	var shown shownDoc
	if err := json.Unmarshal(doc, &shown); err != nil {
		return nil, fmt.Errorf("what was shown as %s: %w", digest[:12], err)
	}
	if shown.Kind == kindLearned {
		return a.fold(s, shown.Options)
	}
	return a.byHand(s, "what was shown", shown.Text)
}

// An approvedError says that what was shown is the approved baseline already.
type approvedError struct {
	digest string
	by     learn.Approval
}

// Error implements error.
func (e *approvedError) Error() string {
	return fmt.Sprintf("%s is already approved, by %s on %s", e.digest[:12], learn.Printable(e.by.By), e.by.At.Format("2006-01-02 15:04 MST"))
}

// approvedAs returns who approved what was shown with a digest, if that is a
// baseline of today: to approve it again is no mistake.
func approvedAs(s *store.Store, digest string) (*approvedError, error) {
	list, err := baselines(s)
	if err != nil {
		return nil, err
	}
	for _, b := range list {
		if b.Approved != nil && b.Approved.Shown == digest {
			return &approvedError{digest, *b.Approved}, nil
		}
	}
	return nil, nil //nolint:nilnil // it is not
}

func stale(digest string, at time.Time, why string) error {
	return learn.WithHint(fmt.Errorf("%s was shown on %s, and %s: nothing was approved", digest[:12], at.Format("2006-01-02 15:04 MST"), why),
		"look at what it is now: tripline review")
}

func head(b *learn.Baseline) string {
	if b == nil {
		return ""
	}
	return b.Digest
}

// byHand makes a review of rules that a person wrote. What they admit is
// computed anew: the figures of the text are not believed.
func (a *app) byHand(s *store.Store, file string, text []byte) (*reviewed, error) {
	list, err := learn.Decode(file, text)
	if err != nil {
		return nil, err
	}
	space, _, err := loadSpace(s)
	if err != nil {
		return nil, err
	}
	r := a.reviewed(kindByHand, space)
	for _, b := range list {
		if _, err := agentNames(s, []string{b.Agent}); err != nil {
			return nil, err
		}
		approved, err := baseline(s, b.Agent)
		if err != nil {
			return nil, err
		}
		decisions, err := decisionsOf(s, b.Agent)
		if err != nil {
			return nil, err
		}
		never := a.config.Never.With(decisions, space)
		if err := measure(b, space, never); err != nil {
			return nil, fmt.Errorf("read %s: agent %s: %w", file, b.Agent, err)
		}
		a.beyond(b, space, never)
		r.drafts = append(r.drafts, &draft{agent: b.Agent, approved: approved, proposed: b, changes: learn.Diff(approved, b), decisions: decisions, never: never})
	}
	return r, r.seal()
}
