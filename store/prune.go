package store

import (
	"bytes"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"tripline/learn"
)

// Prune drops the flows before a time, and the destinations last seen before
// it, unless keep wants one: what an approved baseline cites must stay. A nil
// keep wants none. It returns how many of each were dropped. Runs keep their
// counts. The file does not shrink; what is free in it is used again.
func (s *Store) Prune(before time.Time, keep func(learn.Destination) bool) (flows, destinations int, err error) {
	all, err := s.Destinations("")
	if err != nil {
		return 0, 0, err
	}
	// Asked outside of a transaction, so that keep may use the store.
	var old []learn.Destination
	for _, d := range all {
		if d.Last.Before(before) && (keep == nil || !keep(d)) {
			old = append(old, d)
		}
	}
	err = s.update(func(tx *bbolt.Tx) error {
		if destinations, err = dropDestinations(tx, old, before); err != nil {
			return err
		}
		if flows, err = s.dropFlows(tx.Bucket([]byte(bFlows)), instantOf(before)); err != nil {
			return err
		}
		more, err := s.dropRest(tx, instantOf(before))
		if flows += more; err != nil {
			return err
		}
		if flows+destinations == 0 {
			return nil
		}
		return notePruned(tx, instantOf(before))
	})
	if err != nil {
		return 0, 0, err
	}
	return flows, destinations, nil
}

// Pruned returns the time before which flows were dropped, the latest one if that
// happened more than once; the zero time if it never did.
func (s *Store) Pruned() (before time.Time, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		at, ok, err := prunedOf(tx)
		if ok {
			before = at.time()
		}
		return err
	})
	return before, err
}

func prunedOf(tx *bbolt.Tx) (at instant, ok bool, err error) {
	v := tx.Bucket([]byte(bMeta)).Get([]byte(kPruned))
	if v == nil {
		return instant{}, false, nil
	}
	r := reader{b: v}
	at = r.instant()
	if err := r.err(); err != nil {
		return instant{}, false, damaged(fmt.Sprintf("time of the last prune: %v", err))
	}
	return at, true, nil
}

// notePruned keeps the latest time: what came before it is not all there, even
// where flows of that time were added since.
func notePruned(tx *bbolt.Tx, before instant) error {
	if was, ok, err := prunedOf(tx); err != nil || ok && before.before(was) {
		return err
	}
	return tx.Bucket([]byte(bMeta)).Put([]byte(kPruned), appendInstant(nil, before))
}

// dropDestinations deletes those that have still not been seen since.
func dropDestinations(tx *bbolt.Tx, old []learn.Destination, before time.Time) (n int, err error) {
	for _, d := range old {
		b, key := tx.Bucket([]byte(bDestinations)).Bucket([]byte(d.Agent)), appendTarget(nil, d.Target)
		if b == nil {
			continue
		}
		v := b.Get(key)
		if v == nil {
			continue
		}
		sum, _, err := sumOf(v)
		if err != nil {
			return 0, damaged(err)
		}
		if !sum.last.before(instantOf(before)) {
			continue
		}
		if err := b.Delete(key); err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// dropFlows deletes the blocks that are older and rewrites those that are
// partly.
func (s *Store) dropFlows(b *bbolt.Bucket, before instant) (n int, err error) {
	old, err := olderBlocks(b, before)
	if err != nil {
		return 0, err
	}
	for _, key := range old {
		v := bytes.Clone(b.Get(key))
		h, flows, err := flowsOf(&s.codec, v, nil)
		if err != nil {
			return 0, damaged(fmt.Sprintf("block %x of flows: %v", key, err))
		}
		rest := since(flows, before)
		n += len(flows) - len(rest)
		if err := s.rewrite(b, key, h.run, rest); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// dropRest deletes what was only checked, and connections of which the end was
// never seen.
func (s *Store) dropRest(tx *bbolt.Tx, before instant) (n int, err error) {
	if b := tx.Bucket([]byte(bChecked)); b != nil {
		if n, err = s.dropFlows(b, before); err != nil {
			return 0, err
		}
	}
	more, err := dropLasting(tx, &s.codec, before)
	return n + more, err
}

// olderBlocks returns the keys of blocks that have a flow before a time. They
// are gathered first because a cursor does not survive a deletion.
func olderBlocks(b *bbolt.Bucket, before instant) (keys [][]byte, err error) {
	err = b.ForEach(func(k, v []byte) error {
		h, err := headOf(v)
		if err != nil {
			return damaged(fmt.Sprintf("block %x of flows: %v", k, err))
		}
		if h.first.before(before) {
			keys = append(keys, bytes.Clone(k))
		}
		return nil
	})
	return keys, err
}

func since(flows []learn.Flow, before instant) (rest []learn.Flow) {
	for i := range flows {
		if !instantOf(flows[i].Time).before(before) {
			rest = append(rest, flows[i])
		}
	}
	return rest
}

// rewrite replaces a block by what is left of it, which fits into one.
func (s *Store) rewrite(b *bbolt.Bucket, key []byte, run string, rest []learn.Flow) error {
	if len(rest) == 0 {
		return b.Delete(key)
	}
	p, err := pack(&s.codec, run, rest)
	if err != nil {
		return err
	}
	return b.Put(key, p.blocks[0])
}
