package sandbox

import (
	"fmt"
	"net"
	"net/netip"
	"net/rpc"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"tripline/learn"
)

// Eyes are a process of their own that looks at those of the command and finds whose
// a connection is. What answers the command's packets then needs no right to look at
// any process, and gives it up (see [Confinement]): with Landlock it could not.
//
// They are asked over a socket, and end with it.

// A query is about a connection, and a view what is seen of it.
type (
	query = struct {
		Proto    learn.Proto
		From, To netip.AddrPort
	}
	view = struct {
		Process *learn.Process
		Socket  uint32
		Spoken  uint64
	}
)

// A viewer answers queries, in the process that looks.
type viewer struct{ o *owners }

// Of answers [eyes.of].
func (v *viewer) Of(q query, seen *view) error {
	seen.Process, seen.Socket = v.o.of(q.Proto, q.From, q.To)
	return nil
}

// Socket answers [eyes.socket].
func (v *viewer) Socket(q query, seen *view) error {
	seen.Socket = v.o.socket(q.Proto, q.From, q.To)
	return nil
}

// Spoken answers [eyes.spoken].
func (v *viewer) Spoken(q query, seen *view) error {
	seen.Spoken = v.o.spoken(q.To)
	return nil
}

// Where the process that looks finds what it gets, the last one with strict
// attribution alone.
const (
	eyesSocket = 3 + iota
	eyesCount
	eyesDiag
	eyesNotify
)

// watchOver is that process. Its arguments are the first process inside, and whether
// calls are told of.
func watchOver(args []string) int {
	first, err := strconv.Atoi(args[2])
	if err != nil {
		return StatusFailed
	}
	f := os.NewFile(eyesSocket, "eyes")
	c, err := net.FileConn(f)
	f.Close() //nolint:errcheck // the connection has its own
	if err != nil {
		return StatusFailed
	}
	began, err := counter(eyesCount)
	if err != nil {
		return StatusFailed
	}
	o := newOwners(eyesDiag, first)
	if args[3] == eyesStrict {
		o.witness = newWitness(eyesNotify, o.describe, began)
		go o.witness.watch()
	}
	confine(nil, looking)
	s := rpc.NewServer()
	if err := s.RegisterName("eyes", &viewer{o}); err != nil {
		return StatusFailed
	}
	s.ServeConn(c)
	return 0
}

const (
	eyesStrict = "strict"
	eyesWeak   = "weak"
)

// counter is memory that both processes see, where one counts.
func counter(fd int) (*atomic.Uint64, error) {
	const size = 8
	page, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("share a counter: %w", err)
	}
	return (*atomic.Uint64)(unsafe.Pointer(&page[0])), nil //nolint:gosec // G103: a page begins at a multiple of 8
}

// eyes are the owner of connections, as the other process sees it. Where that is gone,
// nobody is known any more.
type eyes struct {
	c     *rpc.Client
	cmd   *exec.Cmd
	began *atomic.Uint64 // how many sockets began to speak

	mu     sync.Mutex
	spoke  map[netip.AddrPort]uint64
	spokes uint64 // what began was then
}

// open starts the process that looks. It gets the descriptors for itself.
func openEyes(first, diagFD, notifyFD int) (*eyes, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "eyes"), os.NewFile(uintptr(pair[1]), "eyes")
	defer theirs.Close() //nolint:errcheck // the other process has it
	c, err := net.FileConn(ours)
	ours.Close() //nolint:errcheck // the connection has its own
	if err != nil {
		return nil, err
	}
	e := &eyes{c: rpc.NewClient(c), spoke: map[netip.AddrPort]uint64{}}
	if err := e.start(first, theirs, diagFD, notifyFD); err != nil {
		e.c.Close() //nolint:errcheck // nobody is there
		return nil, err
	}
	return e, nil
}

func (e *eyes) start(first int, socket *os.File, diagFD, notifyFD int) error {
	fd, err := unix.MemfdCreate("count", unix.MFD_CLOEXEC)
	if err != nil {
		return err
	}
	count := os.NewFile(uintptr(fd), "count")
	defer count.Close() //nolint:errcheck // it is mapped
	if err := count.Truncate(int64(os.Getpagesize())); err != nil {
		return err
	}
	if e.began, err = counter(fd); err != nil {
		return err
	}
	files, how := []*os.File{socket, count, os.NewFile(uintptr(diagFD), "diag")}, eyesWeak
	if notifyFD >= 0 {
		files, how = append(files, os.NewFile(uintptr(notifyFD), "notify")), eyesStrict
	}
	e.cmd = &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{os.Args[0], argEyes, strconv.Itoa(first), how},
		Stderr: os.Stderr, ExtraFiles: files,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true}, // the terminal's signals are not for it
	}
	err = e.cmd.Start()
	for _, f := range files[2:] {
		f.Close() //nolint:errcheck // the other process has it
	}
	return err
}

// close ends it.
func (e *eyes) close() {
	if e != nil {
		e.c.Close()  //nolint:errcheck // it is over
		e.cmd.Wait() //nolint:errcheck // as above
	}
}

func (e *eyes) ask(what string, q query) (seen view) {
	e.c.Call("eyes."+what, q, &seen) //nolint:errcheck // nobody is known then
	return seen
}

func (e *eyes) of(proto learn.Proto, from, to netip.AddrPort) (*learn.Process, uint32) {
	if !proto.HasPorts() {
		return nil, 0
	}
	seen := e.ask("Of", query{proto, from, to})
	return seen.Process, seen.Socket
}

func (e *eyes) socket(proto learn.Proto, from, to netip.AddrPort) uint32 {
	return e.ask("Socket", query{proto, from, to}).Socket
}

// spoken asks only where somebody began to speak since: it is on the way of every
// datagram.
func (e *eyes) spoken(to netip.AddrPort) uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	if now := e.began.Load(); now != e.spokes {
		clear(e.spoke)
		e.spokes = now
	}
	n, known := e.spoke[to]
	if !known {
		n = e.ask("Spoken", query{To: to}).Spoken
		e.spoke[to] = n
	}
	return n
}
