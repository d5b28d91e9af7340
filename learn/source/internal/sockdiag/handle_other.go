//go:build !linux

package sockdiag

import "errors"

// A Handle is an open connection to the kernel; there is none on this system.
type Handle struct{}

// Open says that this system is not supported.
func Open() (*Handle, error) { return nil, errors.ErrUnsupported }

// Find is never called.
func (*Handle) Find(Tuple) (Socket, bool) { return Socket{}, false }

// Opening is never called.
func (*Handle) Opening() map[uint64]Socket { return nil }

// Owner is never called.
func (*Handle) Owner(uint32) (int, bool) { return 0, false }

// Close is never called.
func (*Handle) Close() error { return nil }
