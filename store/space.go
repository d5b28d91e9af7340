package store

import (
	"errors"
	"fmt"
	"syscall"

	"go.etcd.io/bbolt"

	"tripline/learn"
)

// full says how much a write needs that did not fit on the disk. Nothing of it
// is in the store, and the store can be used on.
func full(err error, tx *bbolt.Tx) error {
	if tx == nil || !(errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)) {
		return err
	}
	stats := tx.Stats()
	err = fmt.Errorf("nothing was written, it needs %s: %w", size(stats.GetPageAlloc()), err)
	return learn.WithHint(err, "free that much, or drop old flows with tripline prune")
}

// size writes a number of bytes in the unit that df and ls use.
func size(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KiB", (n+1<<10-1)>>10)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}
