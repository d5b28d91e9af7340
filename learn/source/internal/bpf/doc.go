// Package bpf lets the Linux kernel tell who opens connections: by programs at the
// root of its cgroups (datagrams) and at its BTF tracepoints (TCP, processes).
//
// # Vocabulary
//
// A [Record] is what one of the programs told: that a connection was opened, that it
// is established or closed, that a datagram was sent to somebody who had sent none to
// this socket before (else it is an answer), that a process was forked, executed
// something or exited.
//
// # What it promises
//
// Records come in the order of the kernel, from one ring: a process that lives for a
// millisecond is told of before the connection that it opens. They are sent without
// waking this process up, which is what costs most, and read by who asks. What had
// no room is counted.
//
// # What it does not do
//
// It decides nothing and changes nothing. What a process does with a socket that it
// was given by another is told as that of the one who opened it.
//
// The programs are in observe.c. The object built from it is in the repository, so
// that building needs no compiler for it; "make bpf" makes it again.
package bpf

import (
	"errors"
	"net/netip"
)

// ErrRight says that this user may not load programs. [RightHint] says what to do.
var ErrRight = errors.New("loading eBPF programs is not permitted")

// RightHint says how to get the right to load programs.
const RightHint = "run tripline as root, or give it the rights: setcap cap_bpf,cap_perfmon,cap_net_admin+ep tripline"

// A Kind is what a record tells.
type Kind uint32

// The kinds, as observe.c has them.
const (
	Opened      Kind = 1 + iota // TCP: the first packet is about to leave; its port may not be known yet
	Established                 // TCP: from here on all is known
	Closed                      // TCP, with bytes
	Datagram                    // UDP was sent to an address; again after half a minute
	Towards                     // UDP was connected to an address; nothing need be sent. Not where the kernel tells of [Sent]
	Forked
	Executed
	Exited
	Sent // UDP was sent by a connected socket: all is known; again after half a minute
)

// A Record is what a program told. It owns its texts.
type Record struct {
	Kind   Kind
	Time   int64  // nanoseconds since 1970
	PID    int    // of the process; of [Closed] and [Established] any
	UID    int    // likewise
	Net    uint32 // inode of the network namespace
	Cgroup uint64 // ID in the tree of version 2

	// Of connections.
	Proto            uint8
	Cookie           uint64 // of the socket
	Src, Dst         netip.Addr
	SrcPort, DstPort uint16 // 0 if not known yet
	Up, Down         uint64

	// Of processes.
	Parent int
	Path   string   // what was executed, maybe relative
	Args   []string // the first 1024 bytes of them
}
