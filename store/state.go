package store

import (
	"bytes"
	"fmt"

	"go.etcd.io/bbolt"
)

// bStates holds what programs remember between runs that is no place in a source:
// one bucket, made when it is first needed.
const bStates = "states"

// PutState keeps what is to be remembered by a name.
func (s *Store) PutState(name string, state []byte) error {
	return s.update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte(bStates))
		if err == nil {
			err = b.Put([]byte(name), state)
		}
		if err != nil {
			return fmt.Errorf("state %q: %w", name, err)
		}
		return nil
	})
}

// State returns what is remembered by a name, nil if nothing is.
func (s *Store) State(name string) (state []byte, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		if b := tx.Bucket([]byte(bStates)); b != nil {
			state = bytes.Clone(b.Get([]byte(name)))
		}
		return nil
	})
	return state, err
}
