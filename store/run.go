package store

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"go.etcd.io/bbolt"
)

// A Run is a named stretch of learning. Started and Ended are the times of its
// earliest and latest flow, zero if it has none; Written is the Batch.At of its
// last batch. What Prune dropped is still counted.
type Run struct {
	Name           string
	Started, Ended time.Time
	Written        time.Time
	Flows          uint64
	Counters       map[string]uint64
}

// A runRecord is a run as it is kept. Times are [seconds, nanoseconds], because
// JSON has no years after 9999 and logs do.
type runRecord struct {
	ID       uint32            `json:"id"`
	First    [2]int64          `json:"first"`
	Last     [2]int64          `json:"last"`
	Written  [2]int64          `json:"written"`
	Flows    uint64            `json:"flows"`
	Counters map[string]uint64 `json:"counters,omitempty"`
}

func pair(i instant) [2]int64 { return [2]int64{i.sec, int64(i.nsec)} }

func unpair(p [2]int64) instant { return instant{p[0], uint32(p[1])} }

func (r *runRecord) run(name string) Run {
	run := Run{Name: name, Flows: r.Flows, Counters: r.Counters, Written: unpair(r.Written).time()}
	if r.Flows > 0 {
		run.Started, run.Ended = unpair(r.First).time(), unpair(r.Last).time()
	}
	return run
}

// count adds flows between two times.
func (r *runRecord) count(n uint64, first, last instant) {
	if r.Flows == 0 || first.before(unpair(r.First)) {
		r.First = pair(first)
	}
	if r.Flows == 0 || unpair(r.Last).before(last) {
		r.Last = pair(last)
	}
	r.Flows += n
}

// countRun adds a batch to its run and returns the run's number.
func countRun(tx *bbolt.Tx, b *Batch, p *packer) (uint32, error) {
	runs := tx.Bucket([]byte(bRuns))
	r, err := runOf(runs, b.Run)
	if err != nil {
		return 0, err
	}
	if p.count > 0 {
		r.count(p.count, p.first, p.last)
	}
	r.Written = pair(instantOf(b.At))
	for name, n := range b.Counters {
		r.Counters[name] += n
	}
	return r.ID, putJSON(runs, b.Run, r)
}

// runOf returns the record of a run, a new one with the next number if there is
// none.
func runOf(runs *bbolt.Bucket, name string) (*runRecord, error) {
	r := &runRecord{}
	if v := runs.Get([]byte(name)); v != nil {
		if err := json.Unmarshal(v, r); err != nil {
			return nil, damaged(fmt.Sprintf("run %q: %v", name, err))
		}
	} else {
		id, err := runs.NextSequence()
		if err != nil {
			return nil, err
		}
		r.ID = uint32(id)
	}
	if r.Counters == nil {
		r.Counters = map[string]uint64{}
	}
	return r, nil
}

func putJSON(b *bbolt.Bucket, key string, v any) error {
	text, err := json.Marshal(v)
	if err == nil {
		err = b.Put([]byte(key), text)
	}
	if err != nil {
		return fmt.Errorf("%q: %w", key, err)
	}
	return nil
}

// Runs returns all runs by name.
func (s *Store) Runs() (runs []Run, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		lasting := map[string][]instant{}
		err := learnedLasting(tx, &s.codec, "", func(r *Recorded) {
			lasting[r.Run] = append(lasting[r.Run], instantOf(r.Time))
		})
		if err != nil {
			return err
		}
		return eachRun(tx, func(name string, r *runRecord) {
			for _, at := range lasting[name] {
				r.count(1, at, at)
			}
			c := r.run(name)
			c.Counters = maps.Clone(r.Counters)
			runs = append(runs, c)
		})
	})
	return runs, err
}

func eachRun(tx *bbolt.Tx, fn func(name string, r *runRecord)) error {
	b := tx.Bucket([]byte(bRuns))
	return b.ForEach(func(k, _ []byte) error {
		r, err := runOf(b, string(k))
		if err == nil {
			fn(string(k), r)
		}
		return err
	})
}

// runNames returns the names of runs by number.
func runNames(tx *bbolt.Tx) (map[uint32]string, error) {
	names := map[uint32]string{}
	err := eachRun(tx, func(name string, r *runRecord) { names[r.ID] = name })
	return names, err
}
