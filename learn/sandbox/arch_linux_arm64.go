package sandbox

import "golang.org/x/sys/unix"

// auditArch is the ABI of this program. It has no second one under its own name.
const (
	auditArch = unix.AUDIT_ARCH_AARCH64
	otherABI  = 0
)

var elder = []uint32{unix.SYS_KEXEC_FILE_LOAD}
