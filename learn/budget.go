package learn

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"
)

// A Budgeting says how budgets are made and which limits hold beside them.
type Budgeting struct {
	Alpha  float64  // wanted false alarms per hour of use of one place: 0.01 is one in a hundred
	Margin float64  // by how much more than that is let pass: 1 is twice as much
	Floor  uint64   // bytes in an hour that are never too much
	Caps   []Cap    // what holds whatever was learned
	Off    []string // kinds of findings that are not wanted
}

// DefaultBudgeting is what holds without a configuration.
func DefaultBudgeting() Budgeting { return Budgeting{Alpha: 0.01, Margin: 1, Floor: 64_000} }

// A Cap is a limit that a person sets: bytes up on one day.
type Cap struct {
	Agent  string // "" is every agent, each for itself
	To     To     // the zero value is all places together
	PerDay uint64 // 0: it never uploads; up to [Budgeting.Floor] is no upload
}

// String names the cap: "bot to *.example.com".
func (c *Cap) String() string {
	text := cmp.Or(c.Agent, "any agent")
	if c.To.IsZero() {
		return text
	}
	return text + " to " + c.To.String()
}

// IsZero says whether t is nothing at all.
func (t To) IsZero() bool {
	return t.Name == "" && t.Label.Provider == "" && t.ASN == 0 && !t.Prefix.IsValid()
}

// A Budget is what an agent needs at one place, learned from what it did there
// before its baseline was approved. A place is an approved rule or, outside of
// them, an owner.
type Budget struct {
	Agent, To string
	First     time.Time // when the place was first seen
	Hours     int       // in which it was used
	Sized     int       // of them, with any bytes: without, there is no budget of bytes
	Largest   uint64    // bytes up in one of them
	Threshold uint64    // the order statistic
	Limit     uint64    // what may be sent in an hour
	OneIn     int       // at most one hour in so many is above Threshold, if nothing changes
	Pull      Pull
	Count     CountLimit
	Drift     Drift // of days
}

// Budgets returns the budgets of usages, by agent and place.
func (b *Budgeting) Budgets(usages []*Usage) []Budget {
	out := make([]Budget, len(usages))
	for i, u := range usages {
		out[i] = b.budget(u)
	}
	slices.SortFunc(out, func(x, y Budget) int { return cmp.Or(cmp.Compare(x.Agent, y.Agent), cmp.Compare(x.To, y.To)) })
	return out
}

func (b *Budgeting) budget(u *Usage) Budget {
	out := Budget{Agent: u.Agent, To: u.To, First: u.First, Hours: len(u.Hours)}
	var ups, counts []float64
	for _, hour := range u.Hours {
		if hour.Up+hour.Down > 0 { // one without bytes was seen by what sees none: it did not send nothing
			out.Sized++
			ups = append(ups, float64(hour.Up))
		}
		counts = append(counts, float64(hour.Flows))
		out.Pull.learn(hour)
	}
	if out.Sized > 0 {
		slices.Sort(ups)
		out.Largest = uint64(ups[len(ups)-1])
		out.Threshold, out.OneIn = orderBudget(ups, b.Alpha)
		out.Limit = max(b.Floor, uint64(min(float64(out.Threshold)*(1+b.Margin), math.MaxInt64)))
		out.Drift = NewDrift(u.Days())
	}
	out.Count = NewCountLimit(counts)
	return out
}

// Words says what the budget is from and how often it is wrong.
func (b *Budget) Words() string {
	switch {
	case b.Hours == 0:
		return "no budget: nothing was learned there"
	case b.Sized == 0:
		return "no budget: nothing that was learned there has bytes"
	}
	return "budget from " + plural(b.Sized, "hour") + ": expect one false alarm in " + strconv.Itoa(b.OneIn)
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.Itoa(n) + " " + what
}

// orderBudget returns the order statistic of sorted values that a further one is
// above at most once in oneIn, whatever they are distributed like, as long as they
// are exchangeable (split conformal prediction). Where there are too few for alpha
// it is the largest, and oneIn says what that is worth.
func orderBudget(sorted []float64, alpha float64) (threshold uint64, oneIn int) {
	n := len(sorted)
	// 1e-9: (99+1)*(1-0.01) is 99 and a bit in floating point.
	k := min(n, max(1, int(math.Ceil(float64(n+1)*(1-alpha)-1e-9))))
	return uint64(sorted[k-1]), int(float64(n+1) / float64(n+1-k))
}

// A Pull is in which direction an agent talks to a place: (up-down)/(up+down) of
// its hours, 1 where it only sends and -1 where it only gets (the producer-consumer
// ratio, Bullard and Gerth 2014).
type Pull struct {
	Hours   int     // with enough bytes to say
	Highest float64 // ratio of these
}

// enoughForRatio is how many bytes an hour must have for its ratio to say anything.
const enoughForRatio = 100_000

// minRatios is in how many hours an agent must have got more than it sent before
// the contrary is a change.
const minRatios = 3

func (p *Pull) learn(u Use) {
	ratio, ok := u.Ratio()
	if !ok {
		return
	}
	if p.Hours == 0 || ratio > p.Highest {
		p.Highest = ratio
	}
	p.Hours++
}

// Turned says whether u is in the other direction than all that was learned: from
// getting to clearly sending (70 to 30 and more).
func (p *Pull) Turned(u Use) bool {
	ratio, ok := u.Ratio()
	return ok && p.Hours >= minRatios && p.Highest < 0 && ratio > 0.4
}
