//go:build !linux || !(386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64)

package bpf

import "errors"

// A Handle is the programs while they run; there are none on this system.
type Handle struct{}

// Open says that this system is not supported.
func Open(string) (*Handle, error) { return nil, errors.ErrUnsupported }

// Next is never called.
func (*Handle) Next(*Record) (bool, error) { return false, errors.ErrUnsupported }

// Lost is never called.
func (*Handle) Lost() int64 { return 0 }

// Close is never called.
func (*Handle) Close() error { return nil }
