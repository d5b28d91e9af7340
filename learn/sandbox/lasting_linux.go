package sandbox

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"tripline/learn"
)

// lasting are the talks that go on. What would be told of them in the end is told
// meanwhile as well, so that it is known even if the end is never seen.
type lasting struct {
	last atomic.Uint64 // number that was given

	mu  sync.Mutex // held while it is told: the end of a talk is told after all else
	all map[*talk]*seen
}

// seen is what is known of a talk, and when it was told last.
type seen struct {
	flow  learn.Flow
	fresh bool // that was not told yet
	told  time.Time
	bytes uint64 // when it was
}

// How often talks are looked at, which is the age from which they last, and after
// how long their bytes alone are told again.
const (
	lookLasting = 250 * time.Millisecond
	toldAgain   = 10 * time.Second
)

// goesOn notes what is known of a talk that is let out. It is called again when more
// is known.
func (t *talk) goesOn() {
	f := t.flow
	f.Rule = around(&f)
	l := &t.b.lasting
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.all[t]
	if s == nil {
		if l.all == nil {
			l.all = map[*talk]*seen{}
		}
		s = &seen{}
		l.all[t] = s
	}
	s.flow, s.fresh = f, true
}

// ends forgets a talk, and says whether it was told that it goes on.
func (t *talk) ends() bool {
	l := &t.b.lasting
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.all[t]
	delete(l.all, t)
	return s != nil && !s.told.IsZero()
}

// another tells of a talk so far, and goes on as another one between the same ends.
func (t *talk) another() {
	f := t.flow
	f.Up, f.Down, f.Rule = t.up.Swap(0), t.down.Swap(0), around(&f)
	t.b.flows.Add(1)
	t.ends()
	if t.b.o.Flow != nil {
		t.b.o.Flow(&Told{Flow: f, Number: t.number})
	}
	t.number, t.flow.Time = t.b.lasting.last.Add(1), time.Now().UTC()
}

// watch tells of what goes on, until ctx ends.
func (l *lasting) watch(ctx context.Context, tell func(*Told)) {
	ticks := time.NewTicker(lookLasting)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			l.look(tell)
		case <-ctx.Done():
			return
		}
	}
}

func (l *lasting) look(tell func(*Told)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for t, s := range l.all {
		f := s.flow
		f.Up, f.Down = t.up.Load(), t.down.Load()
		grown := f.Up+f.Down > s.bytes && time.Since(s.told) >= toldAgain
		if time.Since(f.Time) >= lookLasting && (s.fresh || grown) {
			s.fresh, s.told, s.bytes = false, time.Now(), f.Up+f.Down
			tell(&Told{Flow: f, Number: t.number, Open: true})
		}
	}
}
