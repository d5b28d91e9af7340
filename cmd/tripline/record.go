package main

import (
	"sync/atomic"
	"time"

	"tripline/learn"
	"tripline/store"
)

// chunk is how many flows go from the reader to the writer at once.
const chunk = 8192

// A recorder packs flows and commits them beside the reading of more. The
// database is open only while it writes, so that other commands can read.
type recorder struct {
	a    *app
	run  string
	jobs chan job
	free chan []learn.Flow
	done chan struct{}
	err  error // set before done is closed
	bad  atomic.Bool

	flows   []learn.Flow
	pending uint64 // flows since the last commit
	since   time.Time
}

// A job is flows to pack, or a commit of all before it.
type job struct {
	flows  []learn.Flow
	commit *store.Batch
}

func newRecorder(a *app, run string) *recorder {
	r := &recorder{
		a: a, run: run, jobs: make(chan job, 2), free: make(chan []learn.Flow, 4),
		done: make(chan struct{}), flows: make([]learn.Flow, 0, chunk), since: a.now(),
	}
	go r.work()
	return r
}

func (r *recorder) work() {
	defer close(r.done)
	p := store.NewPacking(r.run)
	for j := range r.jobs {
		if r.err != nil {
			continue // the reader is about to notice
		}
		for i := range j.flows {
			if r.err = p.Add(&j.flows[i]); r.err != nil {
				break
			}
		}
		if j.flows != nil {
			select {
			case r.free <- j.flows[:0]:
			default:
			}
		}
		if j.commit != nil && r.err == nil {
			r.err = r.a.write("learn", func(s *store.Store) error { return s.CommitPacking(p, *j.commit) })
			p = store.NewPacking(r.run)
		}
		r.bad.Store(r.err != nil)
	}
}

// add records a flow.
func (r *recorder) add(f *learn.Flow) {
	r.flows = append(r.flows, *f)
	r.pending++
	if len(r.flows) == cap(r.flows) {
		r.flush()
	}
}

func (r *recorder) flush() {
	if len(r.flows) == 0 {
		return
	}
	r.jobs <- job{flows: r.flows}
	select {
	case r.flows = <-r.free:
	default:
		r.flows = make([]learn.Flow, 0, chunk)
	}
}

// commit makes what was added so far durable, with the cursors behind it.
func (r *recorder) commit(cursors map[string][]byte, counters map[string]uint64) {
	r.write(func(b *store.Batch) { b.Cursors, b.Counters = cursors, counters })
}

// write does so with what is put into the batch.
func (r *recorder) write(fill func(*store.Batch)) {
	r.flush()
	b := &store.Batch{Run: r.run, At: r.a.now()}
	fill(b)
	r.jobs <- job{commit: b}
	r.pending, r.since = 0, r.a.now()
}

// due says whether it is time to commit: by age, or before memory fills.
func (r *recorder) due(age time.Duration) bool {
	return r.pending >= 1<<21 || r.a.now().Sub(r.since) >= age
}

// failed says whether writing has failed, without waiting.
func (r *recorder) failed() bool { return r.bad.Load() }

// close waits until everything is written.
func (r *recorder) close() error {
	close(r.jobs)
	<-r.done
	return r.err
}
