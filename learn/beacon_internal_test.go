package learn

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestRegularity has worked examples of RITA's documentation of its scores.
func TestRegularity(t *testing.T) {
	for _, c := range []struct {
		name   string
		values []float64
		small  float64
		want   float64
	}{
		{"perfect", []float64{60, 60, 60, 60, 60, 60, 60, 60, 60}, 1, 1},
		{"a little jitter", []float64{98, 99, 99, 100, 100, 100, 101, 101, 102}, 1, 0.995},
		{"two intervals", []float64{98, 300, 98, 300, 98, 300, 98, 300, 98, 300}, 1, 0.746},
		{"random", []float64{1, 299, 25, 4975, 90, 2, 42, 500, 1500}, 1, 0.083},
		{"sizes in a row", []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 0, 0.773},
		{"no sizes at all", []float64{0, 0, 0, 0}, 0, 0.5},
	} {
		if got := regularity(c.values, c.small); math.Abs(got-c.want) > 0.0011 {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

const wholeDay = 86400

// calls are the times of a machine that calls home, and what it sends.
func calls(every, jitter float64, r *rand.Rand) (times []int64, sizes []float64) {
	for at := 7.0; at < wholeDay; at += every + jitter*(r.Float64()-0.5) {
		times, sizes = append(times, int64(at)), append(sizes, 320)
	}
	return times, sizes
}

func TestBeaconsScoreHigh(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct {
		every, jitter, least float64
	}{{60, 0, 0.99}, {300, 0, 0.98}, {300, 90, 0.9}, {3600, 600, 0.85}} {
		times, sizes := calls(c.every, c.jitter, r)
		b, ok := NewBeacon(times, sizes, 0, wholeDay)
		if !ok || b.Score < c.least {
			t.Errorf("every %v s, jitter %v: got %+v, want at least %v", c.every, c.jitter, b, c.least)
		}
	}
	// A person at work: bursts of pages of all sizes, in the morning.
	var times []int64
	var sizes []float64
	for at := 9.0 * 3600; at < 12*3600; at += 1 + 600*r.ExpFloat64()*r.Float64() {
		for i := range 1 + r.Int64N(5) {
			times, sizes = append(times, int64(at)+i*i), append(sizes, 500*math.Exp(2*r.NormFloat64()))
		}
	}
	if b, _ := NewBeacon(times, sizes, 0, wholeDay); b.Score > 0.5 {
		t.Errorf("a person: got %+v, want less than 0.5", b)
	}
}

func TestBeaconNeedsEnough(t *testing.T) {
	for name, times := range map[string][]int64{
		"none": {}, "three": {1, 2, 3}, "all at once": {5, 5, 5, 5, 5}, "two intervals": {1, 2, 2, 2, 3},
	} {
		if b, ok := NewBeacon(times, make([]float64, len(times)), 0, wholeDay); ok {
			t.Errorf("%s: got %+v, want none", name, b)
		}
	}
	if _, ok := NewBeacon([]int64{1, 2, 3, 4}, []float64{1, 1, 1, 1}, 9, 9); ok {
		t.Error("a span of nothing has a score")
	}
}

// TestBars: the figures of a histogram by hand.
func TestBars(t *testing.T) {
	bars := make([]float64, beaconBars)
	for i := range 12 {
		bars[2*i] = 10
	}
	if got := duration(bars, 22*3600, wholeDay); got != 0.917 {
		t.Errorf("every second hour: duration %v, want 22/24", got)
	}
	if got := bimodality(bars); got != 1 {
		t.Errorf("every second hour: %v, want 1: all of one height", got)
	}
	if got := flatness(bars); got != 0 {
		t.Errorf("every second hour: %v, want 0: the standard deviation is the mean", got)
	}
	wrap := make([]float64, beaconBars)
	for _, h := range []int{21, 22, 23, 0, 1, 2, 3, 4, 5} {
		wrap[h] = 1
	}
	if got := duration(wrap, 6*3600, wholeDay); got != 0.75 {
		t.Errorf("nine hours around midnight: %v, want 9/12", got)
	}
}
