package store

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"tripline/learn"
)

// Check reads everything: pages, blocks and their check sums, every baseline,
// every snapshot; and folds all flows again to compare the destinations. It
// takes as long as reading the file, and no write happens meanwhile.
func (s *Store) Check() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.place(checkPages(s.file)); err != nil {
		return err
	}
	return s.view(func(tx *bbolt.Tx) error {
		return errors.Join(s.checkFlows(tx), s.checkRecorded(tx), checkBaselines(tx), checkDecisions(tx), checkHits(tx), checkMarks(tx), checkStays(tx), checkAlerts(tx), s.checkRest(tx))
	})
}

func checkBaselines(tx *bbolt.Tx) error {
	return tx.Bucket([]byte(bBaselines)).ForEachBucket(func(agent []byte) error {
		_, err := history(tx, string(agent), -1)
		return err
	})
}

func (s *Store) checkRest(tx *bbolt.Tx) error {
	err := eachAgent(tx.Bucket([]byte(bSnapshots)), "", func(name string, b *bbolt.Bucket) error {
		_, err := s.snapshotOf(name, b)
		return err
	})
	return errors.Join(err, tx.Bucket([]byte(bShown)).ForEach(func(k, v []byte) error {
		if r := (reader{b: v}); r.instant() == (instant{}) && r.bad {
			return damaged(fmt.Sprintf("proposal %q: %v", k, errShort))
		}
		return nil
	}))
}

// A place is a destination of an agent, the key of the fold below.
type place struct {
	agent string
	learn.Target
}

// A refold is the fold done again, the plain way: it shares nothing with the
// fold of a commit.
type refold struct {
	seen map[place]*learn.Destination
	runs map[string]uint64 // flows of each run
}

func (s *Store) checkFlows(tx *bbolt.Tx) error {
	f := refold{map[place]*learn.Destination{}, map[string]uint64{}}
	var flows []learn.Flow
	err := tx.Bucket([]byte(bFlows)).ForEach(func(k, v []byte) error {
		var h head
		var err error
		if h, flows, err = flowsOf(&s.codec, v, flows[:0]); err != nil {
			return damaged(fmt.Sprintf("block %s of flows: %v", hex.EncodeToString(k), err))
		}
		f.runs[h.run] += uint64(len(flows))
		for i := range flows {
			f.add(&flows[i], h.run)
		}
		return nil
	})
	if err != nil {
		return err
	}
	pruned := tx.Bucket([]byte(bMeta)).Get([]byte(kPruned)) != nil
	return errors.Join(f.checkRuns(tx, pruned), f.checkDestinations(tx, pruned))
}

// checkRecorded reads what no destination is folded from.
func (s *Store) checkRecorded(tx *bbolt.Tx) error {
	err := eachLasting(tx, &s.codec, "", func([]byte, *Recorded) error { return nil })
	b := tx.Bucket([]byte(bChecked))
	if err != nil || b == nil {
		return err
	}
	return b.ForEach(func(k, v []byte) error {
		if _, _, err := flowsOf(&s.codec, v, nil); err != nil {
			return damaged(fmt.Sprintf("block %x of checked flows: %v", k, err))
		}
		return nil
	})
}

func (f *refold) add(flow *learn.Flow, run string) {
	at := place{flow.Agent, learn.Target{Service: flow.Service(), Addr: flow.Dst, Name: flow.Name}}
	d := f.seen[at]
	if d == nil {
		d = &learn.Destination{Agent: flow.Agent, Target: at.Target}
		f.seen[at] = d
	}
	d.Add(flow, run)
}

func (f *refold) checkRuns(tx *bbolt.Tx, pruned bool) error {
	var wrong error
	err := eachRun(tx, func(name string, r *runRecord) {
		if n := f.runs[name]; n > r.Flows || (n < r.Flows && !pruned) {
			wrong = damaged(fmt.Sprintf("run %q: %d flows counted, %d there", name, r.Flows, n))
		}
		delete(f.runs, name)
	})
	for name := range f.runs {
		wrong = damaged(fmt.Sprintf("run %q is missing", name))
	}
	return errors.Join(err, wrong)
}

func (f *refold) checkDestinations(tx *bbolt.Tx, pruned bool) error {
	all, err := destinations(tx, "")
	if err != nil {
		return err
	}
	for i := range all {
		d := &all[i]
		at := place{d.Agent, d.Target}
		if e := f.seen[at]; !pruned && !same(d, e) || pruned && !holds(d, e) {
			return damaged(fmt.Sprintf("agent %q: destination %s %s %q differs from its flows", d.Agent, d.Service, d.Addr, d.Name))
		}
		delete(f.seen, at)
	}
	for at := range f.seen {
		return damaged(fmt.Sprintf("agent %q: destination %s %s %q is missing", at.agent, at.Service, at.Addr, at.Name))
	}
	return nil
}

// same says whether d is exactly the fold e.
func same(d, e *learn.Destination) bool {
	return e != nil && d.First.Equal(e.First) && d.Last.Equal(e.Last) && d.Evidence == e.Evidence &&
		d.Flows == e.Flows && d.Blocked == e.Blocked && d.Up == e.Up && d.Down == e.Down &&
		slices.Equal(d.Blocks, e.Blocks) && slices.Equal(d.Runs, e.Runs)
}

// holds says whether d is e and possibly more, from flows that were pruned.
func holds(d, e *learn.Destination) bool {
	return e == nil || !d.First.After(e.First) && !d.Last.Before(e.Last) && d.Evidence >= e.Evidence &&
		d.Flows >= e.Flows && d.Blocked >= e.Blocked &&
		subset(e.Blocks, d.Blocks) && subset(e.Runs, d.Runs)
}

func subset[T comparable](part, whole []T) bool {
	return !slices.ContainsFunc(part, func(v T) bool { return !slices.Contains(whole, v) })
}
