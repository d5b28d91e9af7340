package learn

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// A Drift finds what grows slowly: an upper CUSUM (Page 1954) of the logarithm of
// the bytes that go up on a day. A budget of hours cannot see a leak that stays
// below it, its sum over days can.
type Drift struct {
	Days   int     // that were learned, of those on which there was anything
	Centre float64 // median of ln(1+bytes), more where days lean to the larger side
	Spread float64 // 1.4826 times the median absolute deviation, more where the tail is heavy
	Limit  float64 // of the sum; 0: too few days
}

const (
	minDriftDays = 14
	driftSlack   = 0.5 // in standard deviations: half of the shift that is to be found quickest
	// driftMost bounds what one day adds: a single backup is what the budget of
	// hours is for.
	driftMost = 3
	// minSpread keeps an agent that does the same every day from raising an alarm
	// for one per cent more: a tenth.
	minSpread = 0.1
)

// driftLimit is the limit of the sum for days that centre and spread were found
// from: with few of them both are uncertain, and the usual 5 would be too little.
func driftLimit(days int) float64 { return 6 + 90/float64(days) }

// NewDrift learns from the bytes of days, in order.
func NewDrift(days []uint64) Drift {
	d := Drift{Days: len(days)}
	if len(days) < minDriftDays {
		return d
	}
	logs := make([]float64, len(days))
	for i, n := range days {
		logs[i] = math.Log1p(float64(n))
	}
	d.Centre = median(slices.Clone(logs))
	off := make([]float64, len(days))
	for i := range logs {
		off[i] = math.Abs(logs[i] - d.Centre)
	}
	d.Spread = max(minSpread, 1.4826*median(off))
	lean, width := d.shape(logs)
	d.Centre, d.Spread = d.Centre+d.Spread*max(0, lean), d.Spread*max(1, width)
	d.Limit = max(driftLimit(len(days)), 1.25*d.highest(days))
	return d
}

// shape returns how much more days are than the median one, on average, and their
// standard deviation, both in spreads: a skewed distribution, or one with a heavy
// tail, would climb by itself.
func (d *Drift) shape(logs []float64) (lean, width float64) {
	for _, y := range logs {
		lean += d.above(y) / float64(len(logs))
	}
	for _, y := range logs {
		width += (d.above(y) - lean) * (d.above(y) - lean) / float64(len(logs)-1)
	}
	return lean, math.Sqrt(width)
}

// above returns by how many standard deviations a day is above the usual.
func (d *Drift) above(log float64) float64 {
	return max(-driftMost, min(driftMost, (log-d.Centre)/d.Spread))
}

// highest returns how far the sum went while it was learned: work that has always
// come in waves is to raise no alarm for the next one.
func (d *Drift) highest(days []uint64) (most float64) {
	sum := 0.0
	for _, n := range days {
		sum = d.Next(sum, n)
		most = max(most, sum)
	}
	return most
}

// Next returns the sum after a further day.
func (d *Drift) Next(sum float64, bytes uint64) float64 {
	return cusum(sum, d.above(math.Log1p(float64(bytes))), driftSlack)
}

// Found says whether a sum is a finding.
func (d *Drift) Found(sum float64) bool { return d.Limit > 0 && sum > d.Limit }

// DaysFor returns after how many days a leak of so many bytes a day, beside the
// usual, is found; 0 if never.
func (d *Drift) DaysFor(leak uint64) int {
	usual := math.Expm1(d.Centre)
	step := d.Next(0, uint64(usual)+leak)
	if d.Limit == 0 || step <= 0 {
		return 0
	}
	return int(d.Limit/step) + 1
}

// LeakIn returns the smallest leak a day, beside the usual, that is found within so
// many days.
func (d *Drift) LeakIn(days int) uint64 {
	z := driftSlack + d.Limit/(float64(days)-0.5)
	if d.Limit == 0 || z > driftMost {
		return 0
	}
	return uint64(math.Expm1(d.Centre+z*d.Spread) - math.Expm1(d.Centre))
}

// cusum is one step of Page's upper cumulative sum.
func cusum(sum, z, slack float64) float64 { return max(0, sum+z-slack) }

// median sorts list.
func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	n := len(list)
	return (list[(n-1)/2] + list[n/2]) / 2
}

// inOrder returns the values of m by their keys.
func inOrder[K cmp.Ordered, V any](m map[K]V) []V {
	out := make([]V, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}
