package store

import (
	"encoding/binary"
	"fmt"
	"iter"

	"go.etcd.io/bbolt"

	"tripline/learn"
)

// Flows returns every flow of an agent, of all agents if agent is "", in the
// order they were committed. It ends with what was there when it began. An
// unreadable block is an error, and the blocks after it follow. No transaction
// is open while the caller has a flow, so that it may commit meanwhile.
func (s *Store) Flows(agent string) iter.Seq2[learn.Flow, error] {
	return func(yield func(learn.Flow, error) bool) {
		s.each(agent, func(f *learn.Flow, _ string, err error) bool { return yield(*f, err) })
	}
}

// Replay calls fn with every flow of an agent, as [Store.Flows] has them, and the
// run that saw it, until one of them cannot be read. fn must not keep the flow.
func (s *Store) Replay(agent string, fn func(f *learn.Flow, run string)) (err error) {
	s.each(agent, func(f *learn.Flow, run string, bad error) bool {
		if err = bad; err == nil {
			fn(f, run)
		}
		return err == nil
	})
	return err
}

// each calls fn with flows, or with why a block has none, as long as it wants
// more.
func (s *Store) each(agent string, fn func(f *learn.Flow, run string, err error) bool) {
	var flows []learn.Flow
	for at, end := uint64(0), s.lastBlock(); ; at++ {
		var err error
		var h head
		at, h, flows, err = s.blockFrom(at, flows[:0])
		switch {
		case at > end:
			return
		case err != nil && !fn(&learn.Flow{}, "", err):
			return
		}
		for i := range flows {
			if (agent == "" || flows[i].Agent == agent) && !fn(&flows[i], h.run, nil) {
				return
			}
		}
	}
}

// lastBlock returns the number of the newest block; if it cannot be read the
// first block cannot either, and that is where the error shows.
func (s *Store) lastBlock() (n uint64) {
	err := s.view(func(tx *bbolt.Tx) error {
		n = tx.Bucket([]byte(bFlows)).Sequence()
		return nil
	})
	if err != nil {
		return 1
	}
	return n
}

// blockFrom reads the first block whose number is at or above n; there is none
// if the number it returns is the highest of all.
func (s *Store) blockFrom(n uint64, dst []learn.Flow) (at uint64, h head, flows []learn.Flow, err error) {
	at = n
	err = s.view(func(tx *bbolt.Tx) error {
		k, v := tx.Bucket([]byte(bFlows)).Cursor().Seek(sequence(n))
		if k == nil {
			at, flows = 1<<64-1, dst
			return nil
		}
		at = binary.BigEndian.Uint64(k)
		h, flows, err = flowsOf(&s.codec, v, dst)
		if err != nil {
			return damaged(fmt.Sprintf("block %d of flows: %v", at, err))
		}
		return nil
	})
	return at, h, flows, err
}
