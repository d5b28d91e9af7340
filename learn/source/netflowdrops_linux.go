package source

import (
	"encoding/binary"
	"net"
	"syscall"
)

// rxqOverflow is SO_RXQ_OVFL: with each datagram, how many were dropped before
// (socket(7)).
const rxqOverflow = 40

func tellDrops(conn *net.UDPConn) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, rxqOverflow, 1) // what old kernels do not know they do not tell
	})
}

func toldDrops(control []byte) (n int64, ok bool) {
	if len(control) == 0 {
		return 0, false
	}
	list, err := syscall.ParseSocketControlMessage(control)
	if err != nil {
		return 0, false
	}
	for _, m := range list {
		if m.Header.Level == syscall.SOL_SOCKET && m.Header.Type == rxqOverflow && len(m.Data) >= 4 {
			return int64(binary.NativeEndian.Uint32(m.Data)), true
		}
	}
	return 0, false
}
