package enforce_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"tripline/enforce"
)

// A simulated source: when its next record comes after one.
type simulated struct {
	name string
	next func(r *rand.Rand, at time.Time) time.Duration
	// died are instants after the learned weeks at which it may die, and how soon
	// that must be known.
	died map[time.Duration]time.Duration
}

// exp is a waiting time without memory.
func exp(r *rand.Rand, mean time.Duration) time.Duration {
	return time.Second + time.Duration(r.ExpFloat64()*float64(mean))
}

// untilWork returns how long it is from at until work begins, 0 during work.
func untilWork(r *rand.Rand, at time.Time, weekend bool) time.Duration {
	free := func(t time.Time) bool {
		quiet := weekend && (t.Weekday() == time.Saturday || t.Weekday() == time.Sunday)
		return quiet || t.Hour() < 8 || t.Hour() >= 18
	}
	if !free(at) {
		return 0
	}
	t := at.Truncate(time.Hour)
	for free(t) {
		t = t.Add(time.Hour)
	}
	return t.Sub(at) + time.Duration(r.IntN(1200))*time.Second
}

func working(mean time.Duration, weekend bool) func(*rand.Rand, time.Time) time.Duration {
	return func(r *rand.Rand, at time.Time) time.Duration {
		wait := exp(r, mean)
		return wait + untilWork(r, at.Add(wait), weekend)
	}
}

var rhythms = []simulated{
	{
		"steady", func(r *rand.Rand, _ time.Time) time.Duration { return exp(r, 20*time.Second) },
		map[time.Duration]time.Duration{12 * time.Hour: 15 * time.Minute},
	},
	{
		"quiet at night", working(30*time.Second, false),
		map[time.Duration]time.Duration{12 * time.Hour: 45 * time.Minute, 23 * time.Hour: 24 * time.Hour},
	},
	{
		"quiet at weekends", working(30*time.Second, true),
		map[time.Duration]time.Duration{12 * time.Hour: 45 * time.Minute, 5*24*time.Hour + 12*time.Hour: 100 * time.Hour},
	},
	{"a burst every few hours", func(r *rand.Rand, _ time.Time) time.Duration {
		if r.IntN(50) == 0 {
			return exp(r, 3*time.Hour)
		}
		return exp(r, 2*time.Second)
	}, map[time.Duration]time.Duration{12 * time.Hour: 72 * time.Hour}},
	{"a cron job", func(r *rand.Rand, at time.Time) time.Duration {
		return at.Truncate(time.Hour).Add(time.Hour + time.Duration(5+r.IntN(10))*time.Second).Sub(at)
	}, map[time.Duration]time.Duration{12 * time.Hour: 2 * time.Hour}},
}

// monday is when the simulations begin.
var monday = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// lived feeds a rhythm with weeks of a source. It returns how often it would have
// been told that it is silent while it was not, after the first weeks, and how often
// that was to be expected by what the rhythm says.
func lived(r *rand.Rand, s simulated, weeks, first int) (rhythm *enforce.Rhythm, wrong int, expected float64) {
	rhythm = &enforce.Rhythm{}
	end, from, day := monday.AddDate(0, 0, 7*weeks), monday.AddDate(0, 0, 7*first), time.Time{}
	for at := monday; at.Before(end); {
		rhythm.Heard(at)
		if at.After(from) && at.Sub(day) > 24*time.Hour {
			day = at
			expected += 24 * float64(time.Hour) / float64(rhythm.Limit().Often)
		}
		wait := s.next(r, at)
		if wait > enforce.RhythmFloor && wait > rhythm.Limit().Silence {
			rhythm.Told()
			if at.After(from) {
				wrong++
			}
		}
		at = at.Add(wait)
	}
	return rhythm, wrong, expected
}

// TestRhythmFalseAlarms holds the promise of Limit on simulated sources: no more
// false alarms than it says, with room for chance.
func TestRhythmFalseAlarms(t *testing.T) {
	const weeks, first, worlds = 18, 4, 2
	for i, s := range rhythms {
		wrong, expected := 0, 0.0
		for world := range worlds {
			_, n, e := lived(rand.New(rand.NewPCG(uint64(i), uint64(world))), s, weeks, first)
			wrong, expected = wrong+n, expected+e
		}
		t.Logf("%-25s %2d false alarms in %d weeks; the rhythm says %.1f", s.name, wrong, worlds*(weeks-first), expected)
		if float64(wrong) > expected+3*math.Sqrt(expected) {
			t.Errorf("%s: %d false alarms, want %.1f and no more than chance adds", s.name, wrong, expected)
		}
		if limit := expected / (worlds * (weeks - first)); limit > 1 {
			t.Errorf("%s: it says %.1f false alarms a week", s.name, limit)
		}
	}
}

