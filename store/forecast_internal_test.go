package store

import (
	"strconv"
	"time"

	"go.etcd.io/bbolt"
)

// PutForecasts keeps many in one transaction, each a second after the one before.
func (s *Store) PutForecasts(agent string, from, n int) error {
	return s.update(func(tx *bbolt.Tx) error {
		for i := from; i < from+n; i++ {
			if err := putForecast(tx, agent, Forecast{Until: time.Unix(int64(i), 0), Digest: strconv.Itoa(i)}); err != nil {
				return err
			}
		}
		return nil
	})
}
