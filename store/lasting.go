package store

import (
	"fmt"

	"go.etcd.io/bbolt"

	"tripline/learn"
)

// bLasting holds connections that have not ended: each one a block of its own, by the
// key that its source gave it. It is made when it is first needed.
const bLasting = "lasting"

// A Lasting is a connection that goes on. It is part of what is recorded, as it was
// last seen, until a batch says that it has ended: which brings the whole flow, so
// that it is counted once. What its source left behind when it was killed stays.
type Lasting struct {
	Key     string // of its source, no other connection's ever
	Flow    learn.Flow
	Checked bool // nothing is learned from it, as of [Batch.Checked]
}

// putLasting writes what goes on, and forgets what has ended.
func putLasting(tx *bbolt.Tx, c *codec, b *Batch) error {
	if len(b.Lasting)+len(b.Ended) == 0 {
		return nil
	}
	all, err := tx.CreateBucketIfNotExists([]byte(bLasting))
	if err != nil {
		return err
	}
	for i := range b.Lasting {
		if err := putLast(all, c, b.Run, &b.Lasting[i]); err != nil {
			return fmt.Errorf("connection that lasts: %w", err)
		}
	}
	for _, key := range b.Ended {
		if err := all.Delete([]byte(key)); err != nil {
			return fmt.Errorf("connection that has ended: %w", err)
		}
	}
	return nil
}

func putLast(all *bbolt.Bucket, c *codec, run string, l *Lasting) error {
	if l.Checked {
		run = ""
	}
	p, err := pack(c, run, []learn.Flow{l.Flow})
	if err != nil {
		return err
	}
	return all.Put([]byte(l.Key), p.blocks[0])
}

// eachLasting calls fn with the connections that have not ended, by key.
func eachLasting(tx *bbolt.Tx, c *codec, agent string, fn func(key []byte, r *Recorded) error) error {
	all := tx.Bucket([]byte(bLasting))
	if all == nil {
		return nil
	}
	return all.ForEach(func(k, v []byte) error {
		h, flows, err := flowsOf(c, v, nil)
		if err != nil || len(flows) != 1 {
			return damaged(fmt.Sprintf("connection %x that lasts: %d flows, %v", k, len(flows), err))
		}
		if agent != "" && flows[0].Agent != agent {
			return nil
		}
		return fn(k, &Recorded{Flow: flows[0], Run: h.run, Checked: h.run == "", Lasting: true})
	})
}

// learnedLasting calls fn with those that something is learned from.
func learnedLasting(tx *bbolt.Tx, c *codec, agent string, fn func(*Recorded)) error {
	return eachLasting(tx, c, agent, func(_ []byte, r *Recorded) error {
		if !r.Checked {
			fn(r)
		}
		return nil
	})
}

// dropLasting deletes those that began before a time.
func dropLasting(tx *bbolt.Tx, c *codec, before instant) (n int, err error) {
	var old [][]byte
	err = eachLasting(tx, c, "", func(key []byte, r *Recorded) error {
		if instantOf(r.Time).before(before) {
			old = append(old, key)
		}
		return nil
	})
	for _, key := range old { // a cursor does not survive a deletion
		if err == nil {
			err = tx.Bucket([]byte(bLasting)).Delete(key)
		}
	}
	return len(old), err
}
