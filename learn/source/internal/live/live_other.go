//go:build !linux && !freebsd

package live

import (
	"errors"
	"time"

	"tripline/learn/source/internal/capfile"
)

// RightHint says how to get the right to capture.
const RightHint = "capture with tcpdump and read its file: tripline flows --from pcap"

// Watching is the rights of who also asks the kernel: there are none here.
const Watching = 0

// A Handle is an open interface; there is none on this system.
type Handle struct{}

// Open says that this system is not supported.
func Open(string, uint64) (*Handle, error) { return nil, errors.ErrUnsupported }

// Next is never called.
func (*Handle) Next(*capfile.Packet) (bool, error) { return false, errors.ErrUnsupported }

// Wait is never called.
func (*Handle) Wait(time.Duration) bool { return false }

// Dropped is never called.
func (*Handle) Dropped() int64 { return 0 }

// Close is never called.
func (*Handle) Close() error { return nil }
