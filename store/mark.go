package store

import (
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// A Mark says that something happened to an agent: a restart, an update, a tool
// that was called.
type Mark struct {
	Name string
	Run  string    // the run it was said in, "" if in none
	At   time.Time // when it was said
}

// AddMark keeps a mark of an agent.
func (s *Store) AddMark(agent string, m Mark) error {
	return s.update(func(tx *bbolt.Tx) error {
		b, err := noted(tx, bMarks, agent)
		if err != nil {
			return err
		}
		n, err := b.NextSequence()
		if err == nil {
			err = b.Put(sequence(n), appendText(appendText(appendInstant(nil, instantOf(m.At)), m.Run), m.Name))
		}
		if err != nil {
			return fmt.Errorf("mark of agent %q: %w", agent, err)
		}
		return nil
	})
}

// Marks returns the marks of an agent in the order they were set.
func (s *Store) Marks(agent string) (list []Mark, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		return eachNoted(tx, bMarks, agent, func(name string, k, v []byte) error {
			m, err := markOf(v)
			if err != nil {
				return damaged(fmt.Sprintf("mark %x of agent %q: %v", k, name, err))
			}
			list = append(list, m)
			return nil
		})
	})
	return list, err
}

func markOf(v []byte) (Mark, error) {
	r := reader{b: v}
	m := Mark{At: r.instant().time(), Run: r.text(), Name: r.text()}
	return m, r.err()
}

// checkMarks reads all marks.
func checkMarks(tx *bbolt.Tx) error {
	return eachNoted(tx, bMarks, "", func(agent string, k, v []byte) error {
		if _, err := markOf(v); err != nil {
			return damaged(fmt.Sprintf("mark %x of agent %q: %v", k, agent, err))
		}
		return nil
	})
}
