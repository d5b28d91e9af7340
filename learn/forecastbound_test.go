package learn_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"tripline/learn"
)

// A process is what a made-up agent does: which destinations it talks to in the
// next hour.
type process interface{ hour(*rand.Rand) []int }

// pool draws some of many destinations that are not equally likely.
type pool struct {
	size, draws int
	skew        float64
}

func (p *pool) hour(rng *rand.Rand) (out []int) {
	for range p.draws {
		out = append(out, int(float64(p.size)*math.Pow(rng.Float64(), p.skew)))
	}
	return out
}

// turning is a service behind a pool of addresses, beside a few that are always
// the same.
type turning struct{ size int }

func (p *turning) hour(rng *rand.Rand) []int {
	out := []int{-1, -2, -3}
	for range 4 {
		out = append(out, rng.IntN(p.size))
	}
	return out
}

// bursty holds on to the destinations of a session for some hours.
type bursty struct {
	size int
	left int
	now  []int
}

func (p *bursty) hour(rng *rand.Rand) []int {
	if p.left--; p.left < 0 {
		p.left = rng.IntN(6)
		p.now = (&pool{p.size, 3, 3}).hour(rng)
	}
	return p.now
}

// clustered does one of some tasks an hour, each with destinations of its own.
type clustered struct{ tasks int }

func (p *clustered) hour(rng *rand.Rand) (out []int) {
	task := int(float64(p.tasks) * math.Pow(rng.Float64(), 2))
	for i := range 3 + task%6 {
		out = append(out, task*10+i)
	}
	return out
}

// drifting takes up something new every now and then, uses it often and leaves
// it: hardly anything is ever seen in one hour alone.
type drifting struct{ born, hours int }

func (p *drifting) hour(rng *rand.Rand) (out []int) {
	if p.hours++; p.hours%5 == 0 {
		p.born++
	}
	for i := range 6 {
		if i == 0 || rng.IntN(2) == 0 {
			out = append(out, p.born-i)
		}
	}
	return out
}

// quickening takes up ever more.
type quickening struct{ hours int }

func (p *quickening) hour(rng *rand.Rand) []int {
	p.hours++
	now := p.hours * p.hours / 400
	return []int{now, now - rng.IntN(4), now - rng.IntN(8)}
}

// sightings makes destinations of what a process does, hour by hour.
type sightings struct {
	index map[int]int
	ds    []learn.Destination
}

func (tr *sightings) hour(b learn.Block, ids []int) {
	for _, id := range ids {
		i, ok := tr.index[id]
		if !ok {
			i = len(tr.ds)
			tr.index[id] = i
			tr.ds = append(tr.ds, learn.Destination{Target: learn.Target{Name: strconv.Itoa(id)}})
		}
		if d := &tr.ds[i]; !slices.Contains(d.Blocks[max(0, len(d.Blocks)-1):], b) {
			d.Blocks = append(d.Blocks, b)
		}
	}
}

// A future is what a process did next.
type future struct {
	chance    float64 // share of hours in which something unseen came up
	day, week int     // unseen in 24 and 168 hours
}

// next goes on for a week with what was seen before.
func (tr *sightings) next(p process, rng *rand.Rand) (f future) {
	unseen, last := map[int]bool{}, []int(nil)
	for h := range 168 {
		now, up := p.hour(rng), false
		for _, id := range now {
			if _, ok := tr.index[id]; !ok {
				up = up || !slices.Contains(last, id)
				unseen[id] = true
			}
		}
		if up {
			f.chance += 1. / 168
		}
		if last = slices.Clone(now); h == 23 {
			f.day = len(unseen)
		}
	}
	f.week = len(unseen)
	return f
}

// A score is how often the bounds held.
type score struct{ reps, doubts, chance, day, days, week, weeks int }

func (s *score) add(f *learn.Forecast, is future) {
	s.reps++
	if f.Doubt != "" {
		s.doubts++
	}
	if is.chance <= f.AtMost {
		s.chance++
	}
	if a := f.Expectation(24); a != nil {
		s.days++
		if is.day <= a.AtMost {
			s.day++
		}
	}
	if a := f.Expectation(168); a != nil {
		s.weeks++
		if is.week <= a.AtMost {
			s.week++
		}
	}
}

func simulate(p func() process, hours int) (s score) {
	rng := rand.New(rand.NewPCG(7, 7))
	for range 200 {
		tr, p := sightings{index: map[int]int{}}, p()
		for h := range hours {
			tr.hour(learn.Block(492000+h), p.hour(rng))
		}
		s.add(learn.Hours(tr.ds, learn.NameKey).Forecast(learn.ByName), tr.next(p, rng))
	}
	return s
}

// TestForecastBoundHolds asks of bounds at 95 % that they hold in 90 % of made-up
// observations, and that hardly any is called in doubt.
func TestForecastBoundHolds(t *testing.T) {
	for _, c := range []struct {
		name  string
		hours int
		make  func() process
	}{
		{"pool of 200", 200, func() process { return &pool{200, 3, 2} }},
		{"pool of 1000", 200, func() process { return &pool{1000, 4, 2} }},
		{"small agent", 168, func() process { return &pool{25, 3, 2} }},
		{"rotating, 64 addresses", 168, func() process { return &turning{64} }},
		{"rotating, 1000 addresses", 168, func() process { return &turning{1000} }},
		{"bursty sessions", 240, func() process { return &bursty{size: 300} }},
		{"clustered tasks", 200, func() process { return &clustered{40} }},
		{"many clustered tasks", 168, func() process { return &clustered{200} }},
		{"30 hours of a pool", 30, func() process { return &pool{200, 3, 2} }},
		{"30 hours of a small agent", 30, func() process { return &pool{25, 3, 2} }},
		{"30 hours of tasks", 30, func() process { return &clustered{40} }},
		{"20 hours of a pool", 20, func() process { return &pool{200, 3, 2} }},
		{"20 hours of a small agent", 20, func() process { return &pool{25, 3, 2} }},
		{"20 hours of tasks", 20, func() process { return &clustered{40} }},
		{"20 hours of a rotating service", 20, func() process { return &turning{64} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := simulate(c.make, c.hours)
			t.Logf("of %d: chance %d, day %d of %d, week %d of %d; in doubt %d", s.reps, s.chance, s.day, s.days, s.week, s.weeks, s.doubts)
			if 10*s.chance < 9*s.reps || 10*s.day < 9*s.days || 10*s.week < 9*s.weeks {
				t.Error("a bound held in less than 90 %")
			}
			if 20*s.doubts > s.reps {
				t.Error("more than 5 % were called in doubt")
			}
		})
	}
}

// TestDriftIsSeen: where the agent's work changes the bounds do not hold, and the
// forecast says so.
func TestDriftIsSeen(t *testing.T) {
	for name, p := range map[string]func() process{
		"steady turnover": func() process { return &drifting{} },
		"ever more":       func() process { return &quickening{} },
	} {
		t.Run(name, func(t *testing.T) {
			s := simulate(p, 200)
			t.Logf("of %d: chance %d, day %d, week %d; in doubt %d", s.reps, s.chance, s.day, s.week, s.doubts)
			if 20*s.doubts < 19*s.reps {
				t.Error("less than 95 % were called in doubt")
			}
		})
	}
}
