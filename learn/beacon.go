package learn

import (
	"math"
	"slices"
)

// A Beacon is how much the connections to one place look like a machine that calls
// home: the statistics of RITA 5.1 over a day. Each score is from 0 to 1.
type Beacon struct {
	Score                         float64
	Times, Sizes, Hours, Duration float64
}

const (
	beaconBars    = 24   // of the histogram
	beaconMinBars = 6    // for the duration to say anything
	beaconModes   = 11   // bars, for two modes to say anything
	beaconIdeal   = 12   // hours one after the other that are as good as it gets
	beaconBucket  = 0.05 // of the highest bar: bars that near are as high
)

// NewBeacon scores connections by when they began (seconds, ascending), what was
// sent in each, and the span of what was observed. Fewer than four, or fewer than
// three intervals that are not nothing, have no score.
func NewBeacon(times []int64, sizes []float64, from, to int64) (b Beacon, ok bool) {
	if len(times) < 4 || len(sizes) < 3 || to <= from || times[len(times)-1] <= times[0] {
		return b, false
	}
	gaps := make([]float64, 0, len(times))
	for i := 1; i < len(times); i++ {
		if gap := times[i] - times[i-1]; gap > 0 {
			gaps = append(gaps, float64(gap))
		}
	}
	if len(gaps) < 3 {
		return b, false
	}
	bars := histogram(times, from, to)
	b.Times, b.Sizes = regularity(gaps, 1), regularity(slices.Clone(sizes), 0)
	b.Hours = max(flatness(bars), bimodality(bars))
	b.Duration = duration(bars, times[len(times)-1]-times[0], to-from)
	b.Score = thousandths((b.Times + b.Sizes + b.Hours + b.Duration) / 4)
	return b, true
}

func thousandths(v float64) float64 { return math.Round(v*1000) / 1000 }

// regularity is the mean of how symmetric values are (Bowley's skewness) and how
// near they are to their median. It sorts them.
func regularity(values []float64, small float64) float64 {
	slices.Sort(values)
	middle := median(values)
	off := make([]float64, len(values))
	for i, v := range values {
		off[i] = math.Abs(v - middle)
	}
	near := small
	if middle >= 1 {
		near = max(0, (middle-median(off))/middle)
	}
	return thousandths((1 - math.Abs(skewness(values)) + near) / 2)
}

// skewness is Bowley's, of sorted values; quartiles are medians of the halves.
func skewness(sorted []float64) float64 {
	n := len(sorted)
	q1, q2, q3 := median(slices.Clone(sorted[:n/2])), median(slices.Clone(sorted)), median(slices.Clone(sorted[(n+1)/2:]))
	if q3-q1 < 10 || q2 == q1 || q2 == q3 {
		return 0
	}
	return (q1 + q3 - 2*q2) / (q3 - q1)
}

// histogram counts times in equal parts of a span.
func histogram(times []int64, from, to int64) []float64 {
	bars := make([]float64, beaconBars)
	for _, t := range times {
		bars[min(beaconBars-1, max(0, int((t-from)*beaconBars/(to-from))))]++
	}
	return bars
}

// flatness is one less the coefficient of variation.
func flatness(bars []float64) float64 {
	sum, square := 0.0, 0.0
	for _, n := range bars {
		sum += n
	}
	mean := sum / float64(len(bars))
	for _, n := range bars {
		square += (n - mean) * (n - mean)
	}
	return thousandths(max(0, 1-math.Sqrt(square/float64(len(bars)))/mean))
}

// bimodality is which part of the bars has one of two heights; one may have
// another.
func bimodality(bars []float64) float64 {
	bucket := math.Ceil(slices.Max(bars) * beaconBucket)
	heights, n := map[float64]int{}, 0
	for _, bar := range bars {
		if bar > 0 {
			heights[math.Floor(bar/bucket)]++
			n++
		}
	}
	if n < beaconModes {
		return 0
	}
	first, second := 0, 0
	for _, many := range heights {
		first, second = max(first, many), max(second, min(first, many))
	}
	return thousandths(min(1, float64(first+second)/float64(max(1, n-1))))
}

// duration is which part of the span there were connections in, or how many hours
// one after the other, around midnight too.
func duration(bars []float64, lasted, span int64) float64 {
	n, run, longest := 0, 0, 0
	for i := range 2 * len(bars) {
		if bars[i%len(bars)] == 0 {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
		if i < len(bars) {
			n++
		}
	}
	if n < beaconMinBars {
		return 0
	}
	up := func(v float64) float64 { return min(1, math.Ceil(v*1000)/1000) }
	return max(up(float64(lasted)/float64(span)), up(float64(min(longest, len(bars)))/beaconIdeal))
}
