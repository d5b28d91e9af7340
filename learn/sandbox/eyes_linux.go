package sandbox

import (
	"fmt"
	"net"
	"net/netip"
	"net/rpc"
	"os"
	"os/exec"
	"strconv"
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

// A query is about a socket, or who speaks to an address, and a view what is seen.
type (
	query = struct {
		Socket uint32
		To     netip.AddrPort
	}
	view = struct {
		Process *learn.Process
		Spoken  uint64
	}
)

// A viewer answers queries, in the process that looks.
type viewer struct{ o *owners }

// Of answers [eyes.of].
func (v *viewer) Of(q query, seen *view) error {
	seen.Process = v.o.of(q.Socket)
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
	eyesTold
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
	o := newOwners(first)
	if args[3] == eyesStrict {
		o.witness = newWitness(eyesNotify, o.describe, began)
		o.witness.teller = &teller{fd: eyesTold, ids: map[*learn.Process]uint64{}}
		go o.witness.teller.released(func(inode uint32) { o.witness.of(inode) })
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
	over  atomic.Bool   // it is to end
	gone  chan struct{} // closed when it has
	diag  diag
	told  listener
	began *atomic.Uint64 // how many sockets began to speak
}

// open starts the process that looks. It gets the descriptor that tells of calls for
// itself.
func openEyes(first, diagFD, notifyFD int) (*eyes, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "eyes"), os.NewFile(uintptr(pair[1]), "eyes")
	defer theirs.Close() //nolint:errcheck // the other process has it
	told, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		ours.Close() //nolint:errcheck // nobody is there
		return nil, err
	}
	telling := os.NewFile(uintptr(told[1]), "told")
	defer telling.Close() //nolint:errcheck // the other process has it
	c, err := net.FileConn(ours)
	ours.Close() //nolint:errcheck // the connection has its own
	if err != nil {
		return nil, err
	}
	e := &eyes{gone: make(chan struct{}), c: rpc.NewClient(c), diag: diag{fd: diagFD}}
	e.told = newListener(told[0])
	if err := e.start(first, theirs, telling, notifyFD); err != nil {
		e.c.Close()         //nolint:errcheck // nobody is there
		unix.Close(told[0]) //nolint:errcheck // as above
		return nil, err
	}
	return e, nil
}

func (e *eyes) start(first int, socket, telling *os.File, notifyFD int) error {
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
	files, how := []*os.File{socket, count, telling}, eyesWeak
	if notifyFD >= 0 {
		notify := os.NewFile(uintptr(notifyFD), "notify")
		defer notify.Close() //nolint:errcheck // the other process has it
		files, how = append(files, notify), eyesStrict
	}
	e.cmd = &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{os.Args[0], argEyes, strconv.Itoa(first), how},
		Stderr: os.Stderr, ExtraFiles: files,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true}, // the terminal's signals are not for it
	}
	return e.cmd.Start()
}

// close ends it.
func (e *eyes) close() {
	if e != nil {
		e.over.Store(true)
		e.c.Close()           //nolint:errcheck // it is over
		unix.Close(e.told.fd) //nolint:errcheck // as above
		<-e.gone
	}
}

// wait calls f if it ends before it is to.
func (e *eyes) wait(f func()) {
	e.cmd.Wait() //nolint:errcheck // that it has is all that matters
	close(e.gone)
	if !e.over.Load() {
		f()
	}
}

func (e *eyes) ask(what string, q query) (seen view) {
	e.c.Call("eyes."+what, q, &seen) //nolint:errcheck // nobody is known then
	return seen
}

// of asks only for what was not told.
func (e *eyes) of(proto learn.Proto, from, to netip.AddrPort) (*learn.Process, uint32) {
	if !proto.HasPorts() {
		return nil, 0
	}
	inode := e.socket(proto, from, to)
	if inode == 0 {
		return e.told.by(to), 0
	}
	if p := e.told.of(inode); p != nil {
		return p, inode
	}
	return e.ask("Of", query{Socket: inode}).Process, inode
}

func (e *eyes) socket(proto learn.Proto, from, to netip.AddrPort) uint32 {
	s, err := e.diag.find(proto, from, to)
	if err != nil {
		return 0
	}
	return s.inode
}

func (e *eyes) moment() uint64 { return e.began.Load() }

func (e *eyes) spoken(to netip.AddrPort) uint64 { return e.ask("Spoken", query{To: to}).Spoken }
