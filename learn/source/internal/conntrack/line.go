package conntrack

import (
	"net/netip"
	"time"
)

// An Event is what happened to a connection.
type Event uint8

// The events; Listed is a line of the table.
const (
	Listed Event = iota
	Opened
	Updated
	Destroyed
)

// String returns the word that conntrack prints, in lower case.
func (e Event) String() string { return [...]string{"listed", "new", "update", "destroy"}[e] }

// A Tuple is one direction of a connection.
type Tuple struct {
	Src, Dst         netip.Addr
	SrcPort, DstPort uint16
	Bytes            uint64 // 0 where the kernel does not count
}

// A Line is one event, or one line of the table.
type Line struct {
	Time     time.Time // of the event; zero if Timeless
	Timeless bool
	Zoneless bool
	Age      time.Duration // how long the connection is there; 0 if unknown

	Event    Event
	Proto    uint8
	Original Tuple
	Reply    Tuple
	ID       uint64 // of the connection, or what else tells it from others; 0 if there is nothing
	HasType  bool   // of ICMP
	Type     uint8
}
