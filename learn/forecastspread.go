package learn

import "math/rand/v2"

// A spread is what the bootstrap says of the extrapolation: its counts in each
// draw of whole units. Keys that come together, as those of one task do, are
// drawn together, which a formula for independent keys cannot know.
type spread struct{ draws []counts }

const (
	mostDraws = 500
	mostSteps = 20_000_000 // of all draws together: some 50 ms
)

// bootstrap draws units with replacement, always the same way.
func (x *Incidence) bootstrap() spread {
	cohorts := x.cohorts()
	steps := 1
	for _, g := range cohorts {
		steps += len(g.units)
	}
	rng := rand.New(rand.NewPCG(1, uint64(len(x.at)))) //nolint:gosec // the same figures every time, no secret
	var s spread
	times := make([]int, len(x.at))
	for range min(mostDraws, max(50, mostSteps/steps)) {
		clear(times)
		for range times {
			times[rng.IntN(len(times))]++
		}
		s.draws = append(s.draws, drawnCounts(cohorts, times))
	}
	return s
}

// A cohort is keys that were seen in exactly the same units.
type cohort struct {
	units []uint32
	keys  int
}

// rare is in how many units a key may have been seen to matter: one seen in more
// is drawn once or twice in one of a million draws.
const rare = 20

func (x *Incidence) cohorts() (out []cohort) {
	for i, set := range x.keys {
		if len(set) <= rare {
			out = append(out, cohort{set, x.many[i]})
		}
	}
	return out
}

func drawnCounts(cohorts []cohort, times []int) counts {
	c := counts{units: len(times)}
	for i := range cohorts {
		n := 0
		for _, u := range cohorts[i].units {
			n += times[u]
		}
		switch n {
		case 1:
			c.once += cohorts[i].keys
		case 2:
			c.twice += cohorts[i].keys
		}
	}
	return c
}

// at returns the variance of what m more units bring.
func (s spread) at(m float64) float64 {
	sum, squares := 0.0, 0.0
	for i := range s.draws {
		d, _ := s.draws[i].extrapolate(m)
		sum, squares = sum+d, squares+d*d
	}
	n := float64(len(s.draws))
	return max(0, squares/n-sum/n*sum/n)
}
