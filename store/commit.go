package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"tripline/learn"
)

// A Batch is what is written at once.
type Batch struct {
	Run      string            // the run the flows belong to
	At       time.Time         // when it is written
	Flows    []learn.Flow      // with their agents
	Checked  []learn.Flow      // that were judged: they are kept, and nothing is learned from them
	Lasting  []Lasting         // connections that go on
	Ended    []string          // keys of those that do no more: their flows are in Flows or Checked
	Cursors  map[string][]byte // how far each source was read
	Counters map[string]uint64 // what else happened, added up per run: unreadable lines by cause
	Hits     []learn.Hits      // what checking flows said of rules
	Watch    *Watch            // what checking flows found, nil for nothing

	Uses map[string]map[string][]byte // by agent and place: what was used of budgets, as the caller wrote it; nil removes it
}

// Commit writes a batch. It is there entirely or not at all; when Commit has
// returned nil it is on disk. The same flows in another batch count again. A
// batch costs by the destinations in it as well as by its flows: reading a long
// log, a hundred thousand flows or more at once are quick.
func (s *Store) Commit(b Batch) error {
	if s.db.IsReadOnly() {
		return s.place(ErrReadOnly)
	}
	learns := slices.ContainsFunc(b.Lasting, func(l Lasting) bool { return !l.Checked })
	if b.Run == "" && (len(b.Flows) > 0 || len(b.Counters) > 0 || learns) {
		return s.place(errors.New("commit: the batch has flows or counters and no run"))
	}
	p, err := pack(&s.codec, b.Run, b.Flows)
	if err != nil {
		return s.place(fmt.Errorf("commit: %w", err))
	}
	return s.update(func(tx *bbolt.Tx) error { return s.commit(tx, &b, p) })
}

func (s *Store) commit(tx *bbolt.Tx, b *Batch, p *packer) error {
	if b.Run != "" {
		id, err := countRun(tx, b, p)
		if err != nil {
			return err
		}
		if err := mergeAll(tx.Bucket([]byte(bDestinations)), p.folded(), id); err != nil {
			return err
		}
	}
	if err := appendBlocks(tx.Bucket([]byte(bFlows)), p.blocks); err != nil {
		return err
	}
	if err := errors.Join(putChecked(tx, &s.codec, b.Checked), putLasting(tx, &s.codec, b)); err != nil {
		return err
	}
	cursors := tx.Bucket([]byte(bCursors))
	for key, c := range b.Cursors {
		if err := cursors.Put([]byte(key), c); err != nil {
			return fmt.Errorf("cursor %q: %w", key, err)
		}
	}
	if err := putWatch(tx, b.Watch, b.At); err != nil {
		return err
	}
	return errors.Join(mergeHits(tx, b.Hits), mergeUses(tx, b.Uses))
}

func appendBlocks(flows *bbolt.Bucket, blocks [][]byte) error {
	for _, v := range blocks {
		seq, err := flows.NextSequence()
		if err == nil {
			err = flows.Put(sequence(seq), v)
		}
		if err != nil {
			return fmt.Errorf("block of flows: %w", err)
		}
	}
	return nil
}

func sequence(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// mergeAll adds the destinations of a batch, which are in order of agent and
// key, to those that are stored.
func mergeAll(all *bbolt.Bucket, news []folded, run uint32) error {
	values := arena{}
	for len(news) > 0 {
		agent := news[0].agent
		n := slices.IndexFunc(news, func(f folded) bool { return f.agent != agent })
		if n < 0 {
			n = len(news)
		}
		b, err := all.CreateBucketIfNotExists([]byte(agent))
		if err != nil {
			return fmt.Errorf("agent %q: %w", agent, err)
		}
		for i := range news[:n] {
			if err := mergeOne(b, &news[i], run, &values); err != nil {
				return fmt.Errorf("agent %q: %w", agent, err)
			}
		}
		news = news[n:]
	}
	return nil
}

func mergeOne(b *bbolt.Bucket, f *folded, run uint32, values *arena) error {
	f.sum.runs = []uint32{run}
	if v := b.Get(f.key); v != nil {
		old, _, err := sumOf(v)
		if err != nil {
			return damaged(err)
		}
		old.merge(f.sum)
		f.sum = &old
	}
	return b.Put(f.key, values.keep(func(b []byte) []byte { return f.sum.appendTo(b, f.name) }))
}

// An arena holds many small values until a transaction ends, in few pieces.
type arena struct{ free []byte }

// keep returns what write appended. What it returned before stays valid.
func (a *arena) keep(write func([]byte) []byte) []byte {
	if cap(a.free) < 4<<10 {
		a.free = make([]byte, 0, 256<<10)
	}
	v := write(a.free[:0])
	if len(v) <= cap(a.free) {
		a.free = a.free[len(v):len(v):cap(a.free)]
	}
	return slices.Clip(v)
}

// Cursor returns what was last committed for key, nil if nothing was.
func (s *Store) Cursor(key string) (cursor []byte, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		if v := tx.Bucket([]byte(bCursors)).Get([]byte(key)); v != nil {
			cursor = append([]byte{}, v...)
		}
		return nil
	})
	return cursor, err
}
