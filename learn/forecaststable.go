package learn

import (
	"math"
	"slices"
)

// lengths are what an observation is cut into, narrowest first: calendar blocks
// have to be as long as what happens in one go.
var lengths = [...]int{1, 2, 4, 8, 24}

// steady returns the observation in the shortest unit of time whose figures do
// not depend on it, and whether there is one.
func (x *Incidence) steady() (*Incidence, bool) {
	if x.size == 0 {
		return x, x.holds()
	}
	for _, hours := range lengths {
		y := x.In(hours).episodes()
		if len(y.at) < MinUnits {
			break
		}
		if y.holds() {
			return y, true
		}
	}
	return x.episodes(), false
}

// moved is how much of a change with the unit of time is one. A factor of two
// lets bursts of some hours pass for steady (see TestForecastBoundHolds).
const moved = 1.5

// holds says whether units twice and four times as long give the same figures.
// Units half as long were tried before, see [lengths].
func (x *Incidence) holds() bool {
	own := x.pace()
	for _, n := range []int{2, 4} {
		y := x.wider(n).episodes()
		if r := y.pace() / own; len(y.at) >= MinUnits/2 && (r > moved || r < 1/moved) {
			return false
		}
	}
	return true
}

// pace returns the bound on what is new as a rate over the whole observation,
// which is comparable between units: of keys, because a long unit brings many.
func (x *Incidence) pace() float64 {
	c := x.count()
	q1 := float64(c.once)
	return q1 + z95*max(1, math.Sqrt(q1+2*float64(c.twice)))
}

// drifts says whether the second half brought more than the first half foretold,
// and more than the bound on all of it allows: then the agent's work changes.
func (x *Incidence) drifts(f *Forecast) bool {
	c := x.early().count()
	d, _ := c.extrapolate(float64(f.Late.Units))
	spread := d*c.burst() + 2*d*d/float64(max(1, c.once))
	most := max(d+z999*math.Sqrt(spread), float64(f.Late.Units)*zeroNew(c.units))
	return float64(f.Late.Keys) > most
}

// z999 is the quantile of the normal distribution at 99.9 %.
const z999 = 3.09

// early returns the first half of the observation.
func (x *Incidence) early() *Incidence {
	n := len(x.at) - len(x.at)/2
	y := &Incidence{size: x.size, at: x.at[:n]}
	for i, set := range x.keys {
		if seen, _ := slices.BinarySearch(set, uint32(n)); seen > 0 {
			y.keys, y.many = append(y.keys, set[:seen]), append(y.many, x.many[i])
		}
	}
	return y
}

// A Novelty is what came after a forecast was made, beside what it allowed.
type Novelty struct {
	Units int     // that were observed since
	New   int     // of them, those that brought something new
	Bound float64 // the chance of that in a unit that was forecast at most
	Stale bool    // more came than the bound explains
}

// chances of calling a baseline stale that is not: of the whole stretch, and of
// any stretch in it, as 1 in so many units.
const (
	falseStale = 0.001
	falseUnits = 1000
)

// After counts what is new in the units that begin at an hour or later, and
// tests it against the bound that was forecast: as a whole (binomial), and for a
// change on the way (CUSUM of Page 1954 for twice the chance).
func (x *Incidence) After(from Block, bound float64) Novelty {
	news := make([]bool, len(x.at))
	for _, set := range x.keys {
		news[set[0]] = true
	}
	n := Novelty{Bound: bound}
	hit, miss := likelihood(bound)
	sum := 0.0
	for i, u := range x.at {
		if int64(u)*int64(x.size) < int64(from) {
			continue
		}
		n.Units++
		step := miss
		if news[i] {
			n.New++
			step = hit
		}
		sum = max(0, sum+step)
		n.Stale = n.Stale || sum > math.Log(falseUnits)
	}
	n.Stale = n.Stale || tailOf(n.New, n.Units, bound) < falseStale
	return n
}

// likelihood returns how much a unit with and without something new speaks for
// twice the chance p.
func likelihood(p float64) (hit, miss float64) {
	if p >= 1 {
		return 0, 0
	}
	q := min(2*p, (1+p)/2)
	return math.Log(q / p), math.Log((1 - q) / (1 - p))
}
