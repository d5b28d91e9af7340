package enforce

import (
	"cmp"
	"slices"

	"tripline/ipranges"
	"tripline/learn"
)

// MaxFindings is how many findings of each verdict a [Watch] tells apart: a scan
// must not fill the memory, nor hide what is worse than itself.
const MaxFindings = 10_000

// A Watch checks flows against a policy and counts what repeats: one alert per
// agent, destination and verdict. After [MaxFindings] of a verdict all others are
// one alert per agent, with the status "more". The zero value is not usable, see
// [NewWatch]. Not safe for concurrent use.
type Watch struct {
	policy   *Policy
	findings map[finding]*Alert
	order    []*Alert
	counts   [Forbidden + 1]uint64
	distinct [Forbidden + 1]int
	hits     hits
}

type finding struct {
	agent   string
	target  learn.Target
	verdict Verdict
}

// NewWatch returns a watch over policy.
func NewWatch(policy *Policy) *Watch {
	return &Watch{policy: policy, findings: map[finding]*Alert{}}
}

// Observe checks f. It returns the alert and true for a new finding, the alert
// with its count and false for one that repeats, nil for what is allowed.
func (w *Watch) Observe(f *learn.Flow) (alert *Alert, isNew bool) {
	v, rule := w.policy.judge(f)
	w.counts[v]++
	w.hits.note(f, v, rule)
	if v == Allowed {
		return nil, false
	}
	key := finding{f.Agent, learn.Target{Service: f.Service(), Addr: f.Dst, Name: f.Name}, v}
	full := w.distinct[v] >= MaxFindings
	if full && w.findings[key] == nil {
		key.target = learn.Target{}
	}
	if a := w.findings[key]; a != nil {
		a.again(f)
		return a, false
	}
	a := w.policy.Explain(f)
	if full {
		a.more()
	}
	w.distinct[v]++
	w.findings[key] = &a
	w.order = append(w.order, &a)
	return &a, true
}

func (a *Alert) again(f *learn.Flow) {
	a.Count++
	if f.Time.After(a.Last) {
		a.Last = f.Time
	}
}

// more makes of the alert for one destination that for all beyond the bound.
func (a *Alert) more() {
	a.Status = "more"
	a.Why = "this and all further destinations, counted together after " + ipranges.Thousands(MaxFindings) + " findings: is it a scan?"
	a.Owner, a.Nearest, a.Admit, a.Wider = Owner{}, nil, nil, nil
}

// Replace puts a new policy in place; what was found stays found.
func (w *Watch) Replace(policy *Policy) { w.policy = policy }

// Flows returns how many flows had the verdict.
func (w *Watch) Flows(v Verdict) uint64 { return w.counts[v] }

// Alerts returns what was found, in the order of first sight.
func (w *Watch) Alerts() []*Alert {
	out := slices.Clone(w.order)
	slices.SortStableFunc(out, func(a, b *Alert) int { return cmp.Compare(a.Time.UnixNano(), b.Time.UnixNano()) })
	return out
}

// Policy returns the policy that flows are checked against.
func (w *Watch) Policy() *Policy { return w.policy }
