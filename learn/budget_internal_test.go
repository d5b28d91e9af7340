package learn

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// volumes are what hours send, as different as they come.
var volumes = []struct {
	name string
	draw func(*rand.Rand) float64
}{
	{"lognormal s=1", func(r *rand.Rand) float64 { return 1e5 * math.Exp(r.NormFloat64()) }},
	{"lognormal s=2", func(r *rand.Rand) float64 { return 1e5 * math.Exp(2*r.NormFloat64()) }},
	{"bimodal 95% 20 kB, 5% 20 MB", func(r *rand.Rand) float64 {
		if r.Float64() < 0.05 {
			return 2e7 * math.Exp(0.1*r.NormFloat64())
		}
		return 2e4 * math.Exp(0.1*r.NormFloat64())
	}},
	{"Pareto a=1.2", func(r *rand.Rand) float64 { return 1e4 * math.Pow(1-r.Float64(), -1/1.2) }},
}

// TestBudgetHoldsItsRate: whatever hours are distributed like, a further one is
// above the threshold as often as the budget says in words, or less.
func TestBudgetHoldsItsRate(t *testing.T) {
	const reps, more = 4000, 5
	for _, v := range volumes {
		for _, n := range []int{5, 30, 100, 300} {
			r := rand.New(rand.NewPCG(7, uint64(n)))
			above, oneIn := 0, 0
			for range reps {
				hours := make([]float64, n)
				for i := range hours {
					hours[i] = v.draw(r)
				}
				slices.Sort(hours)
				var threshold uint64
				threshold, oneIn = orderBudget(hours, 0.01)
				for range more {
					if v.draw(r) > float64(threshold)+1 {
						above++
					}
				}
			}
			got, said := float64(above)/(reps*more), 1/float64(oneIn)
			// Draws of one repetition share a threshold: their errors are not independent.
			slack := 4 * math.Sqrt(said*(1-said)/reps)
			if got > said+slack || got < said/3 {
				t.Errorf("%s, %d hours: %.3f %% above, said to be at most one in %d (%.3f %%)", v.name, n, 100*got, oneIn, 100*said)
			}
			t.Logf("%-28s %4d hours: one false alarm in %3d foretold (%.2f %%), %.2f %% measured", v.name, n, oneIn, 100*said, 100*got)
		}
	}
}

func TestOrderBudget(t *testing.T) {
	for _, c := range []struct {
		n      int
		alpha  float64
		rank   uint64
		oneIn  int
		reason string
	}{
		{1, 0.01, 1, 2, "too few: the largest"},
		{30, 0.01, 30, 31, "too few: the largest, one in 31"},
		{98, 0.01, 98, 99, "one too few"},
		{99, 0.01, 99, 100, "just enough"},
		{199, 0.01, 198, 100, "the second largest"},
		{299, 0.01, 297, 100, "the third largest"},
		{300, 0.01, 298, 100, "between two ranks: the safer one"},
		{19, 0.05, 19, 20, "another rate"},
		{10, 1, 1, 1, "a rate that everything is below"},
	} {
		hours := make([]float64, c.n)
		for i := range hours {
			hours[i] = float64(i + 1)
		}
		if got, oneIn := orderBudget(hours, c.alpha); got != c.rank || oneIn != c.oneIn {
			t.Errorf("%d hours at %v: got rank %d and one in %d, want %d and %d: %s", c.n, c.alpha, got, oneIn, c.rank, c.oneIn, c.reason)
		}
	}
}

// TestCountTail compares the tails with the sum of all terms before them, one by
// one, and with values of tables.
func TestCountTail(t *testing.T) {
	for _, c := range []CountLimit{
		{Mean: 3, Variance: 3},
		{Mean: 0.5, Variance: 0.6},
		{Mean: 40, Variance: 45},
		{Mean: 300, Variance: 300},
		{Mean: 3, Variance: 12},
		{Mean: 20, Variance: 400},
		{Mean: 100, Variance: 2500},
	} {
		for _, n := range []uint64{0, 1, 2, 5, 20, 60, 150, 350} {
			below := 0.0
			for i := range n {
				below += c.chance(float64(i))
			}
			if got, want := c.tail(n), 1-below; math.Abs(got-want) > 1e-9 {
				t.Errorf("mean %v, variance %v: P(N>=%d) = %g, want %g", c.Mean, c.Variance, n, got, want)
			}
		}
	}
	// P(N >= 10) for a mean of 4, from the tables of Poisson's distribution.
	if got := poissonTail(10, 4); math.Abs(got-0.00813) > 5e-6 {
		t.Errorf("P(N>=10) at 4: got %g, want 0.00813", got)
	}
}

