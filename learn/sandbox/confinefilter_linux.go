package sandbox

import "golang.org/x/sys/unix"

// harmful are calls that change or look into the system and that a process of ours has
// no use for, and tracers those that look into other processes.
var (
	harmful = append([]uint32{
		unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_PTRACE, unix.SYS_PROCESS_MADVISE, unix.SYS_KCMP,
		unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT,
		unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR,
		unix.SYS_SETNS, unix.SYS_UNSHARE, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD,
		unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
		unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_REBOOT,
		unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_ACCT, unix.SYS_QUOTACTL, unix.SYS_SYSLOG,
		unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_ADJTIMEX, unix.SYS_CLOCK_ADJTIME,
		unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME, unix.SYS_PERSONALITY,
	}, elder...)
	tracers = []uint32{unix.SYS_PIDFD_GETFD, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV}
)

// confinedProgram is the filter of a process of ours.
func confinedProgram(n need) (p program) {
	p.oneABI()
	never := func(p *program) { p.give(refuse(unix.EPERM)) }
	for _, call := range harmful {
		p.ifEqual(call, never)
	}
	if n == nothing {
		for _, call := range tracers {
			p.ifEqual(call, never)
		}
	}
	p.onlyThreads()
	p.ifEqual(unix.SYS_SOCKET, func(p *program) {
		p.load(argument(0))
		for _, f := range []uint32{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK} {
			p.ifEqual(f, func(p *program) { p.give(unix.SECCOMP_RET_ALLOW) })
		}
		p.give(refuse(unix.EAFNOSUPPORT))
	})
	p.noTyping()
	p.give(unix.SECCOMP_RET_ALLOW)
	return p
}

// onlyThreads lets this process make threads, and no other processes. What takes its
// flags from memory is said not to be there: libraries go back to what does not.
func (p *program) onlyThreads() {
	p.ifEqual(unix.SYS_CLONE3, func(p *program) { p.give(refuse(unix.ENOSYS)) })
	p.ifEqual(unix.SYS_CLONE, func(p *program) {
		p.load(argument(0))
		p.add(unix.BPF_JMP|unix.BPF_JSET|unix.BPF_K, unix.CLONE_THREAD, 1, 0)
		p.give(refuse(unix.EPERM))
		p.give(unix.SECCOMP_RET_ALLOW)
	})
}
