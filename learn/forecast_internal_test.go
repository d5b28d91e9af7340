package learn

import (
	"math"
	"testing"
)

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if math.Abs(got-want) > within || math.IsNaN(got) {
		t.Errorf("%s: got %.6g, want %.6g", what, got, want)
	}
}

// TestBetaIsThatOfTables: closed forms, and quantiles of published tables
// (F and binomial).
func TestBetaIsThatOfTables(t *testing.T) {
	for _, x := range []float64{0, 1e-6, 0.01, 0.3, 0.5, 0.9, 1 - 1e-9, 1} {
		near(t, "I(1,1)", betaCDF(x, 1, 1), x, 1e-13)
		near(t, "I(3,1)", betaCDF(x, 3, 1), x*x*x, 1e-13)
		near(t, "I(1,7)", betaCDF(x, 1, 7), 1-math.Pow(1-x, 7), 1e-13)
		near(t, "I(1/2,1/2)", betaCDF(x, 0.5, 0.5), 2/math.Pi*math.Asin(math.Sqrt(x)), 1e-10)
		near(t, "symmetry", betaCDF(x, 40, 3), 1-betaCDF(1-x, 3, 40), 1e-12)
	}
	near(t, "binomial 3 of 10 at 0.2", tailOf(3, 10, 0.2), 0.3222004736, 1e-9)
	near(t, "median of B(2,2)", betaInv(0.5, 2, 2), 0.5, 1e-12)
	near(t, "large", betaCDF(0.5, 5000, 5000), 0.5, 1e-9)
	_, high := clopper(1, 71)
	near(t, "1 of 71", high, 0.065, 0.0005)
	_, high = clopper(0, 59)
	near(t, "0 of 59", high, 1-math.Pow(0.05, 1./59), 1e-12)
	if low, high := clopper(9, 9); low < 0.7 || high != 1 {
		t.Errorf("9 of 9: got %g to %g", low, high)
	}
}

// TestWorkedVector is worked by hand: 142 units, 3 keys seen once in 3 units, 2
// seen twice.
func TestWorkedVector(t *testing.T) {
	chance, most := leaveOneOut(142, 3, 2)
	near(t, "S1/T", chance, 0.0211, 5e-5)
	near(t, "p_U", most, 0.0516, 5e-5)
	near(t, "f0", chao(142, 3, 2), 2.234, 5e-4)
	c := counts{units: 142, once: 3, twice: 2}
	d, wide := c.extrapolate(71)
	near(t, "D(71)", d, 1.089, 5e-4)
	near(t, "upper", d+wide, 3.78, 5e-3)
}

func TestNothingNewIsThreeByTheHours(t *testing.T) {
	for _, n := range []int{20, 59, 300, 5000} {
		near(t, "bound", zeroNew(n)*float64(n), 3, 0.25)
	}
	near(t, "59 hours", zeroNew(59), 0.0495, 0.0005)
}

// TestAtMostIsTheUrn: with none new in 20 and 20 to come, five new would all be
// among the latter in less than one of 32 ways.
func TestAtMostIsTheUrn(t *testing.T) {
	for _, c := range []struct{ k, h, m, want int }{
		{0, 20, 20, 4}, {0, 60, 20, 2}, {0, 100, 1, 0}, {0, 100, 10, 1}, {20, 20, 5, 5}, {1, 71, 71, 6},
	} {
		if got := atMost(c.k, c.h, c.m); got != c.want {
			t.Errorf("%d of %d, next %d: got %d, want %d", c.k, c.h, c.m, got, c.want)
		}
	}
	near(t, "all ways", drawn(5, 12, 7, 5), 1, 1e-12)
	near(t, "none", drawn(0, 4, 4, 1), 0.5, 1e-12)
}