// chance is that of exactly i, the slow way.
func (c *CountLimit) chance(i float64) float64 {
	if !c.Bursty() {
		return math.Exp(i*math.Log(c.Mean) - c.Mean - lnGamma(i+1))
	}
	size := c.Mean * c.Mean / (c.Variance - c.Mean)
	p := size / (size + c.Mean)
	return math.Exp(lnGamma(i+size) - lnGamma(size) - lnGamma(i+1) + size*math.Log(p) + i*math.Log1p(-p))
}

// TestCountLimitIsTheFirstRareOne searches the limit one by one.
func TestCountLimitIsTheFirstRareOne(t *testing.T) {
	for _, c := range []CountLimit{{Mean: 30, Variance: 30}, {Mean: 30, Variance: 200}, {Mean: 2, Variance: 100}, {Mean: 500, Variance: 90000}} {
		want := uint64(0)
		for c.tail(want+1) >= countTail {
			want++
		}
		if got := c.limit(); got != want {
			t.Errorf("mean %v, variance %v: got %d, want %d", c.Mean, c.Variance, got, want)
		}
	}
}

// TestCountLimitHoldsItsRate: bursts that a Poisson tail would raise an alarm for
// every few days are usual to a negative binomial one.
func TestCountLimitHoldsItsRate(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	above, poisson, hours := 0, 0, 0
	for range 300 {
		counts := make([]float64, 200)
		for i := range counts {
			counts[i] = burst(r, 30, 2)
		}
		c := NewCountLimit(counts)
		plain := CountLimit{Mean: c.Mean, Variance: c.Mean}
		most := plain.limit()
		for range 1000 {
			n := uint64(burst(r, 30, 2))
			hours++
			if n > c.Limit {
				above++
			}
			if n > most {
				poisson++
			}
		}
	}
	got, naive := float64(above)/float64(hours), float64(poisson)/float64(hours)
	t.Logf("hours above the limit: %.4f %% (wanted 0.01 %%); above a Poisson tail: %.1f %%", 100*got, 100*naive)
	if got > 6e-4 || naive < 0.05 {
		t.Errorf("got %g above the limit and %g above a Poisson tail, want less than 6e-4 and a lot", got, naive)
	}
}

// burst draws from a negative binomial distribution: Poisson with a gamma mean, as
// a sum of size exponentials.
func burst(r *rand.Rand, mean float64, size int) float64 {
	rate := 0.0
	for range size {
		rate += r.ExpFloat64() * mean / float64(size)
	}
	n := -1.0
	for at := 0.0; at < rate; n++ {
		at += r.ExpFloat64()
	}
	return max(0, n)
}

// TestCusumRunLength compares with the published average run lengths of a
// one-sided CUSUM with a slack of half a standard deviation.
func TestCusumRunLength(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	for limit, want := range map[float64]float64{4: 336, 5: 930} {
		steps := 0
		const reps = 3000
		for range reps {
			for sum := 0.0; sum <= limit; steps++ {
				sum = cusum(sum, r.NormFloat64(), 0.5)
			}
		}
		got := float64(steps) / reps
		t.Logf("limit %v: a false alarm every %.0f days, published %v", limit, got, want)
		if math.Abs(got-want) > 0.08*want {
			t.Errorf("limit %v: got %.0f, want about %v", limit, got, want)
		}
	}
}

// days are what a place gets on a day, by how long it is that it was first used.
var days = []struct {
	name string
	most float64 // false alarms in a quarter
	draw func(r *rand.Rand, day int) float64
}{
	{"the same each day", 0.05, func(*rand.Rand, int) float64 { return 2e7 }},
	{"lognormal s=0.5", 0.05, func(r *rand.Rand, _ int) float64 { return 2e7 * math.Exp(0.5*r.NormFloat64()) }},
	{"lognormal s=1", 0.05, func(r *rand.Rand, _ int) float64 { return 2e7 * math.Exp(r.NormFloat64()) }},
	{"a tenth at weekends", 0.05, func(r *rand.Rand, day int) float64 {
		if day%7 > 4 {
			return 2e6 * math.Exp(0.3*r.NormFloat64())
		}
		return 2e7 * math.Exp(0.3*r.NormFloat64())
	}},
	{"a backup on Sundays", 0.05, func(r *rand.Rand, day int) float64 {
		if day%7 == 6 {
			return 2e9
		}
		return 2e7 * math.Exp(0.3*r.NormFloat64())
	}},
	{"Pareto a=1.2", 0.2, func(r *rand.Rand, _ int) float64 { return 5e6 * math.Pow(1-r.Float64(), -1/1.2) }},
}

