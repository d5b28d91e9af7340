package sandbox

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"tripline/learn"
)

// A witness is told by the kernel of each connect, and of each datagram with an
// address, while the process that makes it is stopped (seccomp_unotify(2)). It
// keeps the socket open until the first packet is here: a process that ends at
// once would be gone by then, and its socket with it.
type witness struct {
	fd       int
	describe func(tid int) *learn.Process
	threads  map[uint32]*thread // that were stopped before
	teller   *teller

	mu     sync.Mutex
	claims map[uint32]*claim // by the socket's inode
	latest []*claim          // in their order
	most   int               // of them that are kept open
	speaks map[netip.AddrPort]uint64
	began  *atomic.Uint64 // how many were counted in speaks
}

// A claim is a socket and the process that used it.
type claim struct {
	process *learn.Process
	to      netip.AddrPort
	fd      int // our own of the socket, -1 if closed
	at      time.Time
}

// A thread is known by a descriptor of it, which is no other's when its number is, and
// its program by one of its memory, which is no other's when it runs another one.
type thread struct {
	fd, memory int
	process    *learn.Process
	at         time.Time
}

// mostThreads is how many are remembered, and as many descriptors.
const mostThreads = 256

// claimFor is how long a socket is kept for a packet that does not come.
const claimFor = 4 * time.Second

func newWitness(fd int, describe func(tid int) *learn.Process, began *atomic.Uint64) *witness {
	return &witness{fd: fd, describe: describe, threads: map[uint32]*thread{}, claims: map[uint32]*claim{}, speaks: map[netip.AddrPort]uint64{}, began: began, most: min(mostClaims, mostDescriptors()/2)}
}

// watch answers until everything inside is gone.
func (w *witness) watch() {
	go w.sweep()
	notices(w.fd, func(n *notice) {
		w.see(n)
		n.answer(w.fd, &response{flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE})
	})
	w.forget()
}

// see notes whose socket is used.
func (w *witness) see(n *notice) {
	at, length := n.args[1], n.args[2]
	if n.call == unix.SYS_SENDTO {
		at, length = n.args[4], n.args[5]
	}
	to, ok := readAddress(int(n.pid), at, length)
	if !ok || to.Addr().IsLoopback() {
		return
	}
	fd, process, err := w.socket(n.pid, int(int32(n.args[0])), at)
	if err != nil {
		return
	}
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		unix.Close(fd) //nolint:errcheck // it was only looked at
		return
	}
	if w.claim(uint32(st.Ino), &claim{process: process, to: to, fd: fd, at: time.Now()}) {
		w.teller.tell(uint32(st.Ino), to, process)
	}
}

// socket returns a descriptor of our own for that of a thread, and its process. There
// is something in its memory at an address.
func (w *witness) socket(tid uint32, fd int, at uint64) (int, *learn.Process, error) {
	t := w.threads[tid]
	if t != nil {
		d, err := unix.PidfdGetfd(t.fd, fd, 0)
		if err == nil {
			return d, w.program(t, int(tid), at), nil
		}
		t.close() // it is gone: its number may be another's
		delete(w.threads, tid)
	}
	p, err := unix.PidfdOpen(int(tid), unix.PIDFD_THREAD)
	if err != nil { // before Linux 6.9, of whole processes alone
		d, err := duplicate(int(tid), fd)
		return d, w.describe(int(tid)), err
	}
	d, err := unix.PidfdGetfd(p, fd, 0)
	if len(w.threads) == mostThreads {
		w.forget()
	}
	t = &thread{fd: p, memory: -1}
	w.threads[tid] = t
	return d, w.program(t, int(tid), at), err
}

// program returns what a thread is of, described again after a while, and where it runs
// another program: then nothing is left in the memory of the one before.
func (w *witness) program(t *thread, tid int, at uint64) *learn.Process {
	var there [1]byte
	n, _ := unix.Pread(t.memory, there[:], int64(at))
	if now := time.Now(); n == 0 || now.Sub(t.at) > describeFor {
		t.closeMemory()
		t.memory, _ = unix.Open(procPath(tid, "mem"), unix.O_RDONLY|unix.O_CLOEXEC, 0) // -1 where it is not there
		t.process, t.at = w.describe(tid), now
	}
	return t.process
}

func (t *thread) close() {
	unix.Close(t.fd) //nolint:errcheck // it was only used to reach
	t.closeMemory()
}

func (t *thread) closeMemory() {
	if t.memory >= 0 {
		unix.Close(t.memory) //nolint:errcheck // as above
		t.memory = -1
	}
}

// forget lets all threads go.
func (w *witness) forget() {
	for _, t := range w.threads {
		t.close()
	}
	clear(w.threads)
}

// claim notes whose a socket is, and says whether that is news.
func (w *witness) claim(inode uint32, c *claim) (news bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	old := w.claims[inode]
	if old == nil || old.to != c.to {
		w.speak(c.to)
	}
	w.claims[inode] = c
	w.last(c)
	switch {
	case old == nil:
	case old.fd < 0 && old.to == c.to: // its exchange is known
		c.drop()
		return old.process != c.process
	default:
		old.drop()
	}
	return true
}

// last keeps the sockets that were used last, and lets others go: a command that uses
// thousands and sends nothing would otherwise hold every descriptor, and nobody else would
// be known.
func (w *witness) last(c *claim) {
	w.latest = append(w.latest, c)
	if len(w.latest) > w.most {
		w.latest[0].drop()
		w.latest = w.latest[1:]
	}
}

// mostClaims is how many sockets are kept for packets that have not come yet.
const mostClaims = 4096

// mostSpoken is for how many addresses it is known who began to speak to them.
const mostSpoken = 1 << 16

// speak notes that another socket speaks to an address. It may have the port of
// one that is gone.
func (w *witness) speak(to netip.AddrPort) {
	if len(w.speaks) >= mostSpoken {
		clear(w.speaks)
	}
	w.speaks[to] = w.began.Add(1)
}

func (w *witness) spoken(to netip.AddrPort) uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.speaks[to]
}

func (c *claim) drop() {
	if c.fd >= 0 {
		unix.Close(c.fd) //nolint:errcheck // it was never used
		c.fd = -1
	}
}

// sweep forgets sockets whose packet did not come: one that is kept has its port.
func (w *witness) sweep() {
	for now := range time.Tick(claimFor / 4) {
		w.mu.Lock()
		for inode, c := range w.claims {
			if now.Sub(c.at) > claimFor {
				c.drop()
				delete(w.claims, inode)
			}
		}
		w.mu.Unlock()
	}
}

// of returns the process that used a socket, and lets the socket go.
func (w *witness) of(inode uint32) *learn.Process {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.claims[inode]
	if c == nil {
		return nil
	}
	c.drop()
	return c.process
}
