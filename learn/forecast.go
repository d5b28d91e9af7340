package learn

import (
	"math"
	"time"
)

// A Forecast says how much of what an agent does is still unseen. It holds as
// long as the agent's work stays what it was: a new task, model or tool voids it,
// and so does a destination that was learned while something was wrong.
//
// At the level of rules it is a little too bright where rules were folded wide
// from the same observation: the back-test, which folds one part and looks at
// the other, is the judge of that.
type Forecast struct {
	Level        Level
	Hours        int       // in a unit; 0 where units are runs
	Units        int       // how many were observed
	Since, Until time.Time // of the observation; zero where units are runs
	Aside        int       // hours left out because their clock was wrong
	Keys         int       // distinct ones
	Once, Twice  int       // of them, seen in one unit, in two
	Alone        int       // units with something that was seen in no other

	Chance  float64 // that the next unit brings something new
	AtMost  float64 // the same at 95 %
	Late    Late    // how it went lately
	Remain  float64 // at least so many more would come in the end
	Ahead   []Ahead // what is expected
	Instead string  // why there is no figure above, "" if there is
	More    int     // with Instead: hours (or runs) still to observe, 0 if nobody can tell
	Doubt   string  // why the figures are not to be relied on, "" if they are
}

// Late is what the second half of the observation brought that was new then: no
// model, only counting.
type Late struct {
	Units  int     // of the second half
	New    int     // of them, those that brought something new
	Keys   int     // what they brought
	Chance float64 // of something new in a unit, at most (95 %)
}

// An Ahead is what is expected of the coming day or week, or the next runs.
type Ahead struct {
	Hours    int     // how far ahead; 0 where units are runs
	Units    float64 // in units of observation
	Expected float64 // new keys
	AtMost   int     // the same at 95 %
	More     int     // hours (or runs) to observe before this can be said; 0 if it can
}

// MinUnits is the fewest units that anything is forecast from: with less the
// bounds no longer hold (see TestForecastBoundHolds).
const MinUnits = 20

// Why there is no forecast, or none to rely on.
const (
	Nothing  = "nothing was observed"
	TooShort = "too little was observed"
	Drifting = "what is new comes faster than a steady process brings it: the agent's work is changing"
	Unsteady = "the figures change with the unit of time: destinations come in bursts longer than it"
)

// Forecast estimates what is still unseen, in the shortest unit of time whose
// figures do not depend on it.
func (x *Incidence) Forecast(level Level) *Forecast {
	x, steady := x.steady()
	c := x.count()
	f := &Forecast{
		Level: level, Hours: x.size, Units: c.units, Aside: len(x.aside), Keys: x.Keys(),
		Once: c.once, Twice: c.twice, Alone: c.alone,
	}
	f.Since, f.Until = x.when()
	if f.Instead, f.More = x.refuse(); f.Instead != "" {
		return f
	}
	f.Chance, f.AtMost = leaveOneOut(c.units, c.alone, c.twice)
	f.Late = x.late()
	f.Remain = chao(c.units, c.once, c.twice)
	switch {
	case x.drifts(f):
		f.Doubt = Drifting
	case !steady:
		f.Doubt = Unsteady
	}
	if f.Doubt != "" {
		f.AtMost = max(f.AtMost, f.Late.Chance)
	}
	spread := x.bootstrap()
	for _, a := range x.ahead() {
		if a.More == 0 {
			f.expect(&a, c, spread)
		}
		f.Ahead = append(f.Ahead, a)
	}
	return f
}

// when returns the beginning of the first hour observed and the end of the last.
func (x *Incidence) when() (since, until time.Time) {
	if x.base != nil {
		return x.base.when()
	}
	if x.size == 0 || len(x.at) == 0 {
		return since, until
	}
	return Block(x.at[0]).Time(), Block(x.at[len(x.at)-1] + 1).Time()
}

func (x *Incidence) refuse() (why string, more int) {
	t := len(x.at)
	switch {
	case t == 0:
		return Nothing, 0
	case t >= MinUnits:
		return "", 0
	case x.size == 0:
		return TooShort, MinUnits - t
	}
	return TooShort, (MinUnits - t) * x.span() / t
}

// ahead returns how far the forecast looks. Beyond the length of the observation
// itself nothing can be said.
func (x *Incidence) ahead() (out []Ahead) {
	t := len(x.at)
	if x.size == 0 {
		for _, n := range []int{1, 10} {
			out = append(out, Ahead{Units: float64(n), More: max(0, n-t)})
		}
		return out
	}
	span := x.span()
	for _, hours := range []int{24, 7 * 24} {
		units := float64(t) * float64(hours) / float64(span)
		out = append(out, Ahead{Hours: hours, Units: units, More: max(0, hours-span)})
	}
	return out
}

// expect fills in what comes: by the extrapolation of Chao2, or where that is in
// doubt by the pace of the second half, if it is faster.
func (f *Forecast) expect(a *Ahead, c counts, spread spread) {
	d, wide := c.extrapolate(a.Units)
	e := 1.96 * math.Sqrt(d*c.burst()+spread.at(a.Units))
	most := max(d+max(wide, e), a.Units*zeroNew(c.units))
	if l := f.Late; f.Doubt != "" {
		d = max(d, a.Units*float64(l.Keys)/float64(l.Units))
		each := max(1, float64(l.Keys)/float64(max(1, l.New)))
		most = max(most, each*float64(atMost(l.New, l.Units, int(math.Ceil(a.Units)))))
	}
	a.Expected, a.AtMost = d, int(math.Ceil(most-1e-9))
}

// Expectation returns what is ahead within so many hours, nil if that cannot be
// said.
func (f *Forecast) Expectation(hours int) *Ahead {
	for i := range f.Ahead {
		if f.Ahead[i].Hours == hours && f.Ahead[i].More == 0 {
			return &f.Ahead[i]
		}
	}
	return nil
}
