package learn

import "math"

// A CountLimit is how many connections an hour may have.
type CountLimit struct {
	Hours          int
	Mean, Variance float64
	Most           uint64 // in an hour that was learned
	Limit          uint64 // 0: not known; more than that in an hour is a finding
}

const (
	// countTail is how rare an hour must be, if the learned distribution holds.
	countTail = 1e-4
	// minCountHours is how many hours a distribution is fitted to at least.
	minCountHours = 24
	// fewConnections are never too many: retries at start-up make that many.
	fewConnections = 20
	// overdispersed is the variance over the mean from which on arrivals come in
	// bursts and a Poisson tail would raise an alarm for each.
	overdispersed = 1.5
)

// NewCountLimit fits the numbers of connections of hours by their moments: a
// negative binomial distribution, or Poisson's where they are no more dispersed
// than that.
func NewCountLimit(counts []float64) CountLimit {
	c := CountLimit{Hours: len(counts)}
	for _, n := range counts {
		c.Mean += n / float64(len(counts))
		c.Most = max(c.Most, uint64(n))
	}
	for _, n := range counts {
		c.Variance += (n - c.Mean) * (n - c.Mean) / max(1, float64(len(counts)-1))
	}
	if len(counts) >= minCountHours {
		c.Limit = max(c.limit(), c.Most, fewConnections)
	}
	return c
}

// Bursty says whether the negative binomial tail holds.
func (c *CountLimit) Bursty() bool { return c.Variance >= overdispersed*c.Mean }

// limit returns the largest number whose tail is not rare yet, by doubling and
// halving.
func (c *CountLimit) limit() uint64 {
	low, high := uint64(c.Mean), 2*uint64(c.Mean)+1
	for c.tail(high+1) >= countTail && high < 1<<40 {
		low, high = high, 2*high
	}
	for low < high {
		if mid := (low + high) / 2; c.tail(mid+1) < countTail {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}

// tail returns the chance of n connections or more in an hour.
func (c *CountLimit) tail(n uint64) float64 {
	if n == 0 {
		return 1
	}
	if c.Bursty() {
		size := c.Mean * c.Mean / (c.Variance - c.Mean)
		return betaCDF(1-size/(size+c.Mean), float64(n), size)
	}
	return poissonTail(float64(n), c.Mean)
}

// poissonTail returns the chance of n or more where mean are expected: the sum of
// the terms from n on, of which few matter, or one less those before it.
func poissonTail(n, mean float64) float64 {
	if n <= mean {
		return 1 - poissonSum(n-1, mean, func(i float64) float64 { return i / mean }, -1)
	}
	return poissonSum(n, mean, func(i float64) float64 { return mean / (i + 1) }, 1)
}

// poissonSum adds terms from i on, each the one before it times ratio, until they
// no longer matter.
func poissonSum(i, mean float64, ratio func(float64) float64, step float64) float64 {
	if i < 0 {
		return 0
	}
	term := math.Exp(i*math.Log(mean) - mean - lnGamma(i+1))
	sum := 0.0
	for ; i >= 0 && term > 1e-18*sum && term > 0; i += step {
		sum += term
		term *= ratio(i)
	}
	return min(1, sum)
}
