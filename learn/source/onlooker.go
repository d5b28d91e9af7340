package source

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"
	"time"

	"tripline/learn"
	"tripline/learn/source/internal/bpf"
	"tripline/learn/source/internal/proc"
	"tripline/learn/source/internal/sockdiag"
)

// An onlooker is what the kernel tells of who opens connections: it keeps the
// processes and the connections that were opened lately. It is not for concurrent
// use.
type onlooker struct {
	handle  *bpf.Handle
	table   *proc.Table
	record  bpf.Record
	own     uint32             // network namespace
	sockets sockets            // by cookie, while they are open
	recent  openings           // by what they can be found by
	tell    func(*opening)     // a connection is known, or closed
	waiting map[uint64]waiting // connections whose port is not known yet
	diag    *sockdiag.Handle   // that is asked for it, nil if there is none
	again   time.Time          // it is not asked before
}

// An opening is a connection that a process has begun.
type opening struct {
	learn.Flow
	cookie  uint64
	net     uint32
	claimed bool // another source has told of it
	told    bool
	closed  bool
	alone   bool // nobody else has told of it: it was returned as it is
}

type waiting struct {
	o     *opening
	until time.Time
}

// portTime is how long is waited for an answer that shows the port.
const portTime = 300 * time.Millisecond

// openOnlooker loads the programs.
func openOnlooker() (*onlooker, error) {
	paths, err := proc.FindCgroups("/proc/self/mountinfo")
	if errors.Is(err, os.ErrNotExist) {
		return nil, ebpfError(errors.ErrUnsupported)
	}
	if err != nil {
		return nil, learn.WithHint(fmt.Errorf("ebpf: %w", err), "mount -t cgroup2 none /sys/fs/cgroup/unified")
	}
	h, err := bpf.Open(paths.Mount())
	if err != nil {
		return nil, ebpfError(err)
	}
	diag, _ := sockdiag.Open() // without it some ports are not known
	return &onlooker{
		handle: h, diag: diag, table: proc.NewTable("/proc", paths), own: ownNetwork(), tell: func(*opening) {},
		sockets: newSockets(), recent: newOpenings(), waiting: map[uint64]waiting{},
	}, nil
}

func ebpfError(err error) error {
	wrapped := fmt.Errorf("ebpf: %w", err)
	switch {
	case errors.Is(err, bpf.ErrRight):
		return learn.WithHint(wrapped, bpf.RightHint)
	case errors.Is(err, errors.ErrUnsupported):
		return learn.WithHint(wrapped, "it is built for Linux 5.15 or newer on little-endian machines")
	}
	return wrapped
}

// ownNetwork is the inode of this process's network namespace.
func ownNetwork() uint32 {
	info, err := os.Stat("/proc/self/ns/net")
	if err != nil {
		return 0
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint32(st.Ino)
	}
	return 0
}

// look takes all that the kernel has told.
func (k *onlooker) look() error {
	for {
		ok, err := k.handle.Next(&k.record)
		if err != nil {
			return ebpfError(err)
		}
		if !ok {
			return nil
		}
		k.take(&k.record)
	}
}

// take takes one record, in the order of the kernel.
func (k *onlooker) take(r *bpf.Record) {
	switch r.Kind {
	case bpf.Forked:
		k.table.Forked(r.Parent, r.PID, r.UID, r.Cgroup)
	case bpf.Executed:
		k.table.Executed(r.PID, r.Parent, r.UID, r.Cgroup, r.Path, r.Args)
	case bpf.Exited:
		k.table.Exited(r.PID, time.Unix(0, r.Time))
	case bpf.Opened, bpf.Datagram, bpf.Towards, bpf.Sent:
		k.opened(r)
	case bpf.Established, bpf.Closed:
		k.known(r)
	}
}

// opened notes a connection, and who has begun it.
func (k *onlooker) opened(r *bpf.Record) {
	if !r.Dst.IsValid() || r.DstPort == 0 {
		return // asking which address would be used
	}
	o := &opening{cookie: r.Cookie, net: r.Net, Flow: learn.Flow{
		Time: time.Unix(0, r.Time).UTC(), Proto: learn.Proto(r.Proto), Src: r.Src, Dst: r.Dst,
		SrcPort: r.SrcPort, DstPort: r.DstPort, Process: k.table.Of(r.PID),
	}}
	k.recent.add(o)
	switch {
	case r.Kind != bpf.Opened:
		k.report(o)
	case o.SrcPort != 0:
		k.sockets.add(o)
		k.report(o)
	default:
		k.sockets.add(o)
		k.waiting[o.cookie] = waiting{o, time.Now().Add(portTime)}
	}
}

// known notes what is known of a connection since it was answered, or has ended.
func (k *onlooker) known(r *bpf.Record) {
	o := k.sockets.get(r.Cookie)
	if o == nil {
		return
	}
	k.located(o, r.Src, r.SrcPort)
	if r.Kind == bpf.Closed {
		k.sockets.drop(r.Cookie)
		o.Up, o.Down = r.Up, r.Down
		c := *o // that it was opened was told, and may be held by who was told
		c.closed = true
		c.Time = time.Unix(0, r.Time).UTC()
		k.report(&c)
	}
}

// located says where a connection comes from, and tells of it.
func (k *onlooker) located(o *opening, src netip.Addr, port uint16) {
	delete(k.waiting, o.cookie)
	if o.told {
		return
	}
	if o.SrcPort == 0 && port != 0 {
		o.SrcPort = port
		if src.IsValid() {
			o.Src = src
		}
		k.recent.add(o)
	}
	k.report(o)
}

// settle tells of connections that nobody answers: the kernel is asked for their
// ports, which takes 70 ms where 10,000 wait for an answer, so it is asked a tenth of
// the time at most.
func (k *onlooker) settle(now time.Time) {
	if len(k.waiting) == 0 || now.Before(k.again) {
		return
	}
	began := time.Now()
	defer func() { k.again = now.Add(max(lookPause, 10*time.Since(began))) }()
	var ports map[uint64]sockdiag.Socket
	for cookie, w := range k.waiting {
		if now.Before(w.until) {
			continue
		}
		if ports == nil && k.diag != nil {
			ports = k.diag.Opening()
		}
		socket := ports[cookie]
		k.located(w.o, socket.Src, socket.SrcPort)
	}
}

func (k *onlooker) report(o *opening) {
	o.told = true
	k.tell(o)
}

// Lost is how many records the kernel had no room for.
func (k *onlooker) lost() int64 { return k.handle.Lost() }

// Close implements [attributor].
func (k *onlooker) Close() error {
	err := k.handle.Close()
	if k.diag != nil {
		err = errors.Join(err, k.diag.Close())
	}
	return err
}
