//go:build unix

package store

import (
	"errors"
	"os"
	"syscall"
)

// abandon gives up a file that the library choked on. It may still be mapped
// into memory, and then closing it would not end the lock.
func abandon(f *os.File) error {
	return errors.Join(syscall.Flock(int(f.Fd()), syscall.LOCK_UN), f.Close())
}
