package source

import (
	"slices"
	"strings"
	"time"
)

// Sighted is how many connections a source saw, beside others.
type Sighted struct {
	Source string
	All    uint64
	Alone  uint64 // no other source saw them
	// Later is how much later it stamps the same connections than Beside does: the
	// median. Beside is "" where it is the measure of the others, or shares none.
	Later  time.Duration
	Beside string
}

// enough is how many shared connections say how far two clocks are apart, and
// after how many more it is asked again.
const enough = 5

// mostSamples bounds what is kept to tell how far clocks are apart: the newest.
const mostSamples = 500

// Clocks are how much later than the first source the others stamp the same
// connections: their clocks differ, some wait for a name, some look at the end.
type clocks struct {
	measure string
	of      map[string]*clock
}

type clock struct {
	late   []time.Duration // of shared connections
	later  time.Duration   // the median, when it was asked last
	sure   bool
	missed int // shared connections in a row that were not where they should be
}

func newClocks(seers []string, kept map[string]time.Duration) clocks {
	c := clocks{of: map[string]*clock{}}
	for i, name := range seers {
		later, sure := kept[name]
		if c.of[name] = (&clock{later: later, sure: sure || i == 0}); i == 0 {
			c.measure = name
		}
	}
	return c
}

// right is when something happened, by the clock that is the measure.
func (c *clocks) right(by string, t time.Time) time.Time {
	if k := c.of[by]; k != nil && k.sure {
		return t.Add(-k.later)
	}
	return t
}

// apart is how far from where it should be a second sight of a connection is.
func (c *clocks) apart(first, second *witnessed, by string) time.Duration {
	return c.right(by, second.Record.Time).Sub(c.right(first.By[0], first.Record.Time))
}

// sure says whether all clocks are known.
func (c *clocks) sure() bool {
	for _, k := range c.of {
		if !k.sure {
			return false
		}
	}
	return true
}

// are says whether both clocks are known.
func (c *clocks) are(a, b string) bool { return c.known(a) && c.known(b) }

func (c *clocks) known(by string) bool { return c.of[by] == nil || c.of[by].sure }

// note learns from a connection that two sources saw, and says whether a clock is
// known better now. The measure itself may be the second that tells.
func (c *clocks) note(first, second *witnessed, by string) (better bool) {
	late := second.Record.Time.Sub(c.right(first.By[0], first.Record.Time))
	if by == c.measure {
		by, late = first.By[0], first.Record.Time.Sub(second.Record.Time)
	}
	k := c.of[by]
	if k == nil || by == c.measure {
		return false
	}
	if len(k.late) >= mostSamples {
		k.late = slices.Clone(k.late[mostSamples/2:])
	}
	k.late = append(k.late, late)
	if k.missed++; !k.sure || (late-k.later).Abs() <= sameTime {
		k.missed = 0
	}
	if k.missed == enough { // it was set
		k.late = slices.Clone(k.late[len(k.late)-enough:])
	}
	return len(k.late)%enough == 0 && k.agree()
}

// agree finds the median where most of the shared connections are near it.
func (k *clock) agree() bool {
	middle := median(k.late)
	near := 0
	for _, d := range k.late {
		if (d - middle).Abs() <= sameTime/2 {
			near++
		}
	}
	if 2*near <= len(k.late) {
		return false
	}
	was := k.later
	k.later, k.sure = middle, true
	return (was - middle).Abs() > sameTime/10
}

func median(list []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

// lead lets the parts of a join be read in the order of what happened, whatever
// their clocks say.
func (c *clocks) lead(j *joined) {
	for _, b := range j.branches {
		if k := c.of[b.name]; k != nil && k.sure {
			b.ahead = k.later
			b.time()
		}
	}
}

// offsets are the clocks that are known, for a cursor.
func (c *clocks) offsets() map[string]time.Duration {
	out := map[string]time.Duration{}
	for name, k := range c.of {
		if k.sure && name != c.measure {
			out[name] = k.later
		}
	}
	return out
}

// Sighted returns how many connections each source saw, by name.
func (w *witnesses) Sighted() (out []Sighted) {
	for _, c := range w.counts {
		s := *c
		if k := w.clocks.of[s.Source]; k != nil && s.Source != w.clocks.measure && (k.sure || len(k.late) > 0) {
			s.Later, s.Beside = k.later, w.clocks.measure
			if len(k.late) > 0 {
				s.Later = median(k.late)
			}
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Sighted) int { return strings.Compare(a.Source, b.Source) })
	return out
}
