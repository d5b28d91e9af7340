package learn

import "math"

// betaCDF returns the regularised incomplete beta function I_x(a, b), the
// chance that a beta variable is below x: the continued fraction of DLMF
// 8.17.22, evaluated by Lentz's method. A statistics library would be a
// thousand times its size.
func betaCDF(x, a, b float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	case x > (a+1)/(a+b+2): // there the fraction of the other tail converges
		return 1 - betaCDF(1-x, b, a)
	}
	front := math.Exp(a*math.Log(x)+b*math.Log1p(-x)-lnBeta(a, b)) / a
	return min(1, front*betaFraction(x, a, b))
}

func lnBeta(a, b float64) float64 { return lnGamma(a) + lnGamma(b) - lnGamma(a+b) }

func lnGamma(x float64) float64 {
	v, _ := math.Lgamma(x) // the sign is that of positive arguments
	return v
}

func betaFraction(x, a, b float64) float64 {
	const tiny, terms = 1e-300, 1000
	c, d := 1.0, 1/nonzero(1-(a+b)*x/(a+1), tiny)
	h := d
	for m := 1.0; m < terms; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		was := h
		for _, n := range [...]float64{even, odd} {
			d = 1 / nonzero(1+n*d, tiny)
			c = nonzero(1+n/c, tiny)
			h *= c * d
		}
		if math.Abs(h-was) < 1e-15*math.Abs(h) {
			break
		}
	}
	return h
}

func nonzero(v, tiny float64) float64 {
	if math.Abs(v) < tiny {
		return tiny
	}
	return v
}

// betaInv returns the x at which betaCDF is p, by bisection: it is asked a few
// times for each forecast.
func betaInv(p, a, b float64) float64 {
	low, high := 0.0, 1.0
	for range 60 {
		if x := (low + high) / 2; betaCDF(x, a, b) < p {
			low = x
		} else {
			high = x
		}
	}
	return (low + high) / 2
}

// clopper returns the exact bounds (Clopper and Pearson 1934), each at 95 %, on
// a chance that came true k times in n.
func clopper(k, n int) (low, high float64) {
	high = 1
	if k > 0 {
		low = betaInv(1-sure, float64(k), float64(n-k+1))
	}
	if k < n {
		high = betaInv(sure, float64(k+1), float64(n-k))
	}
	return low, high
}

// tailOf returns the chance that at least k of n come true, each with chance p.
func tailOf(k, n int, p float64) float64 {
	if k <= 0 {
		return 1
	}
	return betaCDF(p, float64(k), float64(n-k+1))
}

// atMost returns how many of the next m units can be new at 95 % where k of the
// last h were: the largest number that is no surprise beside them if both are
// drawn from one urn (hypergeometric, so exact for exchangeable units).
func atMost(k, h, m int) int {
	for x := range m {
		if drawn(k, h, m, k+x+1) <= 1-sure {
			return x
		}
	}
	return m
}

// drawn returns the chance that of new units among h+m at most k are in the h.
func drawn(k, h, m, news int) float64 {
	sum := 0.0
	for i := max(0, news-m); i <= min(k, h, news); i++ {
		sum += math.Exp(lnChoose(h, i) + lnChoose(m, news-i) - lnChoose(h+m, news))
	}
	return sum
}

func lnChoose(n, k int) float64 {
	return lnGamma(float64(n+1)) - lnGamma(float64(k+1)) - lnGamma(float64(n-k+1))
}
