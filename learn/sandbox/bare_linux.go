package sandbox

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"tripline/learn"
)

// A supervisor makes the calls of a command that has no namespaces, those that say
// where something goes. The socket is the command's own, duplicated: what goes over
// it afterwards is between the command and the kernel, and not counted.
type supervisor struct {
	b        *box
	fd       int // tells of calls
	init     int // the first process inside
	describe func(pid int) *learn.Process
	servers  []netip.AddrPort // what the command asks for names
	dns      *answering
	covered  *cover

	mu      sync.Mutex
	over    bool
	pending map[*talk]bool // decided on, and not told yet
	sent    map[sending]time.Time
	warned  map[string]bool
}

// A sending is where a socket sends datagrams.
type sending struct {
	inode uint64
	to    netip.AddrPort
}

// without makes a sandbox of the filter alone.
func (r *running) without() error {
	if len(r.o.Publish) > 0 {
		return learn.WithHint(errors.New("ports cannot be published without namespaces"),
			"leave out --publish: what the command listens on at 127.0.0.1 is there for this host")
	}
	if r.o.HashPayload > 0 {
		return learn.WithHint(errors.New("payload hashes cannot be recorded without namespaces: what goes over a connection is not seen"),
			"leave out --record-payload-hashes, or allow namespaces: tripline doctor sandbox says how")
	}
	r.o.Warn("without namespaces, each connect and datagram is stopped and made by tripline. It does not see: bytes, when a connection ended, names in TLS and HTTP; names are those that were asked for over DNS")
	unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) //nolint:errcheck // see endRest
	r.bare = &supervisor{pending: map[*talk]bool{}, sent: map[sending]time.Time{}, warned: map[string]bool{}}
	err := r.start(false)
	if err != nil {
		return err
	}
	fd, err := duplicate(r.child.Process.Pid, r.report.Notify)
	if err != nil {
		r.kill()
		return noSupervisor(err)
	}
	r.fds[fdNotify] = []int{fd}
	return nil
}

// noSupervisor says why a process of ours may not be looked at.
func noSupervisor(err error) error {
	fix := "start the container with --security-opt seccomp=unconfined, or allow pidfd_getfd and process_vm_readv"
	if scope := sysctl("kernel/yama/ptrace_scope"); scope == "2" || scope == "3" {
		fix = "as root: sysctl kernel.yama.ptrace_scope=1"
		if scope == "3" {
			fix = "kernel.yama.ptrace_scope is 3, which lasts until the next start: set it to 1 in /etc/sysctl.d and start anew"
		}
	}
	return learn.WithHint(fmt.Errorf("take over the command's calls: %w", err), "%s", fix)
}

// bareEnvironment asks for names over connections: answers to datagrams are looked
// at by the C library, whether they are from where the question went (resolv.conf(5)).
func bareEnvironment(env []string) []string {
	const name = "RES_OPTIONS="
	options := name
	env = slices.DeleteFunc(env, func(e string) bool {
		if strings.HasPrefix(e, name) {
			options = e + " "
			return true
		}
		return false
	})
	return append(env, options+"use-vc")
}

// supervise begins to make the command's calls.
func (r *running) supervise() error {
	s, o := r.bare, newOwners(r.child.Process.Pid)
	r.box.owner = nobody{} // whose a call is, is known when it is made
	s.b, s.fd, s.init, s.describe = r.box, r.fds[fdNotify][0], r.child.Process.Pid, o.describe
	s.servers, _ = hostResolvers()
	s.covered = newCover(hidden(r.o.Sockets))
	s.b.names.single = true
	var err error
	if s.dns, err = s.b.answering(); err != nil {
		return err
	}
	go notices(s.fd, func(n *notice) {
		go func() {
			value, errno := s.make(n)
			n.answer(s.fd, &response{value: int64(value), errno: -int32(errno)})
		}()
	})
	return nil
}

// end tells of what still waits to be made, and takes nothing more.
func (s *supervisor) end() {
	s.dns.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	for t := range s.pending {
		t.end()
	}
}

// pend notes a talk until its call was made. It is false if all is over.
func (s *supervisor) pend(t *talk) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.pending[t] = true
	}
	return !s.over
}

// tell tells of a talk, once.
func (s *supervisor) tell(t *talk, how func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over && s.pending[t] {
		how()
	}
	delete(s.pending, t)
}

// warn says a thing once.
func (s *supervisor) warn(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over && !s.warned[text] {
		s.warned[text] = true
		s.b.o.Warn("%s", text)
	}
}

// make makes a call for the command.
func (s *supervisor) make(n *notice) (int, unix.Errno) {
	c := &called{s: s, n: n}
	fd, err := duplicate(int(n.pid), c.number(0))
	if err != nil {
		if !errors.Is(err, unix.EBADF) && n.valid(s.fd) {
			s.warn(fmt.Sprintf("a call was refused: its socket cannot be reached: %v", err))
		}
		return 0, errnoOf(err)
	}
	defer unix.Close(fd) //nolint:errcheck // the command has it
	if !n.valid(s.fd) {  // then it may be another's
		return 0, unix.ESRCH
	}
	c.fd = fd
	if c.domain, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN); err != nil {
		return 0, errnoOf(err)
	}
	if c.kind, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE); err != nil {
		return 0, errnoOf(err)
	}
	switch n.call {
	case unix.SYS_CONNECT:
		return 0, c.connect()
	case unix.SYS_LISTEN:
		return 0, c.listen()
	case unix.SYS_SETSOCKOPT:
		return 0, c.passCredentials()
	case unix.SYS_SENDTO:
		return c.sendto()
	case unix.SYS_SENDMSG:
		return c.sendmsg()
	case unix.SYS_SENDMMSG:
		return c.sendmmsg()
	}
	return 0, unix.ENOSYS
}

func errnoOf(err error) unix.Errno {
	if errno, ok := errors.AsType[unix.Errno](err); ok {
		return errno
	}
	return unix.EPERM
}

// process is who makes a call.
func (c *called) process() *learn.Process {
	tid := int(c.n.pid)
	if p := c.s.describe(groupOf(tid)); p != nil {
		return p
	}
	return c.s.describe(tid) // its first thread has ended before the others
}

// isResolver says whether an address is where the command asks for names.
func (s *supervisor) isResolver(to netip.AddrPort) bool {
	return slices.ContainsFunc(s.servers, func(a netip.AddrPort) bool {
		return a.Port() == to.Port() && a.Addr().Unmap().WithZone("") == to.Addr().WithZone("")
	})
}

// own says whether everybody who listens on a port of the loopback is inside, or the
// port is listed.
func (s *supervisor) own(proto learn.Proto, to netip.AddrPort) bool {
	if proto == learn.TCP && s.b.hosts[to.Port()] {
		return true
	}
	return s.inside(bound(proto, to))
}

// inside says whether there are sockets, and all of them the command's.
func (s *supervisor) inside(inodes []uint32) bool {
	inside := descendants(s.init)
	return len(inodes) > 0 && !slices.ContainsFunc(inodes, func(i uint32) bool { return holder(inside, i) == 0 })
}
