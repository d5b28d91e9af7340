package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// bForecasts and bMarks hold what is foretold and marked of each agent. They are
// made when they are first needed, so that files of before are of the same
// schema.
const (
	bForecasts = "forecasts"
	bMarks     = "marks"
)

// A Forecast is what was foretold of an agent from an observation that ended at
// Until, for the proposal with the digest that was shown, as the program wrote it.
type Forecast struct {
	Until  time.Time // to the second
	Digest string
	Data   []byte
}

// forecasts is how many are kept of an agent: an hourly review of six weeks, a
// daily one of years.
const forecasts = 1000

// PutForecast keeps a forecast of an agent. The first for the same observation
// and proposal stays: it is the one that was shown. Beyond a thousand the oldest
// go.
func (s *Store) PutForecast(agent string, f Forecast) error {
	return s.update(func(tx *bbolt.Tx) error { return putForecast(tx, agent, f) })
}

func putForecast(tx *bbolt.Tx, agent string, f Forecast) error {
	b, err := noted(tx, bForecasts, agent)
	if err != nil {
		return err
	}
	key := append(sequence(uint64(max(0, f.Until.Unix()))), f.Digest...)
	if b.Get(key) != nil {
		return nil
	}
	if err = b.Put(key, f.Data); err == nil {
		err = keepNewest(b, forecasts)
	}
	if err != nil {
		return fmt.Errorf("forecast of agent %q: %w", agent, err)
	}
	return nil
}

// noted returns the bucket of an agent in one that is made when needed.
func noted(tx *bbolt.Tx, what, agent string) (*bbolt.Bucket, error) {
	top, err := tx.CreateBucketIfNotExists([]byte(what))
	if err != nil {
		return nil, err
	}
	b, err := top.CreateBucketIfNotExists([]byte(agent))
	if err != nil {
		return nil, fmt.Errorf("%s of agent %q: %w", what, agent, err)
	}
	return b, nil
}

// keepNewest drops the lowest keys beyond n.
func keepNewest(b *bbolt.Bucket, n int) error {
	var keys [][]byte
	err := b.ForEach(func(k, _ []byte) error {
		keys = append(keys, bytes.Clone(k))
		return nil
	})
	for i := 0; err == nil && i < len(keys)-n; i++ {
		err = b.Delete(keys[i])
	}
	return err
}

// Forecasts returns what was foretold of an agent, by the end of the
// observation.
func (s *Store) Forecasts(agent string) (list []Forecast, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		return eachNoted(tx, bForecasts, agent, func(_ string, k, v []byte) error {
			if len(k) < 8 {
				return damaged(fmt.Sprintf("forecast %x of agent %q: %v", k, agent, errShort))
			}
			at := time.Unix(int64(binary.BigEndian.Uint64(k)), 0).UTC()
			list = append(list, Forecast{at, string(k[8:]), bytes.Clone(v)})
			return nil
		})
	})
	return list, err
}

// eachNoted calls fn with what is in a bucket that may not be there, of one agent
// or of all.
func eachNoted(tx *bbolt.Tx, what, agent string, fn func(agent string, k, v []byte) error) error {
	top := tx.Bucket([]byte(what))
	if top == nil {
		return nil
	}
	return eachAgent(top, agent, func(name string, b *bbolt.Bucket) error {
		return b.ForEach(func(k, v []byte) error { return fn(name, k, v) })
	})
}
