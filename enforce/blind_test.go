package enforce_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"tripline/enforce"
)

// beat is records of a log, each late by what late says, as a clock hears them.
func beat(c *enforce.Clock, from time.Time, n int, every, offset time.Duration, late func(int) time.Duration) (jumps []enforce.Jump) {
	for i := range n {
		now := from.Add(time.Duration(i) * every)
		if j, is := c.Heard(now.Add(offset-late(i)), now); is {
			jumps = append(jumps, j)
		}
	}
	return jumps
}

// TestClockJump: what jumps is told once, whichever way, and what is only late is not.
func TestClockJump(t *testing.T) {
	none := func(int) time.Duration { return 0 }
	r := rand.New(rand.NewPCG(1, 2))
	ended := func(int) time.Duration { return time.Duration(r.IntN(1500)) * time.Second }
	for _, at := range []struct {
		name   string
		late   func(int) time.Duration
		offset time.Duration
		want   int
	}{
		{"steady", none, 0, 0},
		{"told when they end", ended, 0, 0},
		{"an hour ahead", none, time.Hour, 1},
		{"an hour back", none, -time.Hour, 1},
		{"five minutes back", none, -5 * time.Minute, 1},
		{"a year ahead", none, 365 * 24 * time.Hour, 1},
		{"network time steps a second", none, time.Second, 0},
		{"an hour ahead, told when they end", ended, time.Hour, 1},
		{"two hours back, told when they end", ended, -2 * time.Hour, 1},
	} {
		var c enforce.Clock
		if early := beat(&c, monday, 2000, 2*time.Second, 0, at.late); len(early) > 0 {
			t.Errorf("%s: told %v before anything happened", at.name, early)
		}
		got := beat(&c, monday.Add(4000*time.Second), 2000, 2*time.Second, at.offset, at.late)
		if len(got) != at.want {
			t.Errorf("%s: got %v, want %d", at.name, got, at.want)
			continue
		}
		if at.want > 0 && (got[0].By-at.offset).Abs() > 30*time.Minute {
			t.Errorf("%s: by %s, want about %s", at.name, got[0].By, at.offset)
		}
	}
}

// A log that is always hours late, or in another zone behind, is no jump; one that is
// ahead of this machine from the beginning is.
func TestClockFromTheBeginning(t *testing.T) {
	none := func(int) time.Duration { return 0 }
	for offset, want := range map[time.Duration]int{-2 * time.Hour: 0, 0: 0, 2 * time.Hour: 1} {
		var c enforce.Clock
		if got := beat(&c, monday, 500, 2*time.Second, offset, none); len(got) != want {
			t.Errorf("offset %s: got %v, want %d", offset, got, want)
		}
	}
}

// TestShare: a rise is told, what is usual is not, and chance alone is not in a
// thousand windows.
func TestShare(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	feed := func(s *enforce.Share, share float64, windows int) (rises int) {
		for range windows {
			s.All = uint64(20 + r.IntN(500))
			for range s.All {
				if r.Float64() < share {
					s.Bad++
				}
			}
			if _, _, risen, enough := s.Close(); risen {
				rises++
			} else if !enough {
				t.Fatal("a window of 20 is enough")
			}
		}
		return rises
	}
	var s enforce.Share
	if n := feed(&s, 0.0005, 1000); n > 0 {
		t.Errorf("%d rises without one", n)
	}
	if n := feed(&s, 0.9, 1); n != 1 {
		t.Errorf("a log that cannot be read any more is told %d times", n)
	}
	feed(&s, 0.2, 3000)
	if n := feed(&s, 0.2, 1000); n > 0 {
		t.Errorf("what has become usual is told %d times", n)
	}
	if n := feed(&s, 0.6, 5); n == 0 {
		t.Error("a rise above what is usual is not told")
	}
	s = enforce.Share{Bad: 19, All: 19}
	if _, _, _, enough := s.Close(); enough || s.All != 19 {
		t.Error("19 records are too few, and are kept")
	}
}
