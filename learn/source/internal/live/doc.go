// Package live captures packets of an interface: on Linux by AF_PACKET with a
// ring that is shared with the kernel, on FreeBSD by /dev/bpf.
//
// # What it promises
//
// On Linux the kernel is told to hand over IP and what may carry it, nothing
// else. The descriptor on FreeBSD is locked, so that it can only be read. What
// it had to drop is counted. On Linux, once an interface is open, the process
// gives up all that root can do beyond its user, except to use the files of
// others and to listen at low ports: the store and other sources may have to.
//
// # What it does not do
//
// It looks into no packet and keeps none.
package live

import "errors"

// ErrRight says that this user may not capture. [RightHint] says what to do.
var ErrRight = errors.New("capturing is not permitted")

// snapLength is how much of a packet is taken: enough for what is said first,
// and for any answer of DNS that fits a datagram of ordinary size.
const snapLength = 4096
