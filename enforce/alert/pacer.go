package alert

import (
	"math/rand/v2"
	"slices"
	"time"

	"tripline/learn"
)

// forever is how long one waits when nothing is due.
const forever = 24 * time.Hour

// A pacer knows when messages were sent.
type pacer struct {
	last   time.Time
	recent []time.Time // as many as the rate counts
}

// wait returns how long the next message has to wait. What is urgent is not
// collected, but no limit of the peer is broken for it.
func (p *pacer) wait(o Pace, now time.Time, urgent bool) time.Duration {
	wait := p.last.Add(o.Gap).Sub(now)
	if !urgent {
		wait = max(wait, p.last.Add(o.Window).Sub(now))
	}
	if o.Rate.Count > 0 && len(p.recent) >= o.Rate.Count {
		wait = max(wait, p.recent[0].Add(o.Rate.Per).Sub(now))
	}
	// A clock that was set back must not keep anything for longer than it would
	// have waited.
	return min(wait, max(o.Gap, o.Window, o.Rate.Per))
}

// note remembers that a message was sent.
func (p *pacer) note(o Pace, now time.Time) {
	p.last = now
	if o.Rate.Count == 0 {
		return
	}
	p.recent = append(p.recent, now)
	if len(p.recent) > o.Rate.Count {
		p.recent = slices.Delete(p.recent, 0, len(p.recent)-o.Rate.Count)
	}
}

// failing is how it stands with a sink that does not take what it is sent. The zero
// value is one that does.
type failing struct {
	since   time.Time
	began   time.Time // of the try that is under way
	tries   int
	retryAt time.Time
	delayed time.Duration
	why     string
	told    bool
}

func (f *failing) again(err error, now time.Time) {
	if f.since.IsZero() {
		f.since = now
	}
	f.why = learn.Printable(err.Error())
}

// delay sets when to try again.
func (f *failing) delay(now time.Time, peer *PeerError) {
	f.tries++
	f.delayed = backoff(f.tries)
	if peer != nil && peer.After > 0 {
		f.delayed = min(peer.After, longest)
	}
	f.retryAt = now.Add(f.delayed)
}

// wait returns how long to leave the sink alone. A clock that was set back makes
// it no longer than it was.
func (f *failing) wait(now time.Time) time.Duration { return min(f.retryAt.Sub(now), f.delayed) }

// longest is how long a peer may ask to be left alone.
const longest = time.Hour

// backoff returns how long to wait after the nth try in a row that failed: twice as
// long each time up to five minutes, and not all at the same moment.
func backoff(n int) time.Duration {
	d := min(5*time.Minute, time.Second<<min(n-1, 10))
	return d/2 + rand.N(d/2+1) //nolint:gosec // it spreads load, it guards nothing
}
