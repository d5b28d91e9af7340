package store

import (
	"bytes"
	"fmt"

	"go.etcd.io/bbolt"
)

// An Agent is what the program keeps of an agent: its selectors, as it wrote
// them.
type Agent struct {
	Name string
	Data []byte
}

// PutAgent keeps data for an agent in place of what was kept before.
func (s *Store) PutAgent(name string, data []byte) error {
	return s.update(func(tx *bbolt.Tx) error {
		if err := tx.Bucket([]byte(bAgents)).Put([]byte(name), data); err != nil {
			return fmt.Errorf("agent %q: %w", name, err)
		}
		return nil
	})
}

// Agents returns all agents by name.
func (s *Store) Agents() (agents []Agent, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bAgents)).ForEach(func(k, v []byte) error {
			agents = append(agents, Agent{string(k), bytes.Clone(v)})
			return nil
		})
	})
	return agents, err
}
