package sandbox

import "golang.org/x/sys/unix"

// auditArch is the ABI of this program; numbers from otherABI on are those of x32.
const (
	auditArch = unix.AUDIT_ARCH_X86_64
	otherABI  = 0x40000000
)

// elder are calls that other architectures do not have.
var elder = []uint32{unix.SYS_FORK, unix.SYS_VFORK, unix.SYS_IOPL, unix.SYS_IOPERM, unix.SYS_MODIFY_LDT, unix.SYS_KEXEC_FILE_LOAD}
