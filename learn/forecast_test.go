package learn_test

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tripline/learn"
)

// placeIn is a destination seen in these hours.
func placeIn(name string, hours ...int) learn.Destination {
	d := learn.Destination{Agent: "bot", Target: learn.Target{Name: name}}
	for _, h := range hours {
		d.Blocks = append(d.Blocks, learn.Block(492000+h))
	}
	return d
}

// worked is the observation of 142 hours of 336, with 31 destinations: three of
// them in one hour each, two in two.
func worked() []learn.Destination {
	var ds []learn.Destination
	for i := range 26 {
		d := placeIn("often" + strconv.Itoa(i))
		for h := range 142 {
			if h == 0 || h == 141 || i == 0 || h%13 == i%13 && h > 13 {
				d.Blocks = append(d.Blocks, at(h))
			}
		}
		ds = append(ds, d)
	}
	rare := [][]int{{10}, {30}, {100}, {5, 60}, {20, 50}}
	for i, hours := range rare {
		d := placeIn("rare" + strconv.Itoa(i))
		for _, h := range hours {
			d.Blocks = append(d.Blocks, at(h))
		}
		ds = append(ds, d)
	}
	return ds
}

// at spreads 142 hours over 336.
func at(h int) learn.Block { return learn.Block(492000 + h*335/141) }

// TestForecastOfTheWorkedVector: the figures were worked by hand.
func TestForecastOfTheWorkedVector(t *testing.T) {
	f := learn.Hours(worked(), learn.NameKey).Forecast(learn.ByName)
	if f.Units != 142 || f.Keys != 31 || f.Once != 3 || f.Twice != 2 || f.Alone != 3 || f.Doubt != "" {
		t.Fatalf("got %+v", f)
	}
	week := f.Expectation(168)
	for _, c := range []struct {
		what            string
		got, want, near float64
	}{
		{"chance", f.Chance, 0.0211, 5e-5},
		{"bound", f.AtMost, 0.0516, 5e-5},
		{"remain", f.Remain, 2.234, 5e-4},
		{"late", f.Late.Chance, 0.065, 5e-4},
		{"units of a week", week.Units, 71, 1e-9},
		{"expected", week.Expected, 1.089, 5e-4},
		{"at most", float64(week.AtMost), 4, 0},
	} {
		if math.Abs(c.got-c.want) > c.near {
			t.Errorf("%s: got %.5f, want %.5f", c.what, c.got, c.want)
		}
	}
}

