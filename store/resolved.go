package store

import (
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"tripline/learn"
)

// bResolved holds what approved names were resolved to since, as JSON by agent. It
// is made when the first are put, so that files of before are of the same schema.
const bResolved = "resolved"

// PutResolved replaces what is kept of an agent's names.
func (s *Store) PutResolved(agent string, all []learn.Resolved) error {
	if s.db.IsReadOnly() {
		return s.place(ErrReadOnly)
	}
	return s.update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte(bResolved))
		if err != nil {
			return fmt.Errorf("agent %q: %w", agent, err)
		}
		return putJSON(b, agent, all)
	})
}

// Resolved returns what is kept of an agent's names; nothing, if nothing is.
func (s *Store) Resolved(agent string) (all []learn.Resolved, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(bResolved))
		if b == nil {
			return nil
		}
		text := b.Get([]byte(agent))
		if text == nil {
			return nil
		}
		if err := json.Unmarshal(text, &all); err != nil {
			return damaged(fmt.Sprintf("addresses of names of agent %q: %v", agent, err))
		}
		return nil
	})
	return all, err
}
