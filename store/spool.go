package store

import (
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// bSpool is the one bucket of a spool, which a database does not have.
const bSpool = "spool"

// A Spool is a small file of its own that keeps records by key until they are done
// with: what waits to be sent. One process has it at a time, for as long as it
// runs. It is safe for concurrent use; the caller closes it.
type Spool struct{ s *Store }

// OpenSpool opens the spool at path. A missing file is created, for the owner
// alone.
func OpenSpool(path string, o Options) (*Spool, error) {
	o.ReadOnly = false
	if err := guard(func() error { return ensure(path, false, laySpool) }); err != nil {
		return nil, fmt.Errorf("create queue: %w", explain(err))
	}
	db, file, err := openFile(path, o)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, db: db, file: file}
	err = s.view(func(tx *bbolt.Tx) error {
		if tx.Bucket([]byte(bSpool)) == nil {
			return notStore(path, "it holds no queue")
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.holder = hold(path, o.Holder)
	return &Spool{s}, nil
}

func laySpool(tx *bbolt.Tx) error {
	_, err := tx.CreateBucketIfNotExists([]byte(bSpool))
	return err
}

// Path returns the path the spool was opened with.
func (s *Spool) Path() string { return s.s.path }

// Close gives the file back.
func (s *Spool) Close() error { return s.s.Close() }

// Each calls f with every record, in the order of keys. The value is only lent.
func (s *Spool) Each(f func(key string, value []byte) error) error {
	return s.s.view(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bSpool)).ForEach(func(k, v []byte) error { return f(string(k), v) })
	})
}

// Apply puts records and removes those whose value is nil, all or none, and
// returns once that is on disk.
func (s *Spool) Apply(changes map[string][]byte) error {
	return s.s.update(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(bSpool))
		for key, value := range changes {
			if err := change(b, key, value); err != nil {
				return fmt.Errorf("queue: %q: %w", key, err)
			}
		}
		return nil
	})
}

func change(b *bbolt.Bucket, key string, value []byte) error {
	if value == nil {
		return b.Delete([]byte(key))
	}
	return b.Put([]byte(key), value)
}
