package sandbox

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// kept are what root keeps of its rights, over files and its own processes. All
// are of the sandbox's own user namespace. None concerns the network.
const kept = 1<<unix.CAP_CHOWN | 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_DAC_READ_SEARCH | 1<<unix.CAP_FOWNER |
	1<<unix.CAP_FSETID | 1<<unix.CAP_KILL | 1<<unix.CAP_SETGID | 1<<unix.CAP_SETUID | 1<<unix.CAP_SETFCAP

// drop gives up every right that made the sandbox, for good.
func (p *plan) drop() error {
	var keep uint64
	if p.UID == 0 {
		keep = kept
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("drop ambient rights: %w", err)
	}
	for c := range uint64(64) {
		if keep&(1<<c) != 0 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0); err != nil {
			break // there are no more
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("renounce new rights: %w", err)
	}
	if err := keepRights(keep, unix.Capset); err != nil {
		return fmt.Errorf("drop rights: %w", err)
	}
	return nil
}
