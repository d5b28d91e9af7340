// Package sockdiag asks the Linux kernel which socket a connection is of, and /proc
// which process has it: for where the kernel does not tell by itself (package bpf).
//
// # What it promises
//
// A socket that is found has the five values that were asked for; a process that is
// found has that socket open.
//
// # What it cannot do
//
// A socket that is closed is gone, and with it who had it: of processes that live
// for milliseconds most are missed. Sockets of other network namespaces, so those of
// containers, are not seen. Those of other users need CAP_SYS_PTRACE.
package sockdiag

import "net/netip"

// A Tuple is a connection as its own end has it.
type Tuple struct {
	Proto            uint8
	Src, Dst         netip.Addr
	SrcPort, DstPort uint16
}

// A Socket is what the kernel says of one.
type Socket struct {
	Tuple
	Inode  uint32
	UID    int
	Cookie uint64
}
