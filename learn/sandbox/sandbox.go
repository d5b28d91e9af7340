package sandbox

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"tripline/learn"
)

// ErrNotSupported is returned where the system has no such namespaces.
var ErrNotSupported = errors.New("a sandbox needs Linux")

// A Decision is what is done with a connection.
type Decision uint8

// The decisions. The zero value lets nothing out.
const (
	Refuse Decision = iota
	Admit
)

// Options say what is run, and what it may do. Only Command must be set; without
// Decide nothing leaves.
type Options struct {
	Command []string
	Label   string // what flows carry as their interface

	// Decide is asked before anything of a connection leaves, and again where it
	// then says another name. The flow is lent. It is called by many at once.
	Decide func(*learn.Flow) Decision
	// Resolve says whether a name may be looked up: to ask is to tell. Nil asks
	// for every name.
	Resolve func(name string) bool
	// Offline answers every name with an address of its own and asks nobody.
	Offline bool
	// Asked says whether Flow is told that a name was asked for and not connected to
	// within seconds: as a flow to port 53 whose rule is [learn.OnlyAsked], refused where
	// nobody outside was asked. Nil tells of none.
	Asked func(name string) bool
	// Flow is told of each connection when it ends, or was refused; and of one that
	// lasts, meanwhile. What it is told is its own to keep. It is called by many at
	// once, of one connection in order.
	Flow func(*Told)

	// HashPayload is how many bytes are hashed of each HTTP body that is not
	// encrypted; 0 hashes none. Without namespaces it is an error.
	HashPayload int64

	HostPorts []uint16 // of the host's loopback that the command reaches at its own
	Publish   []Port   // where the host reaches what the command listens on
	Sockets   []string // in the file system that stay reachable
	Link      string   // "veth" or "tun"; chosen where empty
	Weak      bool     // connections are joined with processes without stopping them

	Namespaces Namespaces // whether the command gets some

	// Private are files that the command neither reads nor changes, which takes
	// namespaces.
	Private []string

	// Begun is told which link there is before the command starts, "" without
	// namespaces: bytes are not seen then. And whether Private is kept from it.
	Begun func(link string, private bool)

	// Confine has this process give up what it does not need any more, before the
	// command starts and for good. Nil gives up nothing.
	Confine *Confinement

	// Dial replaces the way outside, and Resolvers those of this host, for tests.
	Dial      func(ctx context.Context, network string, to netip.AddrPort) (net.Conn, error)
	Resolvers []netip.AddrPort

	// Warn is told what a person should know and that ends nothing.
	Warn func(format string, args ...any)
}

// Told is what is told of a connection.
type Told struct {
	learn.Flow
	Number uint64 // of the connection
	Open   bool   // it goes on, and is told again
}

// A Confinement says what this process goes on to write to: files, directories and what
// is below. Anything may be read. It starts no other program any more.
type Confinement struct{ Write []string }

// Namespaces say what is done where the command can have none: its calls are
// stopped and made by this process then. That sees no bytes and holds less.
type Namespaces uint8

// The ways to a sandbox.
const (
	NamespacesIfAllowed Namespaces = iota
	NamespacesAlways
	NamespacesNever
)

// A Port is published: who connects to Listen reaches the command's own Port.
type Port struct {
	Listen netip.AddrPort
	Port   uint16
}

// A Result is how a command ended, and what cannot be told of it.
type Result struct {
	Status  int // of the command: its exit status, or 128 and the signal that ended it
	Ready   time.Duration
	Link    string // "veth" or "tun", "" without namespaces
	Flows   uint64
	Refused uint64
	Failed  uint64 // tries that the outside did not answer or this host has no way to
	Host    uint64 // connections to listed ports of this host
	Unknown uint64 // connections whose process was gone
	Spoofed uint64 // packets with a source that is not the command's
	Strange uint64 // packets of protocols that are not forwarded
	Dropped uint64 // packets that came faster than they were read
	Queries uint64 // names that were asked for
	Silent  uint64 // of them, not looked up because nothing would have been admitted

	Only []string // names that were asked for and not connected to
	More uint64   // questions that could not be kept to see what follows

	Confined []string // what this process gave up, in words
}

// An Error says that the sandbox could not be made or the command not be run,
// with the exit status that other programs use for that.
type Error struct {
	Status int
	Err    error
}

// Error implements error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns what went wrong.
func (e *Error) Unwrap() error { return e.Err }

// Exit statuses where the command has none, as env, nice and timeout use them.
const (
	StatusFailed   = 125 // there is no sandbox
	StatusNoRun    = 126 // the command cannot be run
	StatusNotFound = 127 // there is no such command
)
