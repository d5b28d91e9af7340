package live

import (
	"errors"
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kept are what other sources and the store may still want of root: files of
// others, and low ports.
const kept = 1<<unix.CAP_DAC_READ_SEARCH | 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_NET_BIND_SERVICE

// renounce gives up all other capabilities, of all threads and for all children.
func renounce(keep uint32) error {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var have [2]unix.CapUserData
	if err := unix.Capget(&head, &have[0]); err != nil {
		return fmt.Errorf("capabilities: %w", err)
	}
	left := [2]unix.CapUserData{{Effective: have[0].Effective & (kept | keep), Permitted: have[0].Permitted & (kept | keep)}}
	if err := allThreads(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	//nolint:gosec // G103: how a system call takes its arguments
	if err := allThreads(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&head)), uintptr(unsafe.Pointer(&left[0])), 0); err != nil {
		return fmt.Errorf("capabilities: %w", err)
	}
	return nil
}

// allThreads makes a system call on each thread of the process. With cgo, which
// tests may use, Go cannot: then rights stay.
func allThreads(call, a, b, c uintptr) error {
	_, _, errno := syscall.AllThreadsSyscall6(call, a, b, c, 0, 0, 0)
	if errno == 0 || errors.Is(errno, syscall.ENOTSUP) {
		return nil
	}
	return errno
}
