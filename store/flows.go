package store

import (
	"encoding/binary"
	"fmt"
	"iter"

	"go.etcd.io/bbolt"

	"tripline/learn"
)

// Flows returns every flow of an agent, of all agents if agent is "", in the
// order they were committed, those that have not ended last. It ends with what was
// there when it began. An unreadable block is an error, and the blocks after it
// follow. No transaction is open while the caller has a flow, so that it may commit
// meanwhile.
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

// each calls fn with flows, or with why there are none, as long as it wants more.
func (s *Store) each(agent string, fn func(f *learn.Flow, run string, err error) bool) {
	e, err := s.extent(agent)
	if err != nil && !fn(&learn.Flow{}, "", err) {
		return
	}
	var flows []learn.Flow
	for at := uint64(0); ; at++ {
		var err error
		var h head
		at, h, flows, err = s.blockFrom(bFlows, at, flows[:0])
		if at > e.last[bFlows] {
			break
		}
		if err != nil && !fn(&learn.Flow{}, "", err) {
			return
		}
		for i := range flows {
			if (agent == "" || flows[i].Agent == agent) && !fn(&flows[i], h.run, nil) {
				return
			}
		}
	}
	for i := range e.lasting {
		if r := &e.lasting[i]; !r.Checked && !fn(&r.Flow, r.Run, nil) {
			return
		}
	}
}

// An extent is what is there when reading begins.
type extent struct {
	last    map[string]uint64 // the newest block of a bucket
	lasting []Recorded
}

// extent returns it, of one agent or all. Where nothing can be read at all, reading
// the first block says the same again.
func (s *Store) extent(agent string) (e extent, err error) {
	e.last = map[string]uint64{}
	err = s.view(func(tx *bbolt.Tx) error {
		for _, name := range []string{bFlows, bChecked} {
			if b := tx.Bucket([]byte(name)); b != nil {
				e.last[name] = b.Sequence()
			}
		}
		return eachLasting(tx, &s.codec, agent, func(_ []byte, r *Recorded) error {
			e.lasting = append(e.lasting, *r)
			return nil
		})
	})
	return e, err
}

// blockFrom reads the first block whose number is at or above n; there is none
// if the number it returns is the highest of all.
func (s *Store) blockFrom(bucket string, n uint64, dst []learn.Flow) (at uint64, h head, flows []learn.Flow, err error) {
	at = n
	err = s.view(func(tx *bbolt.Tx) error {
		var k, v []byte
		if b := tx.Bucket([]byte(bucket)); b != nil {
			k, v = b.Cursor().Seek(sequence(n))
		}
		if k == nil {
			at, flows = 1<<64-1, dst
			return nil
		}
		at = binary.BigEndian.Uint64(k)
		h, flows, err = flowsOf(&s.codec, v, dst)
		if err != nil {
			return damaged(fmt.Sprintf("block %d of %s: %v", at, bucket, err))
		}
		return nil
	})
	return at, h, flows, err
}
