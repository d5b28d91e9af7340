package sandbox

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// notice is struct seccomp_notif, and response struct seccomp_notif_resp.
type notice struct {
	id    uint64
	pid   uint32
	flags uint32
	call  int32
	arch  uint32
	ip    uint64
	args  [6]uint64
}

type response struct {
	id    uint64
	value int64
	errno int32
	flags uint32
}

// notices hands on each call that the kernel tells of, until everything inside is
// gone.
func notices(fd int, f func(*notice)) {
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(poll, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		if poll[0].Revents&unix.POLLIN == 0 {
			if poll[0].Revents != 0 {
				return
			}
			continue
		}
		n := new(notice)
		if ioctl(fd, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(n)) == 0 { //nolint:gosec // G103: how an ioctl takes its argument
			f(n)
		} // else its process was ended meanwhile
	}
}

// answer lets the process go on.
func (n *notice) answer(fd int, r *response) {
	r.id = n.id
	ioctl(fd, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(r)) //nolint:gosec // G103: how an ioctl takes its argument
}

// valid says whether the process still waits: its number is then nobody else's.
func (n *notice) valid(fd int) bool {
	return ioctl(fd, unix.SECCOMP_IOCTL_NOTIF_ID_VALID, unsafe.Pointer(&n.id)) == 0 //nolint:gosec // G103: as above
}

func ioctl(fd int, request uintptr, arg unsafe.Pointer) unix.Errno {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg))
	return errno
}

// readAddress reads the address that a call was given.
func readAddress(pid int, at, length uint64) (netip.AddrPort, bool) {
	buf, err := memory(pid, at, min(length, unix.SizeofSockaddrInet6))
	if err != nil {
		return netip.AddrPort{}, false
	}
	return addressIn(buf)
}

// memory copies a part of another process.
func memory(pid int, at, length uint64) ([]byte, error) {
	if length == 0 {
		return nil, nil
	}
	buf := make([]byte, length)
	local := unix.Iovec{Base: &buf[0]}
	local.SetLen(len(buf))
	n, err := unix.ProcessVMReadv(pid, []unix.Iovec{local},
		[]unix.RemoteIovec{{Base: uintptr(at), Len: len(buf)}}, 0)
	if err == nil && n != len(buf) {
		err = unix.EFAULT
	}
	return buf, err
}

// addressIn reads a socket address of IP.
func addressIn(buf []byte) (netip.AddrPort, bool) {
	if len(buf) < unix.SizeofSockaddrInet4 {
		return netip.AddrPort{}, false
	}
	port := binary.BigEndian.Uint16(buf[2:])
	switch family := binary.NativeEndian.Uint16(buf); {
	case family == unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(buf[4:8])), port), true
	case family == unix.AF_INET6 && len(buf) >= 24:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(buf[8:24])).Unmap(), port), true
	}
	return netip.AddrPort{}, false
}

// duplicate returns a descriptor of our own for that of a thread.
func duplicate(tid, fd int) (int, error) {
	p, err := unix.PidfdOpen(tid, unix.PIDFD_THREAD)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.9, of whole processes alone
		p, err = unix.PidfdOpen(groupOf(tid), 0)
	}
	if err != nil {
		return -1, err
	}
	defer unix.Close(p) //nolint:errcheck // it was only used to reach
	return unix.PidfdGetfd(p, fd, 0)
}

// groupOf returns the process that a thread is of.
func groupOf(tid int) int {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(tid) + "/status") //nolint:gosec // G703: it is a number
	if err != nil {
		return tid
	}
	if pid, err := strconv.Atoi(field(text, "Tgid:")); err == nil {
		return pid
	}
	return tid
}
