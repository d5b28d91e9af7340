package source

import (
	"time"
)

// loneWait is how long the packets of a connection that a process has opened are
// waited for: a capture tells after a second, and what it tells settles.
const loneWait = 5 * time.Second

// captureWindow is longer than an exchange of datagrams may be idle before a capture
// tells of another one.
const captureWindow = 240

// A lone is what processes opened and no packet was seen of: a rule refused it, or it
// left by a network that is not captured here. It is a connection all the same.
type lone struct {
	teller *teller
	looker *onlooker
	queue  []awaited
	ended  []Record // of those that were told of
	count  uint64   // that were told of

	patience time.Duration
}

type awaited struct {
	o     *opening
	until time.Time
}

func newLone(k *onlooker, o *Options) *lone {
	l := &lone{looker: k, patience: loneWait, teller: newTeller(k.own, captureWindow, o)}
	k.tell = l.told
	return l
}

// told takes up what a process did.
func (l *lone) told(o *opening) {
	switch {
	case !o.closed:
		l.queue = append(l.queue, awaited{o, time.Now().Add(l.patience)})
	case o.alone:
		if r, ok := l.teller.record(o); ok {
			l.ended = append(l.ended, r)
		}
	}
}

// next returns what was waited for in vain.
func (l *lone) next(r *Record, now time.Time) bool {
	if l == nil {
		return false
	}
	l.looker.settle(now)
	if len(l.ended) > 0 {
		*r, l.ended = l.ended[0], l.ended[1:]
		return true
	}
	for len(l.queue) > 0 && (!now.Before(l.queue[0].until) || len(l.queue) > mostOpenings) {
		o := l.queue[0].o
		l.queue = l.queue[1:]
		made, ok := l.teller.record(o) // also of what was seen: more of it is no news
		if o.claimed || !ok || !made.Counted {
			continue
		}
		l.count++
		o.claimed, o.alone, *r = true, true, made
		return true
	}
	return false
}

// seen takes what another source tells of. If a process here opened it, it counts,
// whatever its address; and it counts once.
func (l *lone) seen(r *Record) error {
	if l == nil || r.Answer != nil || !r.Src.IsValid() || r.Why == Detail || r.Why == Ended {
		return nil
	}
	if err := l.looker.look(); err != nil {
		return err
	}
	o := l.looker.recent.find(&r.Flow)
	switch {
	case o == nil:
	case o.alone && r.Counted:
		r.Counted, r.Why = false, Detail
	case o.claimed:
	case r.Why == Passing || r.Why == Foreign || r.Why == Inbound:
		r.Counted, r.Why, r.Process = true, Outbound, o.Process
		fallthrough
	default:
		o.claimed = true
	}
	return nil
}

// wait bounds how long is waited.
func (l *lone) wait(d time.Duration, now time.Time) time.Duration {
	if l == nil || len(l.queue) == 0 {
		return d
	}
	return max(0, min(d, l.queue[0].until.Sub(now)))
}
