package store

import (
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"tripline/learn"
)

// A Packing collects flows of one run for a commit, packed as they will be
// written: a long file needs no more memory than its compressed flows and its
// destinations, and the store stays closed meanwhile. Not safe for concurrent
// use.
type Packing struct {
	run   string
	codec codec
	p     *packer
}

// NewPacking begins to collect flows of a run.
func NewPacking(run string) *Packing {
	p := &Packing{run: run}
	p.p = newPacker(&p.codec, run)
	return p
}

// Add packs a flow. It is not kept.
func (p *Packing) Add(f *learn.Flow) error {
	if why := unfit(f); why != "" {
		return fmt.Errorf("flow to %s: %s", f.Dst, why)
	}
	p.p.add(f)
	if p.p.block.full() {
		return p.p.flush()
	}
	return nil
}

// CommitPacking writes what was collected with the rest of the batch, whose
// Flows are not used. The packing is used up.
func (s *Store) CommitPacking(p *Packing, b Batch) error {
	defer p.codec.close()
	if s.db.IsReadOnly() {
		return s.place(ErrReadOnly)
	}
	if b.Run = p.run; b.Run == "" {
		return s.place(errors.New("commit: the flows have no run"))
	}
	if err := p.p.flush(); err != nil {
		return s.place(fmt.Errorf("commit: %w", err))
	}
	return s.update(func(tx *bbolt.Tx) error { return s.commit(tx, &b, p.p) })
}
