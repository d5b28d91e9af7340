package learn

import "math"

// sure is the confidence of all bounds, and z95 its quantile of the normal
// distribution.
const (
	sure = 0.95
	z95  = 1.645
)

// counts are the frequencies of incidence: how many keys were seen in so many
// units.
type counts struct {
	units       int
	once, twice int
	alone       int   // units that hold a key seen in no other
	sizes       []int // how many such keys each unit holds
}

func (x *Incidence) count() counts {
	c := counts{units: len(x.at), sizes: make([]int, len(x.at))}
	for i, set := range x.keys {
		switch len(set) {
		case 1:
			if c.sizes[set[0]] == 0 {
				c.alone++
			}
			c.once += x.many[i]
			c.sizes[set[0]] += x.many[i]
		case 2:
			c.twice += x.many[i]
		}
	}
	return c
}

// leaveOneOut returns the chance that the next unit brings something new: the
// share of units that would have, had all others come before. Its bound counts
// what was seen twice as well, which chance could have made once.
func leaveOneOut(units, alone, twice int) (chance, atMost float64) {
	t, s := float64(units), float64(alone)
	spread := math.Sqrt(s*(1-s/t) + 2*float64(twice))
	return s / t, min(1, max(s/t+z95*max(1, spread)/t, zeroNew(units)))
}

// zeroNew returns the bound on a chance that never came true in so many units:
// about 3 by their number.
func zeroNew(units int) float64 { return 1 - math.Pow(1-sure, 1/float64(units)) }

// chao returns how many keys at least were never seen (Chao 1987, for
// incidence). One seen once and none twice would give nothing, which nobody
// should believe; it is taken for one.
func chao(units, once, twice int) float64 {
	t, q1, q2 := float64(units), float64(once), float64(twice)
	switch {
	case twice > 0:
		return (t - 1) / t * q1 * q1 / (2 * q2)
	case once <= 1:
		return q1
	}
	return (t - 1) / t * q1 * (q1 - 1) / 2
}

// extrapolate returns how many new keys m more units bring, and how much more it
// can be (95 %) if keys come independently.
func (c *counts) extrapolate(m float64) (news, wide float64) {
	if c.once == 0 {
		return 0, 0
	}
	f0, q1 := chao(c.units, c.once, c.twice), float64(c.once)
	news = f0 * -math.Expm1(m*math.Log1p(-q1/(float64(c.units)*f0+q1)))
	return news, 1.96 * math.Sqrt(news+news*news*2/q1)
}

// burst says how many new keys come together: the mean size of the unit that a
// new key finds itself in. Counts that come in bursts vary so much more.
func (c *counts) burst() float64 {
	sum, squares := 0, 0
	for _, n := range c.sizes {
		sum, squares = sum+n, squares+n*n
	}
	if sum == 0 {
		return 1
	}
	return float64(squares) / float64(sum)
}

// late counts what the second half of the units brought that was new then.
func (x *Incidence) late() Late {
	from := uint32(len(x.at) - len(x.at)/2)
	l := Late{Units: len(x.at) / 2}
	seen := make([]bool, len(x.at))
	for i, set := range x.keys {
		if first := set[0]; first >= from {
			l.Keys += x.many[i]
			if !seen[first] {
				seen[first] = true
				l.New++
			}
		}
	}
	_, l.Chance = clopper(l.New, l.Units)
	return l
}
