package learn

import "time"

// An Origin says since when a rule has been approved.
type Origin struct {
	Rule    *Rule
	First   *Baseline // the first one with it, without a gap since
	Changed *Baseline // the last one that changed what it admits, by ports, names or addresses
}

// Origins returns the origin of each rule of the newest baseline. chain is the
// baselines of one agent, the oldest first.
func Origins(chain []*Baseline) []Origin {
	known := map[string]Origin{}
	var out []Origin
	for _, b := range chain {
		now := make(map[string]Origin, len(b.Rules))
		out = out[:0]
		for i := range b.Rules {
			r := &b.Rules[i]
			o, ok := known[r.To.String()]
			switch {
			case !ok:
				o = Origin{First: b, Changed: b}
			case mark(o.Rule, r) != Kept:
				o.Changed = b
			}
			o.Rule = r
			now[r.To.String()] = o
			out = append(out, o)
		}
		known = now
	}
	return out
}

// FirstApproved returns when each rule was first approved, by [To.String].
func FirstApproved(origins []Origin) map[string]time.Time {
	out := map[string]time.Time{}
	for _, o := range origins {
		if o.First.Approved != nil {
			out[o.Rule.To.String()] = o.First.Approved.At
		}
	}
	return out
}