func TestForecastIgnoresOrder(t *testing.T) {
	ds := worked()
	want := learn.Hours(ds, learn.NameKey).Forecast(learn.ByName)
	rand.Shuffle(len(ds), func(i, j int) { ds[i], ds[j] = ds[j], ds[i] })
	if diff := cmp.Diff(want, learn.Hours(ds, learn.NameKey).Forecast(learn.ByName)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestForecastRefuses what it cannot tell, and says how much longer to observe.
func TestForecastRefuses(t *testing.T) {
	always := func(hours int) learn.Destination {
		d := placeIn("a")
		for h := range hours {
			d.Blocks = append(d.Blocks, learn.Block(492000+h))
		}
		return d
	}
	second := learn.Destination{Target: learn.Target{Name: "a"}}
	for range 1000 {
		second.Add(&learn.Flow{Time: time.Unix(1772438400, 0)}, "first")
	}
	for _, c := range []struct {
		name    string
		ds      []learn.Destination
		instead string
		more    int
		day     int // hours to observe before the next day can be told, -1 if nothing is
		week    int
	}{
		{"no flows", nil, learn.Nothing, 0, -1, -1},
		{"all flows in one second", []learn.Destination{second}, learn.TooShort, 19, -1, -1},
		{"10 hours of 40", []learn.Destination{placeIn("a", 0, 4, 9, 13, 18, 22, 27, 31, 36, 39)}, learn.TooShort, 40, -1, -1},
		{"one destination, 23 hours", []learn.Destination{always(23)}, "", 0, 1, 145},
		{"one destination, 100 hours", []learn.Destination{always(100)}, "", 0, 0, 68},
		{"one destination, 200 hours", []learn.Destination{always(200)}, "", 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := learn.Hours(c.ds, learn.NameKey).Forecast(learn.ByName)
			if f.Instead != c.instead || f.More != c.more {
				t.Fatalf("got %q, %d more; want %q, %d", f.Instead, f.More, c.instead, c.more)
			}
			if c.day < 0 && len(f.Ahead) == 0 {
				return
			}
			if day, week := f.Ahead[0].More, f.Ahead[1].More; day != c.day || week != c.week {
				t.Errorf("got %d and %d more hours for the day and the week, want %d and %d", day, week, c.day, c.week)
			}
		})
	}
}

// TestNothingNewIsNotNever: one destination, all the time, is no proof that
// there will be no other.
func TestNothingNewIsNotNever(t *testing.T) {
	d := placeIn("a")
	for h := range 200 {
		d.Blocks = append(d.Blocks, learn.Block(492000+h))
	}
	f := learn.Hours([]learn.Destination{d}, learn.NameKey).Forecast(learn.ByName)
	if f.Chance != 0 || math.Abs(f.AtMost-3./200) > 1e-3 || f.Expectation(168).Expected != 0 || f.Expectation(168).AtMost != 3 {
		t.Errorf("got %+v", f)
	}
}

// TestClocksThatJumpAreLeftAside: hours of 1970 and 2106 are no observation, and
// what was seen in them alone is known.
func TestClocksThatJumpAreLeftAside(t *testing.T) {
	ds := worked()
	want := learn.Hours(ds, learn.NameKey).Forecast(learn.ByName)
	ds = append(ds, learn.Destination{Target: learn.Target{Name: "epoch"}, Blocks: []learn.Block{0}},
		learn.Destination{Target: learn.Target{Name: "overflow"}, Blocks: []learn.Block{learn.BlockOf(time.Unix(1<<32-1, 0))}})
	x := learn.Hours(ds, learn.NameKey)
	got := x.Forecast(learn.ByName)
	if len(x.Aside()) != 2 || got.Aside != 2 || got.Keys != want.Keys+2 {
		t.Errorf("got %v aside and %d keys", x.Aside(), got.Keys)
	}
	got.Aside, got.Keys = want.Aside, want.Keys
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestRunsAreUnits: ten of thirty runs needed something of their own.
func TestRunsAreUnits(t *testing.T) {
	var runs []string
	var ds []learn.Destination
	for i := range 30 {
		run := "run" + strconv.Itoa(i)
		runs = append(runs, run)
		if i%3 == 0 {
			ds = append(ds, learn.Destination{Target: learn.Target{Name: run}, Runs: []string{run}})
		}
	}
	ds = append(ds, learn.Destination{Target: learn.Target{Name: "all"}, Runs: runs})
	f := learn.Runs(ds, append(runs, "of another agent"), learn.NameKey).Forecast(learn.ByName)
	if f.Units != 30 || f.Alone != 10 || f.Late.New != 5 || f.Hours != 0 || len(f.Ahead) != 2 || f.Ahead[1].Units != 10 {
		t.Errorf("got %+v", f)
	}
	if f = learn.Runs(ds, runs[:12], learn.NameKey).Forecast(learn.ByName); f.Instead != learn.TooShort || f.More != 8 {
		t.Errorf("of 12 runs: got %+v", f)
	}
}

// TestSessionsAreOneSighting: what is used for five hours in a row was needed
// once.
func TestSessionsAreOneSighting(t *testing.T) {
	ds := []learn.Destination{placeIn("base")}
	for h := range 200 {
		ds[0].Blocks = append(ds[0].Blocks, learn.Block(492000+h))
	}
	ds = append(ds, placeIn("session", 50, 51, 52, 53, 54))
	if f := learn.Hours(ds, learn.NameKey).Forecast(learn.ByName); f.Once != 1 || f.Hours != 1 {
		t.Errorf("got %+v", f)
	}
}

// TestNoveltyBeyondTheBoundIsStale, and within it is not.
func TestNoveltyBeyondTheBoundIsStale(t *testing.T) {
	base := placeIn("base")
	for h := range 400 {
		base.Blocks = append(base.Blocks, learn.Block(492000+h))
	}
	for _, c := range []struct {
		name  string
		every int // hours, after the first 200
		from  int
		stale bool
	}{{"as foretold", 40, 200, false}, {"three times that", 7, 200, true}, {"all at the end", 2, 360, true}, {"nothing", 1000, 200, false}} {
		t.Run(c.name, func(t *testing.T) {
			ds := []learn.Destination{base, placeIn("before", 5), placeIn("known", 7, 300)}
			for h := c.from + 1; h < 400; h += c.every {
				ds = append(ds, placeIn("new"+strconv.Itoa(h), h))
			}
			n := learn.Hours(ds, learn.NameKey).After(learn.Block(492200), 0.05)
			if n.Units != 200 || n.Stale != c.stale || n.New != min(len(ds)-3, 200) && c.every < 1000 {
				t.Errorf("got %+v, want stale %v", n, c.stale)
			}
		})
	}
}
