package sandbox

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The filter of system calls refuses what leads around the network namespace:
// families of sockets that do not know it (AF_VSOCK and others), io_uring, which
// connects without a system call, keys, BPF, other ABIs, which have other numbers for
// everything, and writing into the terminal's input. With strict attribution it
// also tells of each connect and of each datagram with an address.

// families are the sockets that the namespace holds, or that are within this
// machine's kernel alone.
var families = []uint32{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK, unix.AF_PACKET, unix.AF_ALG}

// Offsets in struct seccomp_data. Arguments are 64 bits wide, in little endian on
// both architectures.
const (
	dataNumber = 0
	dataArch   = 4
	dataArg0   = 16
)

func argument(n int) uint32 { return uint32(dataArg0 + 8*n) }

// A program is a filter in the making. What does not match falls through.
type program []unix.SockFilter

func (p *program) add(code uint16, k uint32, jt, jf uint8) {
	*p = append(*p, unix.SockFilter{Code: code, Jt: jt, Jf: jf, K: k})
}

func (p *program) load(offset uint32) { p.add(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, offset, 0, 0) }

func (p *program) give(action uint32) { p.add(unix.BPF_RET|unix.BPF_K, action, 0, 0) }

// ifEqual runs then where the loaded value is k; then must not fall through.
func (p *program) ifEqual(k uint32, then func(*program)) {
	var body program
	then(&body)
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, k, 0, uint8(len(body)))
	*p = append(*p, body...)
}

func refuse(errno unix.Errno) uint32 { return unix.SECCOMP_RET_ERRNO | uint32(errno) }

// oneABI refuses other ABIs, and loads the number of the call.
func (p *program) oneABI() {
	p.load(dataArch)
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, auditArch, 1, 0)
	p.give(refuse(unix.ENOSYS))
	p.load(dataNumber)
	if otherABI != 0 {
		p.add(unix.BPF_JMP|unix.BPF_JGE|unix.BPF_K, otherABI, 0, 1)
		p.give(refuse(unix.ENOSYS))
	}
	for _, call := range absent {
		p.ifEqual(call, func(p *program) { p.give(refuse(unix.ENOSYS)) })
	}
}

// absent are calls that are said not to be there: io_uring connects without a system
// call; for keys the kernel starts programs outside that ask for names (keyctl(2),
// request-key(8)); BPF is in no namespace; files by handle are under no mount.
var absent = []uint32{
	unix.SYS_IO_URING_SETUP, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL, unix.SYS_BPF, unix.SYS_OPEN_BY_HANDLE_AT,
}

// noTyping keeps the command from writing into the terminal's input.
func (p *program) noTyping() {
	p.ifEqual(unix.SYS_IOCTL, func(p *program) {
		p.load(argument(1))
		for _, request := range []uint32{unix.TIOCSTI, tioclinux} {
			p.ifEqual(request, func(p *program) { p.give(refuse(unix.EPERM)) })
		}
		p.give(unix.SECCOMP_RET_ALLOW)
	})
}

// addressed tells of a sendto with an address: one without is of a connection.
func (p *program) addressed() {
	p.ifEqual(unix.SYS_SENDTO, func(p *program) {
		p.ifAny(argument(4), unix.SECCOMP_RET_USER_NOTIF)
		p.give(unix.SECCOMP_RET_ALLOW)
	})
}

// ifAny gives an action where an argument is not 0, in either half.
func (p *program) ifAny(argument, action uint32) {
	for _, half := range []uint32{0, 4} {
		p.load(argument + half)
		p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 0, 1, 0)
		p.give(action)
	}
}

func (p *plan) filterProgram() (f program) {
	f.oneABI()
	for _, call := range []uint32{unix.SYS_SOCKET, unix.SYS_SOCKETPAIR} {
		f.ifEqual(call, func(f *program) {
			f.load(argument(0))
			for _, family := range families {
				f.ifEqual(family, func(f *program) { f.give(unix.SECCOMP_RET_ALLOW) })
			}
			f.give(refuse(unix.EAFNOSUPPORT))
		})
	}
	f.noTyping()
	if !p.PID { // others are in sight
		f.ownLimits()
	}
	if p.Strict {
		f.ifEqual(unix.SYS_CONNECT, func(f *program) { f.give(unix.SECCOMP_RET_USER_NOTIF) })
		f.addressed()
	}
	f.give(unix.SECCOMP_RET_ALLOW)
	return f
}

const tioclinux = 0x541c

// filter installs the filter, and returns the descriptor that tells of calls, -1
// without strict attribution.
func (p *plan) filter() (listener int, err error) {
	f := p.filterProgram()
	switch {
	case p.Bare:
		f = bareProgram()
	case !p.Strict:
		_, err = install(f, 0)
		return -1, err
	}
	fd, err := install(f, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER|unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
	if errors.Is(err, unix.EINVAL) { // before Linux 5.19 there is no such flag
		fd, err = install(f, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER)
	}
	return fd, err
}

// installAll gives a filter to all threads of this process, or to none.
func installAll(p program) error {
	thread, err := install(p, unix.SECCOMP_FILTER_FLAG_TSYNC)
	if err == nil && thread != 0 {
		err = fmt.Errorf("seccomp: thread %d has a filter of its own", thread)
	}
	return err
}

func install(p program, flags uintptr) (int, error) {
	prog := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	fd, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog))) //nolint:gosec // G103: how the call takes its argument
	if errno != 0 {
		return -1, fmt.Errorf("seccomp: %w", errno)
	}
	return int(fd), nil
}