// TestRhythmFindsDeath: a source that dies is told soon where it talks much, and
// later where it is quiet anyway.
func TestRhythmFindsDeath(t *testing.T) {
	for i, s := range rhythms {
		rhythm, _, _ := lived(rand.New(rand.NewPCG(uint64(i), 99)), s, 12, 12)
		text, err := json.Marshal(rhythm)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 32<<10 {
			t.Errorf("%s: its state has %d bytes", s.name, len(text))
		}
		for after, soon := range s.died {
			var again enforce.Rhythm
			if err := json.Unmarshal(text, &again); err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(uint64(i), 7))
			at := again.Last()
			for died := monday.AddDate(0, 0, 12*7).Add(after); at.Before(died); at = at.Add(s.next(r, at)) {
				again.Heard(at)
			}
			limit := again.Limit()
			t.Logf("%-25s dies %s after midnight of Monday: told after %s", s.name, after, limit.Silence.Round(time.Minute))
			if limit.Silence > soon || limit.Silence < enforce.RhythmFloor {
				t.Errorf("%s: died %s after midnight of Monday, is told after %s, want at most %s", s.name, after, limit.Silence, soon)
			}
		}
	}
}

// TestRhythmForgivesOutages: an outage that was told does not make the next one
// last longer before it is told.
func TestRhythmForgivesOutages(t *testing.T) {
	s := rhythms[0]
	r := rand.New(rand.NewPCG(1, 2))
	rhythm, _, _ := lived(r, s, 6, 6)
	before := rhythm.Limit().Silence
	rhythm.Told()
	for at := rhythm.Last().Add(30 * time.Hour); at.Before(monday.AddDate(0, 0, 7*7)); at = at.Add(s.next(r, at)) {
		rhythm.Heard(at)
	}
	if after := rhythm.Limit().Silence; after > before+time.Minute {
		t.Errorf("told after %s before an outage, after %s since", before, after)
	}
}

// TestRhythmSurvivesClocks: stamps that jump by years, forward and back, leave what
// was learned, and what comes after them is heard.
func TestRhythmSurvivesClocks(t *testing.T) {
	s := rhythms[0]
	r := rand.New(rand.NewPCG(3, 4))
	rhythm, _, _ := lived(r, s, 4, 4)
	before, at := rhythm.Limit(), rhythm.Last()
	for _, years := range []int{1, 0, -30, 0} {
		rhythm.Heard(at.AddDate(years, 0, 0))
	}
	rhythm.Heard(at.Add(time.Minute))
	if after := rhythm.Limit(); after.Silence > before.Silence+time.Minute || !rhythm.Last().Equal(at.Add(time.Minute)) {
		t.Errorf("got %v at %s, want %v at %s", after, rhythm.Last(), before, at.Add(time.Minute))
	}
}

// TestRhythmUnlearned: nobody knows yet what is usual.
func TestRhythmUnlearned(t *testing.T) {
	var r enforce.Rhythm
	if got := r.Limit(); got.Silence != enforce.RhythmFloor || got.Often != 0 {
		t.Errorf("got %v", got)
	}
	if !r.Last().IsZero() {
		t.Errorf("it heard something at %s", r.Last())
	}
}

// FuzzRhythm: whatever was kept and whatever comes, limits are sane and what is
// kept reads back.
func FuzzRhythm(f *testing.F) {
	f.Add([]byte(`{"v":1,"last":1767571200,"hours":[[60],[-60]]}`), int64(1767571300), int64(90))
	f.Add([]byte(`{"v":1,"last":-5,"longest":9,"hours":[]}`), int64(-7200), int64(-1))
	f.Add([]byte(`{"v":2}`), int64(0), int64(0))
	f.Fuzz(func(t *testing.T, text []byte, stamp, more int64) {
		var r enforce.Rhythm
		if json.Unmarshal(text, &r) != nil {
			return
		}
		for i := range int64(50) {
			r.Heard(time.Unix(stamp+i*more, 0))
			if more%3 == 0 {
				r.Told()
			}
			if got := r.Limit(); got.Silence < enforce.RhythmFloor || got.Often < 0 {
				t.Fatalf("got %v", got)
			}
		}
		kept, err := json.Marshal(&r)
		var again enforce.Rhythm
		if err != nil || json.Unmarshal(kept, &again) != nil || again.Limit() != r.Limit() {
			t.Fatalf("kept %s: %v", kept, err)
		}
	})
}

func BenchmarkRhythm(b *testing.B) {
	var r enforce.Rhythm
	at := monday
	b.ReportAllocs()
	for b.Loop() {
		r.Heard(at)
		at = at.Add(100 * time.Millisecond)
	}
}
