// Package ctnetlink asks the Linux kernel over netlink for the connections that
// it tracks: what begins and ends, as it happens, and the table.
//
// # What it promises
//
// A connection that is in the table when [Open] returns is listed, and each that
// begins after that is told. The kernel tells of the end of a connection when it
// next looks at it, which may be minutes later; reading the table makes it look,
// so it is read every second or two. Where the kernel had to drop what it wanted
// to tell, that is counted and the table is read again, so that what is still in
// it is not lost.
//
// # What it does not do
//
// It does not turn on tracking or counting, and it does not know which of the
// connections are of interest.
package ctnetlink

import "errors"

// ErrRight says that this user may not ask. [RightHint] says what to do.
var ErrRight = errors.New("asking the kernel for its connections is not permitted")

// RightHint says how to get the right to ask.
const RightHint = "run tripline as root, or give it the right: setcap cap_net_admin+ep tripline"

// ErrUntracked says that the kernel has no connection tracking.
var ErrUntracked = errors.New("the kernel does not track connections")
