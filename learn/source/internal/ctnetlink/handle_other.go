//go:build !linux

package ctnetlink

import (
	"context"
	"errors"
	"time"

	"tripline/learn/source/internal/conntrack"
)

// A Handle is an open connection to the kernel; there is none on this system.
type Handle struct{}

// Open says that this system is not supported.
func Open() (*Handle, error) { return nil, errors.ErrUnsupported }

// Counts is never true.
func Counts() (bool, error) { return false, errors.ErrUnsupported }

// Next is never called.
func (*Handle) Next(*conntrack.Line) (bool, error) { return false, errors.ErrUnsupported }

// Wait is never called.
func (*Handle) Wait(context.Context, time.Duration) error { return errors.ErrUnsupported }

// Dropped is never called.
func (*Handle) Dropped() int64 { return 0 }

// Close is never called.
func (*Handle) Close() error { return nil }