// TestDriftIsSeldomWrong: in the quarter after it was learned, work that stays the
// same raises an alarm for one agent in twenty at most; for one in five where days
// have a tail without a mean to speak of.
func TestDriftIsSeldomWrong(t *testing.T) {
	for _, d := range days {
		for _, n := range []int{14, 30, 90} {
			r := rand.New(rand.NewPCG(5, uint64(n)))
			wrong := 0
			const reps = 1000
			for range reps {
				drift := NewDrift(series(r, d.draw, 0, n, 0))
				if when := firstFound(drift, series(r, d.draw, n, 90, 0)); when > 0 {
					wrong++
				}
			}
			t.Logf("%-20s learned from %2d days: %.1f %% raise a false alarm in the next 90", d.name, n, 100*float64(wrong)/reps)
			if float64(wrong)/reps > d.most {
				t.Errorf("%s, %d days: %d of %d raise an alarm", d.name, n, wrong, reps)
			}
		}
	}
}

func series(r *rand.Rand, draw func(*rand.Rand, int) float64, from, n int, leak float64) []uint64 {
	out := make([]uint64, n)
	for i := range out {
		out[i] = uint64(draw(r, from+i) + leak)
	}
	return out
}

// firstFound returns on which day a sum is found, counted from 1; 0 if on none.
func firstFound(d Drift, days []uint64) int {
	sum := 0.0
	for i, n := range days {
		if sum = d.Next(sum, n); d.Found(sum) {
			return i + 1
		}
	}
	return 0
}

// TestSlowLeakIsFound says after how many days a leak is found that stays below
// the budget of an hour, and that a budget says so itself.
func TestSlowLeakIsFound(t *testing.T) {
	for _, c := range []struct {
		spread float64
		leak   float64
		within int // for nine agents in ten
	}{{0.1, 5e6, 40}, {0.3, 1e7, 45}, {0.3, 2e7, 15}, {0.5, 2e7, 35}, {0.5, 5e7, 14}} {
		r := rand.New(rand.NewPCG(11, uint64(c.leak)))
		draw := func(r *rand.Rand, _ int) float64 { return 2e7 * math.Exp(c.spread*r.NormFloat64()) }
		var found []float64
		said := 0
		const reps = 300
		for range reps {
			d := NewDrift(series(r, draw, 0, 30, 0))
			said += d.DaysFor(uint64(c.leak))
			if when := firstFound(d, series(r, draw, 30, 400, c.leak)); when > 0 {
				found = append(found, float64(when))
			}
		}
		slices.Sort(found)
		half, most := found[len(found)/2], math.Inf(1)
		if at := reps * 9 / 10; at < len(found) {
			most = found[at]
		}
		t.Logf("20 MB a day (spread %.0f %%) and %s more: found after %.0f days, nine in ten within %.0f; foretold %d",
			100*c.spread, Size(uint64(c.leak)), half, most, said/reps)
		if most > float64(c.within) {
			t.Errorf("spread %v, leak %v: nine in ten within %v days, want %d", c.spread, c.leak, most, c.within)
		}
	}
}

func TestLeakAndDaysAgree(t *testing.T) {
	days := make([]uint64, 40)
	r := rand.New(rand.NewPCG(2, 2))
	for i := range days {
		days[i] = uint64(1e7 * math.Exp(0.4*r.NormFloat64()))
	}
	d := NewDrift(days)
	for _, n := range []int{5, 7, 14, 30} {
		if leak := d.LeakIn(n); leak == 0 || d.DaysFor(leak) > n || d.DaysFor(leak*95/100) < n {
			t.Errorf("%d days: %s is found after %d", n, Size(leak), d.DaysFor(leak))
		}
	}
	if few := NewDrift(days[:13]); few.Found(1e9) || few.DaysFor(1e12) != 0 || few.LeakIn(7) != 0 {
		t.Errorf("13 days are too few, got %+v", few)
	}
}
