package sandbox

import "golang.org/x/sys/unix"

// auditArch is the ABI of this program; numbers from otherABI on are those of x32.
const (
	auditArch = unix.AUDIT_ARCH_X86_64
	otherABI  = 0x40000000
)
