package store

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"tripline/learn"
)

// bStays holds when containers had which address: one bucket, made when it is
// first needed.
const bStays = "stays"

// mostStays is how many are kept, the latest.
const mostStays = 100_000

// PutStays keeps where containers were. One that is there already gets its end.
func (s *Store) PutStays(list []learn.Stay) error {
	return s.update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte(bStays))
		for i := 0; err == nil && i < len(list); i++ {
			var value []byte
			if value, err = json.Marshal(&list[i]); err == nil {
				err = b.Put(stayKey(&list[i]), value)
			}
		}
		if err == nil {
			err = keepNewest(b, mostStays)
		}
		if err != nil {
			return fmt.Errorf("where containers are: %w", err)
		}
		return nil
	})
}

// stayKey sorts by time.
func stayKey(s *learn.Stay) []byte {
	key := binary.BigEndian.AppendUint64(nil, uint64(max(0, s.From.UnixNano())))
	return append(append(key, s.Addr.AsSlice()...), s.ID...)
}

// Stays returns where containers were, by time.
func (s *Store) Stays() (list []learn.Stay, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		return eachStay(tx, func(stay learn.Stay) { list = append(list, stay) })
	})
	return list, err
}

func eachStay(tx *bbolt.Tx, fn func(learn.Stay)) error {
	b := tx.Bucket([]byte(bStays))
	if b == nil {
		return nil
	}
	return b.ForEach(func(k, v []byte) error {
		var stay learn.Stay
		if err := json.Unmarshal(v, &stay); err != nil {
			return damaged(fmt.Sprintf("stay %x: %v", k, err))
		}
		fn(stay)
		return nil
	})
}

// checkStays reads all stays.
func checkStays(tx *bbolt.Tx) error { return eachStay(tx, func(learn.Stay) {}) }
