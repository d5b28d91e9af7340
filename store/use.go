package store

import (
	"bytes"
	"fmt"

	"go.etcd.io/bbolt"
)

// bUses holds what agents used of their budgets, by agent and place. It is made
// when it is first needed.
const bUses = "uses"

// mergeUses puts what was used in place of what was kept before; nil removes it.
func mergeUses(tx *bbolt.Tx, uses map[string]map[string][]byte) error {
	for agent, places := range uses {
		b, err := noted(tx, bUses, agent)
		if err != nil {
			return err
		}
		for to, data := range places {
			if data == nil {
				err = b.Delete([]byte(to))
			} else {
				err = b.Put([]byte(to), data)
			}
			if err != nil {
				return fmt.Errorf("use of %q by agent %q: %w", to, agent, err)
			}
		}
	}
	return nil
}

// Uses returns what an agent used of its budgets, by place, as it was committed.
func (s *Store) Uses(agent string) (places map[string][]byte, err error) {
	places = map[string][]byte{}
	err = s.view(func(tx *bbolt.Tx) error {
		top := tx.Bucket([]byte(bUses))
		if top == nil || top.Bucket([]byte(agent)) == nil {
			return nil
		}
		return top.Bucket([]byte(agent)).ForEach(func(k, v []byte) error {
			places[string(k)] = bytes.Clone(v)
			return nil
		})
	})
	return places, err
}
