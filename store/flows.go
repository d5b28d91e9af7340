package store

import (
	"encoding/binary"
	"fmt"
	"iter"

	"go.etcd.io/bbolt"

	"tripline/learn"
)

// bChecked holds blocks as bFlows does, of what nothing is learned from. It is made
// when it is first needed.
const bChecked = "checked"

// A Recorded is a flow as it is kept.
type Recorded struct {
	learn.Flow
	Run     string // that saw it, "" if it was checked
	Checked bool   // nothing is learned from it
	Lasting bool   // its end is not known: it goes on, or its source was killed
}

// A kind is what is known of a flow beside it.
type kind struct {
	run              string
	checked, lasting bool
}

// Flows returns every flow of an agent, of all agents if agent is "", in the
// order they were committed, those that have not ended last. It ends with what was
// there when it began. An unreadable block is an error, and the blocks after it
// follow. No transaction is open while the caller has a flow, so that it may commit
// meanwhile.
func (s *Store) Flows(agent string) iter.Seq2[learn.Flow, error] {
	return func(yield func(learn.Flow, error) bool) {
		s.each(agent, func(f *learn.Flow, k kind, err error) bool { return k.checked || yield(*f, err) })
	}
}

// Recorded returns what [Store.Flows] does, and after it what was only checked.
func (s *Store) Recorded(agent string) iter.Seq2[Recorded, error] {
	return func(yield func(Recorded, error) bool) {
		s.each(agent, func(f *learn.Flow, k kind, err error) bool {
			return yield(Recorded{Flow: *f, Run: k.run, Checked: k.checked, Lasting: k.lasting}, err)
		})
	}
}

// Replay calls fn with every flow of an agent, as [Store.Flows] has them, and the
// run that saw it, until one of them cannot be read. fn must not keep the flow.
func (s *Store) Replay(agent string, fn func(f *learn.Flow, run string)) (err error) {
	s.each(agent, func(f *learn.Flow, k kind, bad error) bool {
		if err = bad; err == nil && !k.checked {
			fn(f, k.run)
		}
		return err == nil
	})
	return err
}

// An extent is what is there when reading begins.
type extent struct {
	flows, checked uint64 // the newest blocks
	lasting        []Recorded
}

// extent returns it; where nothing can be read at all, reading the first block says
// the same again.
func (s *Store) extent(agent string) (e extent, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		e.flows = tx.Bucket([]byte(bFlows)).Sequence()
		if b := tx.Bucket([]byte(bChecked)); b != nil {
			e.checked = b.Sequence()
		}
		return eachLasting(tx, &s.codec, agent, func(_ []byte, r *Recorded) error {
			e.lasting = append(e.lasting, *r)
			return nil
		})
	})
	return e, err
}

// An eachFlow is called with flows, or with why there are none; false wants no more.
type eachFlow func(f *learn.Flow, k kind, err error) bool

// each calls fn with what was learned, then with what was checked.
func (s *Store) each(agent string, fn eachFlow) {
	e, err := s.extent(agent)
	if err != nil && !fn(&learn.Flow{}, kind{}, err) || !s.blocks(bFlows, e.flows, agent, fn) {
		return
	}
	lasting := func(checked bool) bool {
		for i := range e.lasting {
			if r := &e.lasting[i]; r.Checked == checked && !fn(&r.Flow, kind{r.Run, checked, true}, nil) {
				return false
			}
		}
		return true
	}
	_ = lasting(false) && s.blocks(bChecked, e.checked, agent, fn) && lasting(true)
}

// blocks calls fn with the flows in blocks up to a number; false says that it wants
// no more.
func (s *Store) blocks(bucket string, end uint64, agent string, fn eachFlow) bool {
	var flows []learn.Flow
	for at := uint64(0); ; at++ {
		var err error
		var h head
		at, h, flows, err = s.blockFrom(bucket, at, flows[:0])
		k := kind{run: h.run, checked: bucket == bChecked}
		switch {
		case at > end:
			return true
		case err != nil && !fn(&learn.Flow{}, k, err):
			return false
		}
		for i := range flows {
			if (agent == "" || flows[i].Agent == agent) && !fn(&flows[i], k, nil) {
				return false
			}
		}
	}
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
