package enforce

import "time"

// A Clock compares the stamps of a source with the time at which its records come,
// and says when one of the two has jumped.
//
// Records are late by what a connection lasted and what buffers hold back, never
// early: the freshest one of a minute says what the clocks differ by. A log whose
// stamps always rise is held to that; one that tells connections when they end is
// not. The zero value is usable, for records that come as they are written.
type Clock struct {
	newest  time.Time
	ordered int           // records since a stamp last went back
	lag     time.Duration // of the freshest record, as it was
	known   bool
	window  struct {
		began time.Time
		n     int
		lag   time.Duration
	}
	later    int // windows in a row that were fresh at most by another lag
	settling int // windows until it is known how fresh they are
}

const (
	// ClockFloor is what clocks may differ by: network time, and minutes of syslog.
	ClockFloor = 2 * time.Minute

	clockWindow  = time.Minute
	clockRecords = 5
	clockOrdered = 100              // records in order after which they are held to it
	clockLate    = 30 * time.Minute // by which connections that are told at their end may be later
	clockSure    = 3                // windows
	clockSettle  = 10               // likewise
)

// A Jump is what a [Clock] noticed.
type Jump struct {
	By   time.Duration // stamps against this machine: later is positive
	Back bool          // against the stamp of the record before
}

// Heard notes a record that came at now.
func (c *Clock) Heard(stamp, now time.Time) (jump Jump, jumped bool) {
	back := c.newest.Sub(stamp)
	if !c.newest.IsZero() && back > ClockFloor && c.ordered >= clockOrdered {
		*c = Clock{newest: stamp}
		return Jump{By: -back, Back: true}, true
	}
	if back > 5*time.Second {
		c.ordered = 0
	} else {
		c.ordered++
	}
	if stamp.After(c.newest) {
		c.newest = stamp
	}
	lag := now.Sub(stamp)
	w := &c.window
	if w.n == 0 {
		w.began, w.lag = now, lag
	}
	w.n, w.lag = w.n+1, min(w.lag, lag)
	if w.n < clockRecords || now.Sub(w.began) < clockWindow {
		return Jump{}, false
	}
	lag, w.n = w.lag, 0
	return c.judge(lag)
}

// judge compares the freshest record of a window with those before. In the first
// windows, and after a jump, it only learns how fresh they are.
func (c *Clock) judge(lag time.Duration) (Jump, bool) {
	if !c.known {
		c.known, c.settling, c.lag = true, clockSettle, max(lag, 0) // how late a source is at first says nothing
	}
	late := clockLate
	if c.ordered >= clockOrdered {
		late = ClockFloor
	}
	was := c.lag
	switch {
	case lag < was-ClockFloor && (c.settling == 0 || lag < -ClockFloor):
		c.jumped(lag)
		return Jump{By: was - lag}, true
	case lag <= was+late:
		c.lag, c.later = min(was, lag), 0
	default:
		if c.later++; c.later >= clockSure {
			c.jumped(lag)
			return Jump{By: was - lag}, true
		}
	}
	c.settling = max(0, c.settling-1)
	return Jump{}, false
}

// jumped begins again from what holds since.
func (c *Clock) jumped(lag time.Duration) { c.lag, c.later, c.settling = lag, 0, clockSettle }
