package enforce

import "time"

// A crowdKey is of whom and what there may be too many findings to be told one by
// one.
type crowdKey struct {
	kind    Kind
	agent   string
	verdict Verdict
}

func crowdOf(k finding) crowdKey { return crowdKey{k.kind, k.agent, k.verdict} }

// A class of findings has one bound, whoever causes them.
type class struct {
	kind    Kind
	verdict Verdict
}

func classOf(k finding) class { return class{k.kind, k.verdict} }

// A crowd counts the findings that begin within one stretch of time.
type crowd struct {
	start time.Time
	n     int
	open  bool          // they are told together
	heard time.Duration // the age of the ledger when one last began
}

// joins says whether a finding that begins is one of too many.
func (l *Ledger) joins(key finding, at time.Time) bool {
	if l.apart[classOf(key)] >= l.terms.Most {
		return true
	}
	if l.terms.Burst == 0 {
		return false
	}
	c := l.crowds[crowdOf(key)]
	if c == nil {
		c = &crowd{start: at}
		l.crowds[crowdOf(key)] = c
	}
	c.heard = l.age
	return c.joins(at, &l.terms)
}

// joins counts one that begins. What is stamped before the stretch counts to it: a
// clock that jumps to and fro opens no door.
func (c *crowd) joins(at time.Time, t *Terms) bool {
	if d := at.Sub(c.start); d >= t.Calm {
		c.open = c.open && c.n > t.Burst/10 && d < 2*t.Calm
		c.start, c.n = at, 0
	}
	c.n++
	c.open = c.open || c.n > t.Burst
	return c.open
}

// disperse forgets the crowds to which nothing came while somebody watched.
func (l *Ledger) disperse() {
	for key, c := range l.crowds {
		if l.age-c.heard >= l.terms.Calm {
			delete(l.crowds, key)
		}
	}
}
