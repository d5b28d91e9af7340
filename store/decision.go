package store

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// A Decided is what a person decided of a row of a review, as the program wrote
// it, under the key of the row.
type Decided struct {
	Key  string
	Data []byte
}

// PutDecisions keeps decisions of an agent, all of them or none. Each takes the
// place of one with its key; one without data only removes that.
func (s *Store) PutDecisions(agent string, list []Decided) error {
	return s.update(func(tx *bbolt.Tx) error {
		b, err := tx.Bucket([]byte(bDecisions)).CreateBucketIfNotExists([]byte(agent))
		for _, d := range list {
			if err != nil {
				break
			}
			if err = b.Delete(decisionKey(d.Key)); err == nil && len(d.Data) > 0 {
				err = b.Put(decisionKey(d.Key), append(appendText(nil, d.Key), d.Data...))
			}
		}
		if err != nil {
			return fmt.Errorf("decisions of agent %q: %w", agent, err)
		}
		return nil
	})
}

// Decisions returns what was decided of an agent's rows.
func (s *Store) Decisions(agent string) (list []Decided, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		list, err = decisions(tx, agent)
		return err
	})
	return list, err
}

func decisions(tx *bbolt.Tx, agent string) (list []Decided, err error) {
	b := tx.Bucket([]byte(bDecisions)).Bucket([]byte(agent))
	if b == nil {
		return nil, nil
	}
	err = b.ForEach(func(k, v []byte) error {
		r := reader{b: v}
		d := Decided{Key: r.text()}
		if d.Data = bytes.Clone(r.b); r.bad || !bytes.Equal(k, decisionKey(d.Key)) {
			return damaged(fmt.Sprintf("agent %q: decision %x: %v", agent, k, errShort))
		}
		list = append(list, d)
		return nil
	})
	return list, err
}

// checkDecisions reads all decisions.
func checkDecisions(tx *bbolt.Tx) error {
	return tx.Bucket([]byte(bDecisions)).ForEachBucket(func(agent []byte) error {
		_, err := decisions(tx, string(agent))
		return err
	})
}

// decisionKey is of one length: a row may be for more ports than a key can hold.
func decisionKey(key string) []byte {
	sum := sha256.Sum256([]byte(key))
	return sum[:]
}

// LastShown returns the digest of the proposal that was shown last: the numbers
// of rows are of that one. It is "" if none was.
func (s *Store) LastShown() (digest string, at time.Time, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		var last instant
		return tx.Bucket([]byte(bShown)).ForEach(func(k, v []byte) error {
			r := reader{b: v}
			if t := r.instant(); digest == "" || last.before(t) {
				digest, last = string(k), t
				at = t.time()
			}
			return nil
		})
	})
	return digest, at, err
}
