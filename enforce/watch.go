package enforce

import (
	"time"

	"tripline/learn"
)

// A Watch checks flows against a policy and counts what repeats, in a [Ledger] that
// findings of other kinds share. The zero value is not usable, see [NewWatch]. Not
// safe for concurrent use.
type Watch struct {
	policy *Policy
	ledger *Ledger
	counts [Forbidden + 1]uint64
	hits   hits
}

// NewWatch returns a watch over policy.
func NewWatch(policy *Policy, terms Terms) *Watch {
	return &Watch{policy: policy, ledger: NewLedger(terms)}
}

// Observe checks f. The event is to be told: it is nil for what is allowed and for
// what only repeats.
func (w *Watch) Observe(f *learn.Flow) (v Verdict, event *Alert) {
	v, rule := w.policy.judge(f)
	w.counts[v]++
	w.hits.note(f, v, rule)
	if v == Allowed {
		return v, nil
	}
	key := finding{kind: Destination, agent: f.Agent, verdict: v, target: learn.Target{Service: f.Service(), Addr: f.Dst, Name: f.Name}}
	e, joins := w.ledger.find(key, f.Time)
	if e != nil {
		if !e.seen { // by whom it is now
			e.Process = f.Process
		}
		return v, w.ledger.again(e, f.Time, f.Action.String(), v.Severity())
	}
	return v, w.ledger.begin(key, w.policy.Explain(f), joins)
}

// Note takes up a finding of another kind. The event is to be told; it is nil where
// the finding only repeats.
func (w *Watch) Note(a *Alert) *Alert { return w.ledger.Note(a) }

// Watched says for how long somebody has watched since it was last called, and
// returns the events of what is resolved, see [Ledger.Watched].
func (w *Watch) Watched(d time.Duration) []*Alert { return w.ledger.Watched(d) }

// Replace puts a new policy in place. What was found stays found, but for what the
// new one admits: that is resolved.
func (w *Watch) Replace(policy *Policy) []*Alert {
	w.policy = policy
	return w.ledger.Resolve(func(a *Alert) bool { return a.Kind == Destination && !a.Group && policy.admits(a) })
}

// Restore takes up what was kept, see [Ledger.Restore]. What the policy admits by now
// is resolved.
func (w *Watch) Restore(state []byte, open [][]byte) ([]*Alert, error) {
	if err := w.ledger.Restore(state, open); err != nil {
		return nil, err
	}
	return w.Replace(w.policy), nil
}

// admits says whether the flow that an alert tells of would be allowed.
func (p *Policy) admits(a *Alert) bool {
	key := keyOf(a)
	t := key.target
	f := learn.Flow{Agent: a.Agent, Proto: t.Proto, DstPort: t.Port, Dst: t.Addr, Name: t.Name, Time: a.Time}
	return t.Addr.IsValid() && p.Check(&f) == Allowed
}

// Flows returns how many flows had the verdict.
func (w *Watch) Flows(v Verdict) uint64 { return w.counts[v] }

// Alerts returns what was found and is not over, in the order of beginnings.
func (w *Watch) Alerts() []*Alert { return w.ledger.Open() }

// Ledger is what was found.
func (w *Watch) Ledger() *Ledger { return w.ledger }

// Policy returns the policy that flows are checked against.
func (w *Watch) Policy() *Policy { return w.policy }
