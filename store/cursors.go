package store

import (
	"bytes"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// Cursors returns what was last committed for each key that begins with prefix.
func (s *Store) Cursors(prefix string) (cursors map[string][]byte, err error) {
	cursors = map[string][]byte{}
	err = s.view(func(tx *bbolt.Tx) error {
		return eachCursor(tx, prefix, func(k, v []byte) error {
			cursors[string(k)] = bytes.Clone(v)
			return nil
		})
	})
	return cursors, err
}

// ForgetCursors deletes the cursors whose keys begin with prefix, but for the
// last of them in the order of keys: as many as newest says.
func (s *Store) ForgetCursors(prefix string, newest int) error {
	if s.db.IsReadOnly() {
		return s.place(ErrReadOnly)
	}
	if newest < 0 {
		return s.place(errors.New("forget cursors: want to keep 0 or more"))
	}
	return s.update(func(tx *bbolt.Tx) error {
		var keys [][]byte
		err := eachCursor(tx, prefix, func(k, _ []byte) error {
			keys = append(keys, bytes.Clone(k))
			return nil
		})
		for i := 0; err == nil && i < len(keys)-newest; i++ {
			err = tx.Bucket([]byte(bCursors)).Delete(keys[i])
		}
		if err != nil {
			return fmt.Errorf("forget cursors %q: %w", prefix, err)
		}
		return nil
	})
}

func eachCursor(tx *bbolt.Tx, prefix string, do func(k, v []byte) error) error {
	c := tx.Bucket([]byte(bCursors)).Cursor()
	for k, v := c.Seek([]byte(prefix)); k != nil && bytes.HasPrefix(k, []byte(prefix)); k, v = c.Next() {
		if err := do(k, v); err != nil {
			return err
		}
	}
	return nil
}
